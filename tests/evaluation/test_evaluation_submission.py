"""Submissions: written, read, learnt from a sample; twelve planted faults in each of four formats (F36)."""

import csv
import random
import unicodedata
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from course_utils.evaluation.submission import (
    FORMATS,
    SubmissionError,
    SubmissionFormat,
    check_submission,
    from_sample,
    read_submission,
    write_submission,
)

NUM_ROWS = 12
SPECIES = ["Black-grass", "Charlock", "Fat Hen", "Sugar beet"]
# For each track: the ids in order, the class names, and the labels as texts in the file.
TRACKS = {
    "seedlings": ([f"{i:04d}.png" for i in range(NUM_ROWS)], SPECIES),
    "food11": ([f"{i:04d}" for i in range(NUM_ROWS)], [f"food {i}" for i in range(4)]),
    "mnist": ([str(i) for i in range(1, NUM_ROWS + 1)], list("0123")),
    "digits": ([f"{i:05d}.jpg" for i in range(NUM_ROWS)], list("0123")),
}


@pytest.fixture(params=TRACKS)
def track(request, tmp_path):
    """(format, ids, class names, a correct file's lines, the sample's path)."""
    ids, names = TRACKS[request.param]
    form = FORMATS[request.param]
    labels = [i % 4 for i in range(NUM_ROWS)]
    written = write_submission(tmp_path / "good.csv", ids, labels, form, class_names=names)
    sample = write_submission(tmp_path / "sample.csv", ids, [0] * NUM_ROWS, form, class_names=names)
    return form, ids, names, written.read_text(encoding="utf-8").splitlines(), sample


def check(track, text: str | bytes):
    form, _, names, _, sample = track
    path = sample.parent / "submission.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
    by_sample = check_submission(path, sample=sample, class_names=names)
    by_ids = check_submission(path, form=form, expected_ids=track[1], class_names=names)
    assert by_sample.problems == by_ids.problems
    return by_sample


def joined(lines):
    return "\n".join(lines) + "\n"


def changed_row(lines, row, one_id=None, label=None):
    """The lines with another id or label in data row `row` (line row + 1)."""
    old_id, old_label = next(csv.reader([lines[row]]))
    new = [old_id if one_id is None else one_id, old_label if label is None else label]
    return [*lines[:row], ",".join(new), *lines[row + 1 :]]


def lose_zeros(one_id):
    """`0007.png` becomes `7.png`; an id without zeros gets some, the same mistake in reverse."""
    stem, dot, ending = one_id.partition(".")
    other = str(int(stem)) if stem.startswith("0") else stem.zfill(4)
    return other + dot + ending


# Twelve faults: from a correct file's lines to a faulty file, and the line and the words of the problem.
def missing(lines, ids):
    return joined([*lines[:5], *lines[6:]]), 6, [repr(ids[4]), "is missing", f"after {ids[3]!r}"]


def extra(lines, ids):
    return joined([*lines, f"99999.x,{lines[1].split(',')[1]}"]), 14, ["'99999.x' is not expected"]


def repeated(lines, ids):
    return joined([*lines, lines[3]]), 14, [repr(ids[2]), "data row 3 (line 4)"]


def header_case(lines, ids):
    swapped = lines[0].swapcase()
    return joined([swapped, *lines[1:]]), 1, [repr(swapped), repr(lines[0]), "capital and small"]


def lost_zeros(lines, ids):
    other = lose_zeros(ids[7])
    return joined(changed_row(lines, 8, one_id=other)), 9, [repr(other), f"expected {ids[7]!r}"]


def nan(lines, ids):
    return joined(changed_row(lines, 4, label="NaN")), 5, [repr(ids[3]), "no label"]


def float_label(lines, ids):
    return joined(changed_row(lines, 4, label="3.0")), 5, ["3.0"]


def out_of_range(lines, ids):
    wrong = "4" if lines[1].split(",")[1].isdigit() else "Oak"
    return joined(changed_row(lines, 10, label=wrong)), 11, [wrong, "out of range"]


def byte_order_mark(lines, ids):
    return b"\xef\xbb\xbf" + joined(lines).encode(), 1, ["byte order mark"]


def index_column(lines, ids):
    numbered = [f"{i - 1 if i else ''},{line}" for i, line in enumerate(lines)]
    return joined(numbered), 1, ["index column", "index=False"]


def length(lines, ids):
    return joined(lines[:9]), 9, ["the file ends here", "8 data rows, expected 12"]


