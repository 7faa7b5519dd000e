"""From a name to a verified folder: samples, Kaggle by a stand-in, the reader's own folders and archives."""

import dataclasses
import hashlib
import shutil
import sys
import threading
import types
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils import files, runtime
from course_utils.data import kaggle, sources
from course_utils.data.catalog import CATALOG, get
from course_utils.data.prepared import fingerprint, keep, read_facts


def plant(root: Path, *names: str) -> Path:
    for number, name in enumerate(names):
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((4, 6, 3), number, np.uint8)).save(path)
    return root


def checksums(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> types.SimpleNamespace:
    """A sample set of two pictures under the name satellite, and a count of how often it was written."""
    module = types.ModuleType("tiny_sample")
    state = types.SimpleNamespace(module=module, written=0)

    def write(target: Path, *, seed: int = 0, progress: bool = False) -> None:
        state.written += 1
        plant(target, f"cloudy/{seed}.png", "water/1.png")

    module.write, module.VERSION = write, 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tiny_sample", module)
    monkeypatch.setitem(sources.SAMPLES, "satellite", "tiny_sample")
    return state


def test_a_sample_is_written_once(tmp_path: Path, tiny: types.SimpleNamespace) -> None:
    first = sources.prepare("satellite", root=tmp_path)
    assert first == tmp_path / "satellite" and files.is_ours(first)
    before = checksums(tmp_path)
    assert sources.prepare("satellite", root=tmp_path) == first
    assert tiny.written == 1 and checksums(tmp_path) == before
    facts = read_facts(first)
    assert facts["num_files"] == 2 and facts["fingerprint"] == fingerprint(first)
    assert facts["counts"] == {"all": {"cloudy": 1, "desert": 0, "green_area": 0, "water": 1}}


def test_another_seed_has_a_folder_of_its_own(tmp_path: Path, tiny: types.SimpleNamespace) -> None:
    assert sources.prepare("satellite", root=tmp_path, seed=5) == tmp_path / "satellite-seed5"
    sources.prepare("satellite", root=tmp_path)
    assert (tmp_path / "satellite-seed5" / "cloudy" / "5.png").is_file()
    with pytest.raises(ValueError, match="seed is -1"):
        sources.prepare("satellite", root=tmp_path, seed=-1)


def test_an_older_version_is_made_anew(tmp_path: Path, tiny: types.SimpleNamespace) -> None:
    sources.prepare("satellite", root=tmp_path)
    tiny.module.VERSION = 2
    sources.prepare("satellite", root=tmp_path)
    assert tiny.written == 2 and read_facts(tmp_path / "satellite")["version"] == 2


@pytest.mark.parametrize("change", ["removed", "added", "cut"])
def test_a_changed_folder_is_neither_used_nor_overwritten(
    tmp_path: Path, tiny: types.SimpleNamespace, change: str
) -> None:
    folder = sources.prepare("satellite", root=tmp_path)
    picture = folder / "water" / "1.png"
    if change == "removed":
        picture.unlink()
    elif change == "added":
        (folder / "water" / "my own.png").write_bytes(picture.read_bytes())
    else:
        picture.write_bytes(picture.read_bytes()[:-1])
    before = checksums(tmp_path)
    with pytest.raises(ValueError, match=r"was changed since it was written.*Remove the folder"):
        sources.prepare("satellite", root=tmp_path)
    assert checksums(tmp_path) == before


def test_check_finds_a_change_of_the_same_length(tmp_path: Path, tiny: types.SimpleNamespace) -> None:
    folder = sources.prepare("satellite", root=tmp_path)
    assert sources.check("satellite", root=tmp_path).problems == [
        "class folders without a picture: desert, green_area"
    ]
    shutil.copy(folder / "cloudy" / "0.png", folder / "water" / "1.png")
    assert "fingerprint" in sources.check("satellite", root=tmp_path).problems[1]


def test_a_failed_preparation_leaves_nothing(tmp_path: Path, tiny: types.SimpleNamespace) -> None:
    def fail(target: Path, **_: object) -> None:
        plant(target, "cloudy/0.png")
        raise KeyboardInterrupt

    good, tiny.module.write = tiny.module.write, fail
    with pytest.raises(KeyboardInterrupt):
        sources.prepare("satellite", root=tmp_path)
    assert list(tmp_path.iterdir()) == []
    tiny.module.write = good
    assert sources.prepare("satellite", root=tmp_path).is_dir()


def test_two_preparations_at_once_both_succeed(tmp_path: Path) -> None:
    barrier = threading.Barrier(2, timeout=60)
    facts = {"name": "x", "source": "s", "version": 1, "seed": 0, "class_names": ["a"]}

    def write(target: Path) -> None:
        plant(target, "a/1.png")
        barrier.wait()  # both are in the middle of writing

    results: list[Path] = []
    threads = [
        threading.Thread(target=lambda: results.append(keep(tmp_path / "x", facts, write))) for _ in "12"
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [tmp_path / "x"] * 2
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_a_folder_in_the_way_is_left_alone(tmp_path: Path, tiny: types.SimpleNamespace) -> None:
    (tmp_path / "satellite").mkdir()
    (tmp_path / "satellite" / "mine.txt").write_text("mine")
    with pytest.raises(FileExistsError, match="did not make"):
        sources.prepare("satellite", root=tmp_path)
    assert (tmp_path / "satellite" / "mine.txt").read_text() == "mine"


def test_every_sample_is_a_module_with_write() -> None:
    import importlib

    for module in sources.SAMPLES.values():
        assert callable(importlib.import_module(module).write)


def test_a_folder_is_used_in_place_and_not_touched(tmp_path: Path) -> None:
    mine = plant(tmp_path / "mine", "wrapper/Cloudy/1.png", "wrapper/Green Area/1.png", "__MACOSX/x.png")
    before = checksums(tmp_path)
    folder = sources.prepare("satellite", source=mine, root=tmp_path / "data")
    assert folder == mine / "wrapper"
    assert {r.label for r in sources.records(folder, class_names=get("satellite").class_names)} == {
        "cloudy", "green_area",
    }  # fmt: skip
    assert checksums(tmp_path) == before and not (tmp_path / "data").exists()
    report = sources.check(mine)
    assert report.ok and report.sizes == {"4 x 6": 2}


def test_another_set_under_a_known_name_is_refused(tmp_path: Path) -> None:
    mine = plant(tmp_path / "mine", "cat/1.png", "dog/1.png")
    with pytest.raises(ValueError, match="'cat', 'dog' are not among the expected 4; missing are 'cloudy'"):
        sources.prepare("satellite", source=mine)
    with pytest.raises(ValueError, match="1 pictures without labels"):
        sources.prepare("satellite", source=plant(tmp_path / "flat", "x.png"))
    assert sources.prepare("pets", source=mine) == mine


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("satelite", "sample", "Did you mean 'satellite'"),
        ("satellite", "sampel", "Did you mean 'sample'"),
        ("satellite", "no/such/folder", "no such folder or archive; other sources are"),
        ("satelite", ".", "Did you mean 'satellite'"),
        ("../x", ".", "expected letters, digits"),
        ("satellite", "download", "'download' is only for digits"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, name: str, source: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sources.prepare(name, source=source, root=tmp_path)


def test_an_archive_is_unpacked_once_beside(tmp_path: Path) -> None:
    mine = plant(tmp_path / "mine", "cloudy/1.png", "water/1.png")
    archive = shutil.make_archive(str(tmp_path / "satellite"), "zip", mine)
    folder = sources.prepare("satellite", source=archive, root=tmp_path / "data")
    assert folder.parent == tmp_path / "data" and folder.name.startswith("satellite-")
    assert {r.label for r in sources.records(folder)} == {"cloudy", "water"}
    stamp = (folder / "cloudy" / "1.png").stat().st_mtime_ns
    assert sources.prepare("satellite", source=archive, root=tmp_path / "data") == folder
    assert (folder / "cloudy" / "1.png").stat().st_mtime_ns == stamp
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr("../evil", "x")
    with pytest.raises(ValueError, match="leads out of the target"):
        sources.prepare("satellite", source=archive, root=tmp_path / "data")
    assert [path.name for path in (tmp_path / "data").iterdir()] == [folder.name]


class FakeHub(types.ModuleType):
    """Stands in for kagglehub: gives a folder, or fails as it does without network or account."""

    def __init__(self, result: Path | Exception) -> None:
        super().__init__("kagglehub")
        self.asked: list[tuple[str, str]] = []
        self.result = result

    def _answer(self, kind: str, handle: str) -> str:
        self.asked.append((kind, handle))
        if isinstance(self.result, Exception):
            raise self.result
        return str(self.result)

    def competition_download(self, handle: str) -> str:
        return self._answer("competition", handle)

    def dataset_download(self, handle: str) -> str:
        return self._answer("dataset", handle)


def test_kaggle_gives_a_verified_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = FakeHub(plant(tmp_path / "cache", "train/Maize/1.png", "train/Fat Hen/1.png", "test/0021e90e4.png"))
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    assert sources.prepare("seedlings", source="kaggle") == tmp_path / "cache"
    assert hub.asked == [("competition", "plant-seedlings-classification")]
    hub.result = plant(tmp_path / "other", "data/cloudy/1.png", "data/desert/1.png")
    assert sources.prepare("satellite", source="kaggle") == tmp_path / "other" / "data"
    assert hub.asked[1][0] == "dataset"
    with pytest.raises(ValueError, match="not among the expected 11"):
        sources.prepare("food11", source="kaggle")


@pytest.mark.parametrize("name", [name for name in CATALOG if get(name).kaggle])
@pytest.mark.parametrize("reason", ["not installed", "no network", "no account"])
def test_without_kaggle_the_steps_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, reason: str
) -> None:
    failures = {"no network": ConnectionError("no route\nmore"), "no account": PermissionError("401")}
    hub = None if reason == "not installed" else FakeHub(failures[reason])
    monkeypatch.setitem(sys.modules, "kagglehub", hub)
    with pytest.raises(RuntimeError, match="By hand:") as caught:
        sources.prepare(name, source="kaggle", root=tmp_path)
    text = str(caught.value)
    assert f"kaggle.com/{get(name).kaggle_kind}s/{get(name).kaggle}" in text
    assert f"data prepare {name} --source PATH_OF_THE_ZIP" in text and "source='sample'" in text
    assert ("accept the rules" in text) == (get(name).kaggle_kind == "competition")
    assert {"not installed": "kagglehub is not installed", "no network": "ConnectionError: no route)",
            "no account": "401"}[reason] in text  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_a_set_that_is_not_on_kaggle_is_not_asked_for() -> None:
    drawn = dataclasses.replace(get("satellite"), name="drawn", kaggle="")
    with pytest.raises(ValueError, match=r"drawn is not on Kaggle\. Use source='sample', or give"):
        kaggle.fetch(drawn)


def test_mnist_is_downloaded_file_by_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, int]] = []

    def download(url: str, *, target: Path, sha256: str, size: int, progress: bool) -> Path:
        asked.append((url, size))
        assert url.startswith("https://") and len(sha256) == 64 and target.parent == tmp_path / "mnist-idx"
        return target

    monkeypatch.setattr(kaggle, "download", download)
    assert kaggle.fetch_mnist(get("digits"), tmp_path) == tmp_path / "mnist-idx"
    assert sorted(size for _, size in asked) == [4542, 28881, 1648877, 9912422]


