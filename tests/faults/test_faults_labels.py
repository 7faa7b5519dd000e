"""Labels, classes and copies that go wrong in silence elsewhere. F7, F8, F11 and F16 of the fault list."""

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from planted import make_tree, write_picture

from course_utils.data import confounds
from course_utils.data.audit import audit
from course_utils.data.check import check_folder
from course_utils.data.datasets import labelled
from course_utils.data.layouts import read_layout
from course_utils.data.manifest import Manifest, Row
from course_utils.data.materialise import materialise
from course_utils.data.splits import stratified_split
from course_utils.data.splitting import plan_split, split_folder


def names_of_targets(root: Path, split: str, class_names: tuple[str, ...] | None = None) -> list[bool]:
    """For each picture, whether its target means the folder it lies in."""
    layout = read_layout(root, class_names=class_names)
    pictures = labelled(layout.records, class_names=layout.class_names, size=(5, 6), split=split)
    chosen = [layout.class_names[target] for target in pictures.targets]
    return [name == path.parent.name for name, path in zip(chosen, pictures.paths, strict=True)]


@pytest.mark.parametrize("val", [["cat", "ant"], ["bee"], ["ant", "bee", "cat"]])
@pytest.mark.parametrize("order", [None, ("cat", "ant", "bee")])
def test_F7_labels_go_by_name_where_val_lacks_a_class_or_the_order_differs(
    tmp_path: Path, nothing_changes: Callable[..., None], val: list[str], order: tuple[str, ...] | None
) -> None:
    make_tree(tmp_path / "set/train", ["ant", "bee", "cat"])
    make_tree(tmp_path / "set/val", val, first=100)
    nothing_changes()
    assert all(names_of_targets(tmp_path / "set", "train", order))
    assert all(names_of_targets(tmp_path / "set", "val", order))
    assert read_layout(tmp_path / "set", class_names=order).class_names == (order or ("ant", "bee", "cat"))


def test_F7_a_class_of_val_that_was_never_learnt_is_named(
    tmp_path: Path, nothing_changes: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_tree(tmp_path / "set/train", ["ant", "bee"], 6)
    make_tree(tmp_path / "set/val", ["ant", "wasp"], 6, first=100)
    nothing_changes()
    layout = read_layout(tmp_path / "set")
    assert layout.remarks == ["val holds classes that train lacks: wasp"]
    with pytest.raises(ValueError, match=r"0\.png has the label 'wasp'; expected one of ant, bee"):
        labelled(layout.records, class_names=("ant", "bee"), size=(5, 6), split="val")
    with pytest.raises(ValueError, match="'wasp' are not among the expected 2"):
        read_layout(tmp_path / "set", class_names=("ant", "bee"))
    rows = [Row(f"{number}.png", name, part) for number, (name, part) in
            enumerate([("ant", "train"), ("bee", "train"), ("wasp", "val")])]  # fmt: skip
    with pytest.raises(ValueError, match="without a training picture: 'wasp'"):
        Manifest(tuple(rows))
    monkeypatch.setattr(confounds, "NUM_SHUFFLES", 1)
    texts = [one.text for one in audit(tmp_path / "set", near=False).findings if one.level == "error"]
    assert "to be recognised but never learnt: wasp" in texts


def test_F8_a_class_without_or_with_one_picture_is_refused_by_name_or_kept_on_request(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    source = make_tree(tmp_path / "set", ["ant", "bee"], 6)
    make_tree(source, ["rare"], 1, first=100)
    (source / "none").mkdir()
    nothing_changes(source)
    with pytest.raises(ValueError, match="no pictures in the classes none; add some, or remove"):
        split_folder(source, tmp_path / "target")
    assert check_folder(source).problems == ["class folders without a picture: none"]
    without = shutil.copytree(source, tmp_path / "copy", ignore=shutil.ignore_patterns("none"))
    with pytest.raises(ValueError, match=r"'rare' \(1\).*rare=\"train\""):
        split_folder(without, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    split = split_folder(without, tmp_path / "target", rare="train")
    assert split.manifest.counts()["train"]["rare"] == 1
    assert (tmp_path / "target/val/rare").is_dir()  # empty, so that a reader by folders does not shift


def test_F8_every_class_of_two_is_on_both_sides_for_200_seeds(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    for name, count in (("two", 2), ("three", 3), ("many", 30)):
        make_tree(tmp_path / "set", [name], count, first=len(name) * 100)
    nothing_changes()
    labels = np.array([record.label for record in read_layout(tmp_path / "set").records])
    for seed in range(200):
        for part in stratified_split(labels, fractions=(0.95, 0.05), seed=seed):
            assert set(labels[part]) == {"two", "three", "many"}, seed


def test_F11_byte_equal_pictures_are_never_on_both_sides(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    for name, first in (("ant", 0), ("bee", 10)):
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(8):
            for copy in range(3):
                write_picture(tmp_path / "set" / name / f"{number} {copy}.png", first + number)
    nothing_changes()
    for seed in range(30):
        sides: dict[str, set[str]] = {}
        for row in plan_split(tmp_path / "set", seed=seed).manifest.rows:
            sides.setdefault(row.sha256, set()).add(row.split)
        assert len(sides) == 16 and all(len(parts) == 1 for parts in sides.values())


def test_F11_copies_across_parts_near_copies_and_label_conflicts_are_listed(
    tmp_path: Path, nothing_changes: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    for part in ("train", "val"):
        for name in ("ant", "bee"):
            (tmp_path / "set" / part / name).mkdir(parents=True)
            for number in range(6):
                fields = Image.fromarray(rng.integers(0, 256, (5, 5, 3), dtype=np.uint8))
                picture = fields.resize((48, 48), Image.Resampling.BICUBIC)
                picture.save(tmp_path / "set" / part / name / f"{number}.png")
    train, val = tmp_path / "set/train", tmp_path / "set/val"
    shutil.copy(train / "ant/1.png", val / "ant/leak.png")
    shutil.copy(train / "ant/2.png", train / "bee/conflict.png")
    Image.open(train / "bee/3.png").resize((40, 40)).save(val / "bee/smaller.jpg", quality=90)
    nothing_changes()
    monkeypatch.setattr(confounds, "NUM_SHUFFLES", 1)
    report = audit(tmp_path / "set")
    found = {one.paths for one in report.copies}
    assert found == {
        ("train/ant/1.png", "val/ant/leak.png"),
        ("train/ant/2.png", "train/bee/conflict.png"),
        ("train/bee/3.png", "val/bee/smaller.jpg"),
    }
    errors = "\n".join(one.text for one in report.findings if one.level == "error")
    assert "1 groups of pictures that are the same lie in more than one part" in errors
    assert "1 groups of pictures that are the same have different labels" in errors
    warnings = "\n".join(one.text for one in report.findings if one.level == "warning")
    assert "pictures that look nearly the same lie in more than one part" in warnings


def test_F16_two_files_of_one_name_are_refused_before_anything_is_made(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    make_tree(tmp_path / "set", ["cat/a", "a/cat"], 1)
    nothing_changes()
    rows = tuple(Row(path, "cat", "train") for path in ("cat/a/0.png", "a/cat/0.png"))
    with pytest.raises(ValueError, match=r"would both become train/cat/a/0\.png"):
        materialise(Manifest(rows), tmp_path / "target", root=tmp_path / "set")
