"""Write a submission, read it again, and check it before the competition does.

form = submission.from_sample("sample_submission.csv")
submission.write_submission("submission.csv", form.ids, predictions, form, class_names=names)
submission.check_submission("submission.csv", sample="sample_submission.csv").raise_if_wrong()
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from course_utils.evaluation.submission_check import CheckResult, SubmissionError, check_submission
from course_utils.evaluation.submission_format import FORMATS, SubmissionFormat, from_sample, read_rows
from course_utils.evaluation.submission_parse import Problem
from course_utils.files import write_bytes

__all__ = [
    "FORMATS",
    "CheckResult",
    "Problem",
    "Submission",
    "SubmissionError",
    "SubmissionFormat",
    "check_submission",
    "from_sample",
    "read_submission",
    "write_submission",
]


class Submission(NamedTuple):
    """The content of a submission file: ids as texts, labels as indices or names, in the file's order."""

    ids: list[str]
    labels: list[int] | list[str]


def write_submission(
    path: str | Path,
    ids: Sequence[str | int | PurePath],
    labels: Sequence[int | str],
    form: SubmissionFormat,
    *,
    class_names: Sequence[str] | None = None,
) -> Path:
    """Write ids and labels in the given format, atomically; returns the path.

    ids: texts as they are, whole numbers or paths (see `SubmissionFormat.id_text`). labels: class indices or
    names; class_names maps between them. If the format knows its ids (from a sample), the rows follow its
    order and must be complete. ValueError for different lengths, repeated, missing or unexpected ids.
    """
    if len(ids) != len(labels) or len(ids) == 0:
        raise ValueError(
            f"got {len(ids)} ids and {len(labels)} labels; expected as many of both, at least one"
        )
    rows: dict[str, str] = {}
    for one_id, label in zip(ids, labels, strict=True):
        text = form.id_text(one_id)
        if text in rows:
            raise ValueError(f"id {text!r} comes twice; every image has one row")
        rows[text] = form.label_text(label, class_names)
    order = list(rows)
    if form.ids is not None:
        missing, extra = [i for i in form.ids if i not in rows], sorted(set(rows) - set(form.ids))
        if missing or extra:
            raise ValueError(
                f"the ids do not fit the sample: {len(missing)} missing (such as {missing[:3]}), "
                f"{len(extra)} unexpected (such as {extra[:3]})"
            )
        order = list(form.ids)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator=form.line_ending)
    writer.writerow([form.id_column, form.label_column])
    writer.writerows([one_id, rows[one_id]] for one_id in order)
    write_bytes(path, buffer.getvalue().encode("utf-8"))
    return Path(path)


def read_submission(path: str | Path, form: SubmissionFormat) -> Submission:
    """Read a file that `write_submission` wrote; labels become whole numbers where the format says "index".

    ValueError if its header is another one. A file of unknown origin goes through `check_submission` first.
    """
    rows = read_rows(Path(path).read_bytes().decode("utf-8"))
    header = [form.id_column, form.label_column]
    if not rows or rows[0] != header:
        raise ValueError(f"{path}: the header is {rows[0] if rows else 'missing'}, expected {header}")
    ids = [row[0] for row in rows[1:]]
    if form.label_style == "index":
        return Submission(ids, [int(row[1]) for row in rows[1:]])
    return Submission(ids, [row[1] for row in rows[1:]])