def separator(lines, ids):
    return joined([line.replace(",", ";") for line in lines]), 1, ["semicolon"]


FAULTS = [
    missing,
    extra,
    repeated,
    header_case,
    lost_zeros,
    nan,
    float_label,
    out_of_range,
    byte_order_mark,
    index_column,
    length,
    separator,
]


@pytest.mark.parametrize("plant", FAULTS)
def test_F36_a_planted_fault_is_refused_with_its_row(track, plant):
    _, ids, _, lines, _ = track
    text, line, words = plant(lines, ids)
    result = check(track, text)
    assert not result.ok
    here = [str(problem) for problem in result.problems if problem.line == line]
    assert any(all(word in message for word in words) for message in here), result
    assert all(problem.row == problem.line - 1 for problem in result.problems if problem.row is not None)
    with pytest.raises(SubmissionError) as caught:
        result.raise_if_wrong()
    assert f"line {line}" in str(caught.value)
    assert str(result.path) in str(caught.value)


EXPECTED_KINDS = {
    missing: {"missing id", "length"},
    extra: {"unknown id", "length"},
    repeated: {"repeated id", "length"},
    header_case: {"header"},
    lost_zeros: {"unknown id", "missing id"},
    nan: {"no label"},
    float_label: {"label"},
    out_of_range: {"label"},
    byte_order_mark: {"byte order mark"},
    index_column: {"index column"},
    length: {"missing id", "length"},
    separator: {"separator"},
}


@pytest.mark.parametrize("plant", FAULTS)
def test_one_fault_is_not_reported_as_many(track, plant):
    text, _, _ = plant(track[3], track[1])
    result = check(track, text)
    assert {problem.kind for problem in result.problems} == EXPECTED_KINDS[plant]


def test_the_correct_file_passes(track):
    result = check(track, joined(track[3]))
    assert result.ok
    assert result.raise_if_wrong() is result
    assert result.num_rows == NUM_ROWS
    assert repr(result) == "submission.csv: 12 rows, no problem found"


def test_F36_a_shuffled_but_complete_file_passes(track):
    lines = track[3]
    body = lines[1:]
    random.Random(3).shuffle(body)
    assert body != lines[1:]
    assert check(track, joined([lines[0], *body])).ok


def test_windows_line_ends_and_a_missing_last_one_pass(track):
    assert check(track, "\r\n".join(track[3])).ok


def test_swapped_columns(track):
    lines = track[3]
    body = [",".join(reversed(line.split(","))) for line in lines]
    for text in (joined(body), joined([lines[0], *body[1:]])):
        result = check(track, text)
        assert len(result.problems) == 1
        assert "swapped" in result.problems[0].message
        assert result.problems[0].line in (1, 2)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "empty"),
        (b"\n\n", "empty"),
        (b"Id,Category\n\xff\xfe,1\n", "not UTF-8"),
        ("Id,Category\n0001,1\n".encode("utf-16"), "not UTF-8"),
        (b"Id,Category\n0001,1\0\n", "not a text"),
        (b'Id,Category\n"' + b"x" * 200_000, "cannot be read as csv"),
    ],
)
def test_what_is_no_text_is_refused(track, text, words):
    result = check(track, text)
    assert words in repr(result)
    assert result.num_rows == 0


def test_the_header_alone_misses_every_row(track):
    result = check(track, track[3][0] + "\n")
    assert sum(problem.kind == "missing id" for problem in result.problems) == NUM_ROWS


def test_more_places_where_ids_and_labels_go_wrong(track):
    form, ids, _, lines, _ = track
    cases = {
        "empty": changed_row(lines, 2, one_id=""),
        "has a space around it": changed_row(lines, 2, one_id=" " + ids[1]),
        "3 values, expected 2": [*lines[:2], lines[2] + ",1", *lines[3:]],
        "1 values, expected 2; it is separated by ';'": [*lines[:2], lines[2].replace(",", ";"), *lines[3:]],
        "the row is empty": [*lines[:2], "", *lines[2:]],
        "has no label": changed_row(lines, 2, label=""),
    }
    for words, faulty in cases.items():
        messages = [str(problem) for problem in check(track, joined(faulty)).problems]
        assert any(words in text and "line 3" in text for text in messages), (words, messages)
    other_ending = ids[1].replace(".png", ".jpg") if form.id_style == "text" else ids[1] + ".jpg"
    if other_ending != ids[1]:
        assert "the file ending differs" in repr(
            check(track, joined(changed_row(lines, 2, one_id=other_ending)))
        )


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
