"""Find every fault of a submission file, with its row, before it costs one of the day's submissions.

`line` is the line in the file as an editor shows it (the header is line 1); `row` is the data row (line 2 is
row 1). The file is read as texts, so nothing is repaired on the way in.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.evaluation.submission_format import SubmissionFormat, from_sample
from course_utils.evaluation.submission_parse import Problem, Row, decode, parse

_NO_VALUE = {"", "nan", "none", "null", "na", "n/a", "<na>", "-"}
_SHOWN = 12  # problems that a message lists one by one


class SubmissionError(ValueError):
    """A submission with faults; `problems` holds them all."""

    def __init__(self, path: Path, problems: Sequence[Problem]) -> None:
        self.path, self.problems = path, tuple(problems)
        shown = "\n".join(f"  {problem}" for problem in self.problems[:_SHOWN])
        more = f"\n  and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        super().__init__(f"{path} would not be accepted:\n{shown}{more}")


@dataclass(frozen=True)
class CheckResult:
    """What a check found: `ok`, the number of data rows, and the problems in the order of the file."""

    path: Path
    num_rows: int
    problems: tuple[Problem, ...]

    @property
    def ok(self) -> bool:
        """True if there is no problem."""
        return not self.problems

    def raise_if_wrong(self) -> CheckResult:
        """Raise SubmissionError if there is a problem, else return the result itself."""
        if self.problems:
            raise SubmissionError(self.path, self.problems)
        return self

    def __repr__(self) -> str:
        if self.ok:
            return f"{self.path.name}: {self.num_rows} rows, no problem found"
        return str(SubmissionError(self.path, self.problems))


def check_submission(
    path: str | Path,
    *,
    sample: str | Path | None = None,
    form: SubmissionFormat | None = None,
    expected_ids: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
) -> CheckResult:
    """Check a submission file against a sample file, or against a format and the expected ids.

    class_names: the allowed classes (names, or their numbers 0 to K-1 where the format writes indices);
    without it only the kind of the labels is checked. The order of the rows does not matter. ValueError if
    it is not said what to expect; FileNotFoundError if the file is not there.
    """
    if form is None:
        if sample is None:
            raise ValueError("say what to expect: sample=..., or form=... with expected_ids=...")
        form = from_sample(sample)
    ids = tuple(expected_ids) if expected_ids is not None else form.ids
    if ids is None:
        raise ValueError("the format does not know its ids: pass expected_ids=... or sample=...")
    path = Path(path)
    problems: list[Problem] = []
    text = decode(path.read_bytes(), problems)
    rows = parse(text, form, problems) if text is not None else None
    if rows is None:
        return CheckResult(path, 0, tuple(problems))
    if _columns_swapped(rows, ids):
        first = rows[0]
        swapped = f"the columns are swapped: {first.values[1]!r} is an id; the id comes first"
        return CheckResult(
            path, len(rows), (*problems, Problem("swapped columns", swapped, first.line, first.row))
        )
    problems += _check_ids(rows, ids, len((text or "").rstrip("\r\n").split("\n")))
    problems += [found for row in rows if (found := _check_label(row, form, class_names))]
    return CheckResult(path, len(rows), tuple(sorted(problems, key=lambda found: found.line)))


def _columns_swapped(rows: list[Row], ids: Sequence[str]) -> bool:
    """True if the second column holds most of the ids and the first far fewer (labels may look like ids)."""
    known = set(ids)
    first, second = ({row.values[column] for row in rows} & known for column in (0, 1))
    return len(second) > len(known) / 2 and len(second) > 2 * len(first)


def _check_ids(rows: list[Row], ids: Sequence[str], last_line: int) -> list[Problem]:
    """Ids that are repeated, unknown or missing, and a wrong number of rows."""
    problems = []
    known = _Known(ids)
    seen: dict[str, Row] = {}
    for row in rows:
        name = row.values[0]
        if name in seen:
            first = seen[name]
            also = f"id {name!r} comes again; it stands in data row {first.row} (line {first.line}) too"
            problems.append(Problem("repeated id", also, row.line, row.row))
        elif name not in known.ids:
            problems.append(Problem("unknown id", known.about(name), row.line, row.row))
        seen.setdefault(name, row)
    for index, name in enumerate(ids):
        if name not in seen:
            after = f", after {ids[index - 1]!r}" if index else ", as the first"
            problems.append(
                Problem("missing id", f"id {name!r} is missing; expected here{after}", index + 2, index + 1)
            )
    if len(rows) != len(ids):
        short = "the file ends here" if len(rows) < len(ids) else "more rows than expected"
        text = f"{short}: {len(rows)} data rows, expected {len(ids)}"
        problems.append(Problem("length", text, last_line, max(last_line - 1, 1)))
    return problems


class _Known:
    """The expected ids, found by how they look too: why is an id of the file not among them?"""

    def __init__(self, ids: Sequence[str]) -> None:
        self.ids = set(ids)
        self.by_number = {_without_zeros(name): name for name in ids}
        self.by_stem = {Path(name).stem: name for name in ids}
        self.by_letters = {_plain(name): name for name in ids}

    def about(self, name: str) -> str:
        """The cause in words: zeros, spaces, an ending, letters, or simply unexpected."""
        if not name.strip():
            return "the id is empty"
        if name.strip() in self.ids:
            return f"id {name!r} has a space around it, expected {name.strip()!r}"
        number = _without_zeros(name)
        if number is not None and number in self.by_number:
            meant = self.by_number[number]
            lost = "lost its zeros" if len(meant) > len(name) else "is written differently"
            return f"id {name!r} {lost}, expected {meant!r}; read ids as texts (dtype=str)"
        meant = self.by_stem.get(name) or self.by_stem.get(Path(name).stem, "")
        if meant:
            return f"id {name!r}: the file ending differs, expected {meant!r}"
        meant = self.by_letters.get(_plain(name), "")
        if meant and meant.lower() == name.lower():
            return f"id {name!r}: capital and small letters differ, expected {meant!r}"
        if meant:
            return f"id {name!r} is composed of other Unicode characters (NFC, NFD) than the expected one"
        return f"id {name!r} is not expected; the sample does not have it"


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()


def _without_zeros(name: str) -> tuple[int, str] | None:
    """The number an id begins with, and what follows: the same for "0007.jpg" and "7.jpg"."""
    match = re.fullmatch(r"([0-9]+)(\.0+)?([^0-9].*)?", name)
    return (int(match[1]), match[3] or "") if match else None


def _check_label(row: Row, form: SubmissionFormat, class_names: Sequence[str] | None) -> Problem | None:
    """The fault of a row's label, if it has one."""
    label = row.values[1]
    names = list(class_names) if class_names is not None else None
    if form.label_style == "name" and names is not None and label in names:
        return None
    if label.strip().lower() in _NO_VALUE:
        shown = f" (it reads {label!r})" if label else ""
        return Problem("no label", f"id {row.values[0]!r} has no label{shown}", row.line, row.row)
    if form.label_style == "index":
        text = _about_index(label, None if names is None else len(names))
    else:
        text = _about_name(label, names)
    return Problem("label", text, row.line, row.row) if text else None