def test_list_and_describe(tmp_path: Path, tiny: types.SimpleNamespace) -> None:
    sources.prepare("satellite", root=tmp_path)
    rows = {row["name"]: row for row in sources.list_datasets(root=tmp_path)}
    assert list(rows) == list(CATALOG)
    assert rows["satellite"]["prepared"] == "2 pictures" and rows["digits"]["prepared"] == "no"
    for name in CATALOG:
        assert get(name).title in sources.describe(name)
        assert all(class_name in sources.describe(name) for class_name in get(name).class_names)


def test_check_reports_damage_and_differences(tmp_path: Path) -> None:
    mine = plant(tmp_path, "train/cloudy/1.png", "train/water/1.png", "train/water/2.png", "val/water/3.png")
    (mine / "train" / "water" / "2.png").write_bytes(b"")
    report = sources.check(mine)
    assert not report.ok and report.num_images == 4 and report.sizes == {"4 x 6": 3}
    assert report.damaged == [(str(mine / "train" / "water" / "2.png"), "is empty (0 bytes)")]
    assert report.counts == {"train": {"cloudy": 1, "water": 2}, "val": {"cloudy": 0, "water": 1}}
    text = str(report)
    assert "damaged: " in text and "1 damaged, 0 problems" in text and "train: 3 (cloudy 1, water 2)" in text
    assert files.to_json(report.as_dict())
    with pytest.raises(ValueError, match="has not been prepared"):
        sources.check("satellite", root=tmp_path)


def test_real_sets() -> None:
    real = runtime.real_data_dir()
    if real is None or not (real / "seedlings_150px").is_dir():
        pytest.skip("COURSE_REAL_DATA is not set, or has no seedlings_150px")
    folder = sources.prepare("seedlings", source=real / "seedlings_150px")
    assert len(sources.records(folder)) == 1011
    folder = sources.prepare("food11", source=real / "food11_64px")
    labels = {r.label for r in sources.records(folder, class_names=get("food11").class_names)}
    assert labels == set(get("food11").class_names)
    with pytest.raises(ValueError, match="not among the expected 4"):
        sources.prepare("satellite", source=real / "satellite_rsscn7")
