"""The form of a submission file: column names, how ids and labels are written, the order of the rows.

Kaggle compares the file with its own as text, so an id is never a number here: `0007` and `7` are two ids.
The four tracks' formats stand in FORMATS; any other is learnt from the competition's sample file.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Literal

IdStyle = Literal["text", "zero_padded", "integer"]
LabelStyle = Literal["index", "name"]


@dataclass(frozen=True)
class SubmissionFormat:
    """How a submission is written.

    id_style: "text" (file names, as they are), "zero_padded" (digits, filled up to `id_width`) or "integer".
    label_style: "index" (the class number) or "name" (the class name). line_ending: "\\n" or "\\r\\n".
    ids: the expected ids in the order of the rows, where they are known (from a sample), else None.
    """

    id_column: str
    label_column: str
    id_style: IdStyle = "text"
    id_width: int = 0
    label_style: LabelStyle = "name"
    line_ending: str = "\n"
    ids: tuple[str, ...] | None = None

    def id_text(self, value: str | int | PurePath) -> str:
        """An id as it stands in the file.

        A whole number is filled up with zeros where the style says so; a path gives its file name (style
        "text") or the digits of its stem; a text stays as it is. ValueError if the result does not fit.
        """
        if isinstance(value, PurePath):
            text = value.name if self.id_style == "text" else value.stem
            if self.id_style == "integer" and text.isdigit():
                text = str(int(text))
        elif isinstance(value, str):
            text = value
        else:
            text = str(_whole(value, "id")).zfill(self.id_width if self.id_style == "zero_padded" else 0)
        if not text or text != text.strip():
            raise ValueError(f"an id must not be empty or begin or end with a space, got {text!r}")
        if self.id_style != "text" and not re.fullmatch("[0-9]+", text):
            raise ValueError(f"ids of the column {self.id_column!r} are digits, got {text!r}")
        if self.id_style == "zero_padded" and len(text) < self.id_width:
            raise ValueError(
                f"id {text!r} has {len(text)} digits, expected {self.id_width}: pass int({text!r})"
            )
        if self.id_style == "integer" and text != str(int(text)):
            raise ValueError(f"ids of the column {self.id_column!r} have no leading zeros, got {text!r}")
        return text

    def label_text(self, value: str | int, class_names: Sequence[str] | None = None) -> str:
        """A label as it stands in the file, from a class index or name; class_names maps between the two.

        ValueError for a label that is none of the classes.
        """
        if isinstance(value, str):
            if class_names is not None and value not in class_names:
                raise ValueError(f"{value!r} is none of the classes {list(class_names)}")
            if self.label_style == "name":
                text = value
            elif class_names is not None:
                text = str(list(class_names).index(value))
            else:
                raise ValueError(
                    f"the column {self.label_column!r} holds class numbers; pass class_names to map {value!r}"
                )
        else:
            index = _whole(value, "label")
            if index < 0 or (class_names is not None and index >= len(class_names)):
                limit = "" if class_names is None else f" to {len(class_names) - 1}"
                raise ValueError(f"label {index} is out of range, expected 0{limit}")
            if self.label_style == "index":
                text = str(index)
            elif class_names is not None:
                text = str(class_names[index])
            else:
                raise ValueError(
                    f"the column {self.label_column!r} holds class names; pass class_names to map {index}"
                )
        if not text.strip():
            raise ValueError("a class name must not be empty")
        return text


FORMATS: dict[str, SubmissionFormat] = {
    "seedlings": SubmissionFormat("file", "species", id_style="text", label_style="name"),
    "food11": SubmissionFormat("Id", "Category", id_style="zero_padded", id_width=4, label_style="index"),
    "mnist": SubmissionFormat("ImageId", "Label", id_style="integer", label_style="index"),
    "digits": SubmissionFormat("image_id", "label", id_style="text", label_style="index"),
}


def from_sample(
    path: str | Path,
    *,
    label_style: LabelStyle | None = None,
    class_names: Sequence[str] | None = None,
) -> SubmissionFormat:
    """Learn the format from a competition's sample submission.

    Ids of digits only are "zero_padded" if one begins with a zero and all are equally long, "integer" if none
    does, else "text". Labels are "index" if all are whole numbers, else "name". class_names decides where
    names look like numbers; what even they leave open has to be said by label_style. ValueError if the file
    has not two columns, has no rows, repeats an id, or holds labels that are none of the classes.
    """
    path = Path(path)
    data = path.read_bytes()
    rows = read_rows(data.decode("utf-8-sig"))
    if not rows or len(rows[0]) != 2 or len(rows) < 2 or any(len(row) != 2 for row in rows):
        found = rows[0] if rows else []
        raise ValueError(
            f"{path}: expected a header and rows of two columns, id and label; its header is {found}"
        )
    ids = [row[0] for row in rows[1:]]
    doubled = [name for name, count in Counter(ids).items() if count > 1]
    if doubled:
        raise ValueError(f"{path}: the sample repeats the ids {doubled[:5]}")
    style, width = _id_style(ids)
    if label_style is None:
        label_style = _label_style({row[1] for row in rows[1:]}, class_names, path)
    return SubmissionFormat(
        id_column=rows[0][0],
        label_column=rows[0][1],
        id_style=style,
        id_width=width,
        label_style=label_style,
        line_ending="\r\n" if b"\r\n" in data else "\n",
        ids=tuple(ids),
    )


def read_rows(text: str, delimiter: str = ",") -> list[list[str]]:
    """The rows of a csv text, without empty lines; values stay texts."""
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if row]


def _id_style(ids: list[str]) -> tuple[IdStyle, int]:
    if not all(re.fullmatch("[0-9]+", text) for text in ids):
        return "text", 0
    padded = any(len(text) > 1 and text.startswith("0") for text in ids)
    if not padded:
        return "integer", 0
    lengths = {len(text) for text in ids}
    return ("zero_padded", lengths.pop()) if len(lengths) == 1 else ("text", 0)


def _label_style(labels: set[str], class_names: Sequence[str] | None, path: Path) -> LabelStyle:
    numbers = all(re.fullmatch("[0-9]{1,6}", label) for label in labels)
    if class_names is None:
        return "index" if numbers else "name"
    names = list(class_names)
    as_index = numbers and all(int(label) < len(names) for label in labels)
    as_name = labels <= set(names)
    if as_index and as_name and names != [str(number) for number in range(len(names))]:
        raise ValueError(
            f"{path}: its labels (such as {min(labels)!r}) may be class names or class numbers; say which: "
            "label_style='name' or 'index'"
        )
    if not as_index and not as_name:
        below = {str(number) for number in range(len(names))}
        odd = min(labels - set(names) - below, default=min(labels))
        raise ValueError(
            f"{path}: its label {odd!r} is none of the {len(names)} classes {names[:5]} and no class number "
            "below that; is it another competition's sample? If its labels mean nothing, say label_style."
        )
    return "index" if as_index else "name"


def _whole(value: object, what: str) -> int:
    """A Python or NumPy whole number; ValueError for floats, truth values and anything else."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, bool) or kind in ("b", "f") or not hasattr(value, "__index__"):
        raise ValueError(f"a {what} is a whole number or a text, got {value!r} ({type(value).__name__})")
    return int(value.__index__())
