"""Submissions: written, read, learnt from a sample; twelve planted faults in each of four formats (F36)."""

import csv
import random

import pytest

from course_utils.evaluation.submission import (
    FORMATS,
    SubmissionError,
    check_submission,
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
