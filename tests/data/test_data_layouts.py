"""Folders of every arrangement become the right labels; what cannot be understood is an error with a path."""

import json
from pathlib import Path

import pytest

from course_utils.data.class_names import match_class_names
from course_utils.data.images import class_folders, list_images, natural_key
from course_utils.data.layouts import Layout, read_layout, records


def plant(root: Path, *names: str) -> Path:
    """Make empty files: a layout looks at names only."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def rows(layout: Layout) -> list[tuple[str, str | None, str | None, str]]:
    return [(r.path.relative_to(layout.root).as_posix(), r.label, r.split, r.id) for r in layout.records]


def test_class_folders(tmp_path: Path) -> None:
    layout = read_layout(plant(tmp_path, "dog/b.PNG", "cat/10.jpg", "cat/9.jpg", "cat/deep/er/1.webp"))
    assert (layout.kind, layout.class_names, layout.splits) == ("class_folders", ("cat", "dog"), ())
    assert rows(layout) == [
        ("cat/9.jpg", "cat", None, "9"),
        ("cat/10.jpg", "cat", None, "10"),
        ("cat/deep/er/1.webp", "cat", None, "1"),
        ("dog/b.PNG", "dog", None, "b"),
    ]
    assert layout.counts == {"all": {"cat": 3, "dog": 1}}


@pytest.mark.parametrize(
    ("train", "val", "test"),
    [("train", "val", "test"), ("training", "validation", "evaluation"), ("Train", "Valid", "Testing")],
)
def test_split_folders(tmp_path: Path, train: str, val: str, test: str) -> None:
    names = [f"{train}/a/1.png", f"{train}/b/1.png", f"{val}/b/2.png", f"{test}/3.png", f"{test}/4.png"]
    layout = read_layout(plant(tmp_path, *names, "sample_submission.csv"))
    assert layout.kind == "split_folders" and layout.splits == ("train", "val", "test")
    assert [(r.label, r.split) for r in layout.records] == [
        ("a", "train"), ("b", "train"), ("b", "val"), (None, "test"), (None, "test"),
    ]  # fmt: skip
    assert layout.counts == {"train": {"a": 1, "b": 1}, "val": {"a": 0, "b": 1}, "test": {"": 2}}


def test_prefix_names(tmp_path: Path) -> None:
    plant(tmp_path, "training/10_2.jpg", "training/3_127.jpg", "validation/0_1.jpg", "testing/0001.jpg")
    layout = read_layout(tmp_path)
    assert layout.kind == "prefix_names" and layout.class_names == ("0", "3", "10")
    assert rows(layout)[0] == ("training/3_127.jpg", "3", "train", "3_127")
    assert [r.label for r in layout.records] == ["3", "10", "0", None]
    names = [f"class {number}" for number in range(11)]
    named = read_layout(tmp_path, class_names=names)
    assert named.class_names == tuple(names) and [r.label for r in named.records][:2] == [
        "class 3",
        "class 10",
    ]
    with pytest.raises(ValueError, match=r"10_2\.jpg: class number 10; expected 0 to 9"):
        read_layout(tmp_path, class_names=names[:10])


def test_class_folders_that_are_numbered_get_their_names(tmp_path: Path) -> None:
    plant(tmp_path, "training/0/a.jpg", "training/10/b.jpg")
    names = [f"class {number}" for number in range(11)]
    assert [r.label for r in records(tmp_path, class_names=names)] == ["class 0", "class 10"]
    assert [r.label for r in records(tmp_path)] == ["0", "10"]


@pytest.mark.parametrize("odd", ["photo.jpg", "3-127.jpg", "_5.jpg", "3_.jpg", "3_1_2.jpg", "-1_4.jpg"])
def test_a_bad_prefix_is_an_error_naming_the_file(tmp_path: Path, odd: str) -> None:
    plant(tmp_path, "3_1.jpg", "4_2.jpg", odd)
    with pytest.raises(ValueError, match="does not start with a class number, as 2 of 3 names") as caught:
        records(tmp_path)
    assert str(tmp_path / odd) in str(caught.value)
    assert {record.label for record in records(tmp_path, kind="unlabelled")} == {None}


def test_unlabelled_pictures(tmp_path: Path) -> None:
    layout = read_layout(plant(tmp_path, "10.jpg", "9.jpg", "IMG_0001.jpg"))
    assert layout.kind == "unlabelled" and layout.class_names == ()
    assert [r.id for r in layout.records] == ["9", "10", "IMG_0001"]
    assert layout.counts == {"all": {"": 3}}


@pytest.mark.parametrize("wrapper", ["archive", "data/data"])
def test_folders_around_the_set_are_looked_through(tmp_path: Path, wrapper: str) -> None:
    plant(tmp_path, f"{wrapper}/cat/1.png", f"{wrapper}/dog/1.png", "__MACOSX/x/1.png")
    layout = read_layout(tmp_path)
    assert layout.root == tmp_path / wrapper and layout.class_names == ("cat", "dog")
    only = plant(tmp_path / "only", "cat/1.png", "cat/2.png")
    assert read_layout(only).class_names == ("cat",) and read_layout(only).root == only
    food = plant(tmp_path / "food", "food/0_1.jpg", "food/1_2.jpg")
    assert read_layout(food).kind == "prefix_names"
    split = plant(tmp_path / "split", "train/a/1.png", "train/b/1.png")
    assert read_layout(split).splits == ("train",)


def test_an_empty_class_folder_is_a_class(tmp_path: Path) -> None:
    plant(tmp_path, "cat/1.png", "dog/1.png")
    (tmp_path / "bird").mkdir()
    assert read_layout(tmp_path).counts == {"all": {"bird": 0, "cat": 1, "dog": 1}}
    assert class_folders(tmp_path)["bird"] == []


def test_what_is_left_out_is_said(tmp_path: Path) -> None:
    plant(
        tmp_path,
        "train/a/1.png",
        "train/b/1.png",
        "val/a/1.png",
        "train/preview.png",
        "banner.png",
        "train/a/x.psd",
    )
    assert read_layout(tmp_path).remarks == [
        "left out 1 file: .psd 1",
        "left out 1 pictures beside the split folders, such as banner.png",
        "left out 1 pictures of 'train' that lie beside the class folders, such as preview.png",
    ]


def test_a_class_that_train_lacks_is_said(tmp_path: Path) -> None:
    layout = read_layout(plant(tmp_path, "train/a/1.png", "train/b/1.png", "val/c/1.png", "val/a/1.png"))
    assert layout.remarks == ["val holds classes that train lacks: c"]
    assert layout.class_names == ("a", "b", "c")
    assert [r.label for r in layout.records if r.split == "val"] == ["a", "c"]  # by name, not by order


def test_a_test_folder_with_one_foreign_folder_is_unlabelled(tmp_path: Path) -> None:
    layout = read_layout(plant(tmp_path, "train/a/1.png", "train/b/1.png", "test/unknown/7.png"))
    assert layout.records[-1].label is None and layout.class_names == ("a", "b")
    assert "taken as unlabelled" in layout.remarks[0]


def test_classes_may_be_called_like_a_split(tmp_path: Path) -> None:
    layout = read_layout(plant(tmp_path, "test/1.png", "pass/1.png", "fail/1.png"))
    assert layout.class_names == ("fail", "pass", "test") and layout.splits == ()


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["train/a/1.png", "cat/1.png"], r"mixes split folders \(train\) with others"),
        (["train/a/1.png", "val/a/1.png", "validation/a/1.png"], "both mean 'val'"),
        (["notes.txt", "a/b.docx"], r"holds no pictures \(left out 1 file: \.docx 1\)"),
        (["train.zip", "test.zip"], "Give one of its archives"),
        (["train-images-idx3-ubyte.gz"], "holds idx files"),
    ],
)
def test_what_cannot_be_understood_is_an_error(tmp_path: Path, names: list[str], message: str) -> None:
    plant(tmp_path, *names)
    with pytest.raises(ValueError, match=message) as caught:
        records(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_no_folder_is_an_error(tmp_path: Path) -> None:
    plant(tmp_path, "file.png")
    with pytest.raises(ValueError, match="does not exist; expected a folder"):
        records(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="is a file; expected a folder"):
        list_images(tmp_path / "file.png")
    with pytest.raises(ValueError, match="holds no split folders"):
        records(tmp_path, kind="split_folders")


def test_names_stored_beside_the_pictures_count(tmp_path: Path) -> None:
    plant(tmp_path, "0_1.jpg", "1_2.jpg")
    (tmp_path / "dataset.json").write_text(json.dumps({"class_names": ["egg", "rice"]}), encoding="utf-8")
    assert [r.label for r in records(tmp_path)] == ["egg", "rice"]
    (tmp_path / "dataset.json").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match=r"dataset\.json is no valid JSON"):
        records(tmp_path)


def test_expected_names_are_matched_by_text(tmp_path: Path) -> None:
    expected = ["Fat Hen", "Noodles-Pasta", "green_area", "Maize"]
    assert match_class_names(["fat_hen", "noodles pasta", "Green Area"], expected, where="x") == {
        "fat_hen": "Fat Hen", "noodles pasta": "Noodles-Pasta", "Green Area": "green_area",
    }  # fmt: skip
    plant(tmp_path, "green-area/1.png", "MAIZE/1.png")
    assert [r.label for r in records(tmp_path, class_names=expected)] == ["green_area", "Maize"]
    plant(tmp_path, "wheat/1.png")
    with pytest.raises(ValueError, match="'wheat' are not among the expected 4; missing are 'Fat Hen'"):
        records(tmp_path, class_names=expected)


def test_natural_order() -> None:
    names = ["a10", "a2", "B1", "a02", "10", "9", "b0", "²"]
    assert sorted(names, key=natural_key) == ["9", "10", "a2", "a02", "a10", "b0", "B1", "²"]
