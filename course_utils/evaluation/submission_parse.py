"""Read a submission file as texts: the data rows with their places, and the faults of the file's form.

The form is what comes before any value: encoding, byte order mark, separator, header, index column, number of
columns. `submission_check` goes on with the ids and labels.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from course_utils.evaluation.submission_format import SubmissionFormat


class Problem(NamedTuple):
    """One fault: its kind (a short stable word), what is wrong and how to mend it, and where."""

    kind: str
    message: str
    line: int
    row: int | None = None

    def __str__(self) -> str:
        place = f"line {self.line}" if self.row is None else f"data row {self.row} (line {self.line})"
        return f"{place}: {self.message}"


class Row(NamedTuple):
    """A row's values, the line it begins on, and its number (0 is the header)."""

    line: int
    row: int
    values: list[str]


def decode(data: bytes, problems: list[Problem]) -> str | None:
    """The file's text; None, with a problem, if it cannot be read at all."""
    if data.startswith(b"\xef\xbb\xbf"):
        cause = "the file begins with a byte order mark, which becomes part of the first column's name"
        problems.append(Problem("byte order mark", f"{cause}; save it as UTF-8 without BOM", 1))
        data = data[3:]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        problems.append(Problem("encoding", "the file is not UTF-8; save it as UTF-8", line))
        return None
    if not text.strip() or "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1 if "\0" in text else 1
        problems.append(Problem("encoding", "the file is empty or not a text", line))
        return None
    return text


def parse(text: str, form: SubmissionFormat, problems: list[Problem]) -> list[Row] | None:
    """The data rows with two values each, None if they cannot be told; adds problems of the form."""
    want = [form.id_column, form.label_column]
    delimiter = _delimiter(text, want)
    if delimiter != ",":
        name = {";": "a semicolon", "\t": "a tab", "|": "a bar", " ": "a space"}[delimiter]
        problems.append(Problem("separator", f"the values are separated by {name}, expected a comma", 1))
    try:
        numbered = list(_numbered(text, delimiter))
    except csv.Error as error:
        problems.append(Problem("csv", f"the file cannot be read as csv: {error}", 1))
        return None
    header, body = numbered[0].values, numbered[1:]
    extra = len(header) - 2
    if extra > 0 and [part.strip() for part in header[extra:]] == want:
        cause = f"there is an index column {header[0]!r} in front; write with index=False"
        problems.append(Problem("index column", cause, 1))
        body = [row._replace(values=row.values[extra:]) for row in body]
    elif header != want:
        problems.append(Problem("header", _about_header(header, want), 1))
        if len(header) == 2 and header == want[::-1]:
            return None
    rows = []
    for row in body:
        if len(row.values) == 2:
            rows.append(row)
            continue
        shown = delimiter.join(row.values)
        hint = (
            f"; it is separated by ';': {shown!r}"
            if len(row.values) == 1 and ";" in shown
            else f": {shown!r}"
        )
        cause = "the row is empty" if not any(row.values) else f"{len(row.values)} values, expected 2{hint}"
        problems.append(Problem("columns", cause, row.line, row.row))
    return rows


def _numbered(text: str, delimiter: str) -> Iterator[Row]:
    """Every row with the line on which it begins; the header is row 0, empty lines at the end are none."""
    reader = csv.reader(io.StringIO(text.rstrip("\r\n") + "\n", newline=""), delimiter=delimiter)
    begin, number = 1, 0
    for values in reader:
        yield Row(begin, number, values)
        begin, number = reader.line_num + 1, number + 1


def _delimiter(text: str, want: list[str]) -> str:
    """The separator of the header line: a comma, unless another one splits it into a wanted name."""
    first = text.splitlines()[0]
    for candidate in (",", ";", "\t", "|"):
        names = next(csv.reader([first], delimiter=candidate))
        if len(names) >= 2 and {name.strip().lower() for name in want} & {
            name.strip().lower() for name in names
        }:
            return candidate
    return ","


def _about_header(header: list[str], want: list[str]) -> str:
    got, expected = ",".join(header), ",".join(want)
    if header == want[::-1]:
        return f"the columns are swapped: the header is {got!r}, expected {expected!r}"
    if [name.lower() for name in header] == [name.lower() for name in want]:
        return f"the header is {got!r}, expected {expected!r}: capital and small letters differ"
    if [name.strip() for name in header] == want:
        return f"the header is {got!r}, expected {expected!r}: there are spaces around a name"
    return f"the header is {got!r}, expected {expected!r}"
