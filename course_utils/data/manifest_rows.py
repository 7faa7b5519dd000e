"""The rows of a split's manifest: what one must hold, and how they are read from CSV.

Every error names the row; row 1 is the first picture. See `manifest` for the file as a whole.
"""

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

COLUMNS = ("path", "label", "split", "group", "sha256")
SPLITS = ("train", "val", "test")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")  # a row is one line


@dataclass(frozen=True)
class Row:
    """One picture: path below the data folder, class name, part; group and sha256 may be ""."""

    path: str
    label: str
    split: str
    group: str = ""
    sha256: str = ""


def check_class_names(names: Iterable[str]) -> None:
    """ValueError for an empty or repeated class name, also where two differ only in Unicode spelling."""
    seen: dict[str, str] = {}
    for name in names:
        if not name.strip() or _CONTROL.search(name):
            raise ValueError(f"a class name is {name!r}; expected some text on one line")
        if (spelling := unicodedata.normalize("NFC", name)) in seen:
            raise ValueError(
                f"the class name {name!r} is there twice, as {seen[spelling]!r}; names must be unique"
            )
        seen[spelling] = name


def check_rows(rows: Iterable[Row], class_names: tuple[str, ...]) -> None:
    """ValueError for the first row that does not hold what it should."""
    known = set(class_names)
    row_of_path: dict[str, int] = {}
    for number, row in enumerate(rows, start=1):
        if problem := _path_problem(row.path):
            raise ValueError(f"row {number}: the path {row.path!r} {problem}")
        if row.path in row_of_path:
            raise ValueError(
                f"row {number}: the path {row.path!r} is already in row {row_of_path[row.path]}; "
                "keep one of them"
            )
        row_of_path[row.path] = number
        if _CONTROL.search(row.group):
            raise ValueError(
                f"row {number} ({row.path}): the group {row.group!r} holds a control character; take it out"
            )
        if row.split not in SPLITS:
            raise ValueError(
                f"row {number} ({row.path}): split is {row.split!r}; expected one of {', '.join(SPLITS)}"
            )
        if row.label not in known:
            listed = ", ".join(map(repr, class_names))
            raise ValueError(
                f"row {number} ({row.path}): the label {row.label!r} is not a class; classes: {listed}"
            )
        if row.sha256 and not (len(row.sha256) == 64 and set(row.sha256) <= set("0123456789abcdef")):
            raise ValueError(f"row {number} ({row.path}): sha256 is {row.sha256!r}; expected 64 hex digits")


def _path_problem(path: str) -> str:
    parts = PurePosixPath(path).parts
    if not parts or path.startswith("/") or ":" in parts[0][:2] or "\\" in path or ".." in parts:
        return "is not relative to the data folder with '/' between folders"
    if PurePosixPath(path).as_posix() != path:
        return f"is not in its plain form, {PurePosixPath(path).as_posix()!r}"
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "is not valid UTF-8; rename the file"
    if _CONTROL.search(path):
        return "holds a line break or another control character; rename the file"
    return ""


def check_classes_are_trained(rows: Iterable[Row]) -> None:
    """ValueError for a class of val or test without a training picture: a model could never answer it."""
    trained: set[str] = set()
    elsewhere: dict[str, tuple[int, Row]] = {}
    for number, row in enumerate(rows, start=1):
        if row.split == "train":
            trained.add(row.label)
        else:
            elsewhere.setdefault(row.label, (number, row))
    missing = {label: place for label, place in elsewhere.items() if label not in trained}
    if not missing:
        return
    if not trained:
        raise ValueError("no row has the split 'train'; a manifest needs pictures to learn from")
    number, row = next(iter(missing.values()))
    raise ValueError(
        f"classes without a training picture: {', '.join(map(repr, sorted(missing)))}. The first is in row "
        f"{number} ({row.path}, {row.split}); correct the label or put pictures of the class into train."
    )


def parse_rows(data: bytes) -> Iterator[Row]:
    """Rows of the CSV's bytes; a byte order mark, as spreadsheets write it, is accepted.

    ValueError naming line or row.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"line {line} is not UTF-8; save the file as 'CSV UTF-8'") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = next(reader, [])
        if sorted(header) != sorted(COLUMNS):
            raise ValueError(f"the columns are {', '.join(header)}; expected {', '.join(COLUMNS)}")
        for number, cells in enumerate((line for line in reader if line), start=1):
            if len(cells) != len(COLUMNS):
                raise ValueError(f"row {number} has {len(cells)} cells, expected {len(COLUMNS)}: {cells}")
            yield Row(**dict(zip(header, cells, strict=True)))
    except csv.Error as error:
        raise ValueError(f"line {reader.line_num}: {error}") from None
