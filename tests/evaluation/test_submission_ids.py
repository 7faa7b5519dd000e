"""Which row belongs to which file: one rule for all, learnt from the sample, or nothing."""

import dataclasses
import random
from pathlib import Path

import pytest

from course_utils.evaluation.submission import (
    check_submission,
    from_sample,
    read_submission,
    write_submission,
)
from course_utils.evaluation.submission_format import FORMATS
from course_utils.evaluation.submission_ids import ids_by_order, ids_of_files


def form_with(ids, track="digits"):
    return dataclasses.replace(FORMATS[track], ids=tuple(ids))


@pytest.mark.parametrize(
    ("files", "ids"),
    [
        (["0003.jpg", "0007.jpg"], ["0003.jpg", "0007.jpg"]),
        (["7f46a.png", "00c47.png"], ["7f46a", "00c47"]),
        (["0001.jpg", "0010.jpg"], ["0001", "0010"]),
        (["00000.png", "00012.png"], ["0", "12"]),
        (["1.png", "12.png"], ["0001", "0012"]),
        (["test/1a.png", "test/2b.png"], ["test/1a.png", "test/2b.png"]),
        (["img_0007.jpg", "img_0012.jpg"], ["7", "12"]),
        (["test (7).jpg", "test (12).jpg"], ["0007", "0012"]),
        (["图一.png", "1e3.png"], ["图一.png", "1e3.png"]),
    ],
)
def test_the_rule_is_learnt(files, ids):
    order = list(range(len(ids)))
    random.Random(1).shuffle(order)
    form = form_with([ids[i] for i in order])  # the sample's order is not that of the files
    assert ids_of_files([Path("folder", name) for name in files], form) == ids


@pytest.mark.parametrize(
    ("files", "ids", "said"),
    [
        (["00000.png", "00001.png"], ["1", "2"], "row numbers"),  # numbered from 0 and from 1
        (["a.png", "b.png"], ["a.png", "c.png"], r"1 ids without a picture \(such as \['c.png'\]\)"),
        (["a.png"], ["a.png", "b.png"], "1 pictures, 2 ids"),
        (
            ["a.png", "b.png", "c.png"],
            ["a.png", "b.png"],
            r"1 pictures without an id \(such as \['c.png'\]\)",
        ),
        (["a/1.png", "b/1.png"], ["1.png", "2.png"], "1 names come more than once"),
    ],
)
def test_no_rule_fits_every_picture(files, ids, said):
    with pytest.raises(ValueError, match=said):
        ids_of_files([Path(name) for name in files], form_with(ids))


def test_a_sample_must_be_known():
    with pytest.raises(ValueError, match="from_sample"):
        ids_of_files([Path("a.png")], FORMATS["digits"])
    with pytest.raises(ValueError, match="no pictures"):
        ids_of_files([], form_with(["a"]))


def test_by_order():
    form = form_with(["1", "2", "3"], track="mnist")
    assert ids_by_order([Path(f"{i:05d}.png") for i in range(3)], form) == ["1", "2", "3"]
    with pytest.raises(ValueError, match="2 pictures for 3 ids"):
        ids_by_order([Path("a"), Path("b")], form)


@pytest.mark.parametrize("track", FORMATS)
def test_from_files_to_a_checked_submission(tmp_path, track):
    """The whole way in each format: files, ids, labels, csv, and the same labels back."""
    names = ["猫", "007", "3.0", "Fat Hen"]
    files = [Path("test", f"{i:04d}.jpg") for i in range(1, 13)]
    form = FORMATS[track]
    sample = write_submission(
        tmp_path / "sample.csv", [form.id_text(file) for file in files], [0] * 12, form, class_names=names
    )
    learnt = from_sample(sample, class_names=names)
    assert (learnt.label_style, learnt.id_column) == (form.label_style, form.id_column)
    labels = [names[i % 4] for i in range(12)]
    path = write_submission(
        tmp_path / "s.csv", ids_of_files(files, learnt), labels, learnt, class_names=names
    )
    check_submission(path, sample=sample, class_names=names).raise_if_wrong()
    back = read_submission(path, learnt)
    assert [names[x] if isinstance(x, int) else x for x in back.labels] == labels
    assert back.ids == [form.id_text(file) for file in files]


@pytest.mark.parametrize(
    ("labels", "names", "want"),
    [
        ("0 0", list("0123"), "index"),
        ("Charlock Charlock", ["Charlock", "Maize"], "name"),
        ("7 8", ["7", "8", "9"], "name"),  # no class numbers: 7 and 8 are out of range
        ("1 0", ["猫", "狗"], "index"),
        ("cat cat", None, "name"),
    ],
)
def test_the_label_style_is_told_by_the_class_names(tmp_path, labels, names, want):
    first, second = labels.split()
    path = tmp_path / "sample.csv"
    path.write_text(f"id,label\na,{first}\nb,{second}\n", encoding="utf-8")
    assert from_sample(path, class_names=names).label_style == want


def test_what_the_class_names_leave_open_is_asked_for(tmp_path):
    path = tmp_path / "sample.csv"
    path.write_text("id,label\na,1\nb,2\n")
    names = ["1", "2", "3"]  # is 1 the first class or the second?
    with pytest.raises(ValueError, match="label_style='name' or 'index'"):
        from_sample(path, class_names=names)
    assert from_sample(path, class_names=names, label_style="name").label_style == "name"
    with pytest.raises(ValueError, match="'2' is none of the 2 classes"):
        from_sample(path, class_names=["a", "b"])