def _about_index(label: str, num_classes: int | None) -> str:
    if re.fullmatch("0|[1-9][0-9]*", label):
        if num_classes is not None and int(label) >= num_classes:
            return f"label {label} is out of range, expected 0 to {num_classes - 1}"
        return ""
    if re.fullmatch(r"[0-9]+\.0*", label):
        return f"label {label!r} is a float, expected {label.split('.')[0]!r}; convert with int first"
    if re.fullmatch("-[0-9]+", label):
        return f"label {label} is out of range: classes are counted from 0"
    return f"label {label!r} is no class number"


def _about_name(label: str, names: list[str] | None) -> str:
    if names is None:
        number = re.fullmatch(r"[0-9]+\.[0-9]*", label)
        return f"label {label!r} is a float, expected a class name" if number else ""
    if label.strip() in names:
        return f"label {label!r} has a space around it, expected {label.strip()!r}"
    near = difflib.get_close_matches(label, names, n=1, cutoff=0.6)
    same = [name for name in names if name.lower() == label.lower()]
    meant = f"; did you mean {(same or near)[0]!r}?" if same or near else ""
    if re.fullmatch(r"[0-9]+(\.[0-9]*)?", label):
        meant = "; the class's name is expected here, not its number"
    return f"label {label!r} is out of range: it is none of the {len(names)} classes{meant}"
