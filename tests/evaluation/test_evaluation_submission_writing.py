"""Submissions as they are written and learnt from a sample: labels, ids, other readers."""

import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_utils.evaluation.submission import (
    FORMATS,
    SubmissionFormat,
    check_submission,
    from_sample,
    read_submission,
    write_submission,
)

SPECIES = ["Black-grass", "Charlock", "Fat Hen", "Sugar beet"]


def test_labels_are_explained(tmp_path):
    form = SubmissionFormat("file", "species", ids=("a", "b"))

    def about(tmp, label):
        tmp.write_text(f"file,species\na,{label}\nb,Fat Hen\n", encoding="utf-8")
        return repr(check_submission(tmp, form=form, class_names=SPECIES))

    path = tmp_path / "s.csv"
    assert "did you mean 'Fat Hen'" in about(path, "fat hen")
    assert "did you mean 'Charlock'" in about(path, "Charlok")
    assert "name is expected here, not its number" in about(path, "3")
    assert "has a space around it" in about(path, "Charlock ")


def test_a_class_may_be_called_none(tmp_path):
    form = SubmissionFormat("id", "label", ids=("a", "b"))
    path = write_submission(tmp_path / "s.csv", ["a", "b"], ["None", "NA"], form)
    assert check_submission(path, form=form, class_names=["None", "NA"]).ok
    assert not check_submission(path, form=form, class_names=["some"]).ok


NASTY_NAMES = [
    "猫",
    "狗, 大",
    'the "best" one',
    "007",
    "3.0",
    "1e5",
    "a;b",
    " new\nline x",
    "Ünïcode",
    "🍕 pizza",
    "nan",
]
NASTY_IDS = [
    "0007.jpg",
    "7.jpg",
    "1e3",
    "图 一.png",
    'a"b.png',
    "a,b.png",
    "3.0",
    "nan.jpg",
    "x\ty",
    "é.jpg",
    "-1",
]


@pytest.mark.parametrize("line_ending", ["\n", "\r\n"])
def test_the_round_trip_is_the_identity(tmp_path, line_ending):
    form = SubmissionFormat("图像", "类别", line_ending=line_ending)
    for labels in (NASTY_NAMES, list(reversed(NASTY_NAMES))):
        path = write_submission(tmp_path / "s.csv", NASTY_IDS, labels, form, class_names=NASTY_NAMES)
        assert read_submission(path, form) == (NASTY_IDS, labels)
        assert check_submission(path, form=form, expected_ids=NASTY_IDS, class_names=NASTY_NAMES).ok
        assert path.read_bytes().count(b"\r\n") == (len(NASTY_IDS) + 1 if line_ending == "\r\n" else 0)


def test_indices_and_names_are_mapped_both_ways(tmp_path):
    names = ["7", "0", "猫"]  # names that look like other classes' numbers
    as_index = SubmissionFormat("id", "label", label_style="index")
    as_name = SubmissionFormat("id", "label", label_style="name")
    ids = ["a", "b", "c"]
    for labels in ([2, 0, 1], np.array([2, 0, 1]), ["猫", "7", "0"]):
        index_file = write_submission(tmp_path / "i.csv", ids, labels, as_index, class_names=names)
        assert read_submission(index_file, as_index) == (ids, [2, 0, 1])
        name_file = write_submission(tmp_path / "n.csv", ids, labels, as_name, class_names=names)
        assert read_submission(name_file, as_name) == (ids, ["猫", "7", "0"])


def test_another_reader_finds_the_same_values(tmp_path):
    form = SubmissionFormat("id", "label")
    path = write_submission(tmp_path / "s.csv", NASTY_IDS, NASTY_NAMES, form)
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    assert table["id"].tolist() == NASTY_IDS
    assert table["label"].tolist() == NASTY_NAMES


def test_what_pandas_does_by_default_is_caught(tmp_path):
    """The classical accident: read the sample with pandas, fill the labels in, write it again."""
    sample = write_submission(tmp_path / "sample.csv", range(5), [0] * 5, FORMATS["food11"])
    table = pd.read_csv(sample)
    table["Category"] = [1.0, 2.0, np.nan, 0.0, 1.0]
    table.to_csv(tmp_path / "bad.csv")
    result = check_submission(tmp_path / "bad.csv", sample=sample)
    assert {problem.kind for problem in result.problems} >= {
        "index column",
        "unknown id",
        "label",
        "no label",
    }


def test_ids_come_as_numbers_texts_or_paths():
    food, seedlings, mnist = FORMATS["food11"], FORMATS["seedlings"], FORMATS["mnist"]
    assert food.id_text(7) == food.id_text(np.int64(7)) == food.id_text("0007") == "0007"
    assert food.id_text(Path("test/0007.jpg")) == "0007"
    assert food.id_text(12345) == "12345"
    assert seedlings.id_text(Path("test/1a b.PNG")) == "1a b.PNG"
    assert mnist.id_text(7) == mnist.id_text("7") == mnist.id_text(Path("00007.png")) == "7"
    for form, bad in [
        (food, "7"),
        (food, 7.0),
        (food, "0007.jpg"),
        (mnist, "007"),
        (seedlings, ""),
        (food, True),
    ]:
        with pytest.raises(ValueError):
            form.id_text(bad)


@pytest.mark.parametrize(
    ("labels", "names", "said"),
    [
        ([0, 4], SPECIES, "label 4 is out of range"),
        ([0, -1], SPECIES, "-1"),
        ([0, 1.0], SPECIES, "float"),
        ([0, np.float32(1)], SPECIES, "whole number"),
        ([0, True], SPECIES, "bool"),
        ([0, "Oak"], SPECIES, "'Oak' is none of the classes"),
        ([0, 1], None, "pass class_names"),
        ([0], SPECIES, "2 ids and 1 labels"),
        ([0, None], SPECIES, "NoneType"),
    ],
)
def test_bad_labels_are_not_written(tmp_path, labels, names, said):
    path = tmp_path / "s.csv"
    path.write_text("what was here before")
    with pytest.raises(ValueError, match=said):
        write_submission(path, ["a", "b"], labels, FORMATS["seedlings"], class_names=names)
    assert path.read_text() == "what was here before"
    assert list(tmp_path.iterdir()) == [path]


def test_bad_ids_are_not_written(tmp_path):
    with pytest.raises(ValueError, match="'a' comes twice"):
        write_submission(tmp_path / "s.csv", ["a", "a"], [0, 1], FORMATS["digits"])
    with pytest.raises(ValueError, match="at least one"):
        write_submission(tmp_path / "s.csv", [], [], FORMATS["digits"])
    form = SubmissionFormat("id", "label", label_style="index", ids=("a", "b", "c"))
    with pytest.raises(ValueError, match=r"1 missing \(such as \['c'\]\), 1 unexpected \(such as \['x'\]\)"):
        write_submission(tmp_path / "s.csv", ["a", "b", "x"], [0, 1, 2], form)
    assert not (tmp_path / "s.csv").exists()


def test_the_rows_follow_the_sample(tmp_path):
    form = SubmissionFormat("id", "label", label_style="index", ids=("b", "c", "a"))
    path = write_submission(tmp_path / "s.csv", ["a", "b", "c"], [0, 1, 2], form)
    assert read_submission(path, form) == (["b", "c", "a"], [1, 2, 0])


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("Id,Category\n0001,0\n0002,0\n", SubmissionFormat("Id", "Category", "zero_padded", 4, "index")),
        (
            "ImageId,Label\r\n1,0\r\n2,0\r\n10,0\r\n",
            SubmissionFormat("ImageId", "Label", "integer", 0, "index", "\r\n"),
        ),
        (
            "file,species\nb.png,Sugar beet\na.png,Sugar beet\n",
            SubmissionFormat("file", "species", "text", 0, "name"),
        ),
        ("image_id,label\n0007.jpg,3\n", SubmissionFormat("image_id", "label", "text", 0, "index")),
        ("id,label\n01,0\n002,0\n", SubmissionFormat("id", "label", "text", 0, "index")),
        ("id,label\n0,0\n1,0\n", SubmissionFormat("id", "label", "integer", 0, "index")),
        ("\ufeffid,label\n1,猫\n", SubmissionFormat("id", "label", "integer", 0, "name")),
    ],
)
def test_the_format_is_learnt_from_the_sample(tmp_path, text, want):
    path = tmp_path / "sample.csv"
    path.write_bytes(text.encode("utf-8"))
    got = from_sample(path)
    ids = tuple(row.split(",")[0] for row in text.splitlines()[1:])
    assert got.ids == ids
    assert got.__dict__ | {"ids": None} == want.__dict__
    labels = ["猫" if got.label_style == "name" else 0] * len(ids)
    submission = write_submission(tmp_path / "s.csv", ids, labels, got)
    assert check_submission(submission, sample=path).ok


def test_names_that_look_like_numbers_need_a_word(tmp_path):
    path = tmp_path / "sample.csv"
    path.write_text("id,label\na,7\n")
    assert from_sample(path, label_style="name").label_style == "name"


@pytest.mark.parametrize("text", ["", "id\n1\n", "id,label\n", "id,a,b\n1,2,3\n", "id,label\n1,0\n1,0\n"])
def test_a_useless_sample_is_refused(tmp_path, text):
    path = tmp_path / "sample.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=r"sample\.csv"):
        from_sample(path)


def test_it_must_be_said_what_to_expect(tmp_path):
    path = write_submission(tmp_path / "s.csv", ["a"], [0], FORMATS["digits"])
    with pytest.raises(ValueError, match="sample="):
        check_submission(path)
    with pytest.raises(ValueError, match="expected_ids="):
        check_submission(path, form=FORMATS["digits"])
    with pytest.raises(FileNotFoundError):
        check_submission(tmp_path / "not there.csv", form=FORMATS["digits"], expected_ids=["a"])


def test_composed_and_decomposed_characters_are_told_apart(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "é.jpg") for form in ("NFC", "NFD"))
    path = write_submission(tmp_path / "s.csv", [decomposed], [0], FORMATS["digits"])
    assert "NFC, NFD" in repr(check_submission(path, form=FORMATS["digits"], expected_ids=[composed]))


def test_a_large_file_with_every_id_wrong_is_answered(tmp_path):
    """28,000 lost zeros: each is named, and the search for the meant id does not go through all of them."""
    ids = [f"{i:06d}" for i in range(28_000)]
    path = write_submission(tmp_path / "s.csv", range(28_000), [0] * 28_000, FORMATS["mnist"])
    form = SubmissionFormat("ImageId", "Label", "zero_padded", 6, "index")
    result = check_submission(path, form=form, expected_ids=ids)
    assert sum(problem.kind == "unknown id" for problem in result.problems) == 28_000
    assert "'7' lost its zeros, expected '000007'" in str(result.problems[14])
    assert len(repr(result).splitlines()) < 20
