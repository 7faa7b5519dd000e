"""Which row of the sample belongs to which picture: the rule is learnt, never guessed per picture.

Competitions name the picture `7f46a71db.png` in the file `7f46a71db.png` as `7f46a71db.png`, `7f46a71db`,
`test/7f46a71db.png`, or the picture in `0007.jpg` as `0007`, `7` or `00007`. One rule has to fit every
picture and every row, or nothing is written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import PurePath

from course_utils.evaluation.submission_format import SubmissionFormat


def ids_of_files(paths: Sequence[PurePath], form: SubmissionFormat) -> list[str]:
    """The id of every file, by the first rule whose ids are exactly those of the sample.

    Rules, in this order: file name; file name without its ending; the same without leading zeros, and with
    zeros up to the sample's width; folder and file name; the last number in the name. ValueError if the
    format knows no ids, or if no rule fits; it names the rule that comes nearest, and what is missing and
    extra by it.
    """
    if form.ids is None:
        raise ValueError("the format knows no ids; learn it from a sample submission with from_sample")
    if not paths:
        raise ValueError("there are no pictures to name")
    want = set(form.ids)
    width = max((len(name) for name in form.ids if name.isdigit()), default=0)
    nearest: tuple[int, str, list[str]] | None = None
    for rule, name in _rules(width).items():
        found = [name(path) for path in paths]
        if len(set(found)) == len(found) and set(found) == want:
            return found
        common = len(want & set(found))
        if nearest is None or common > nearest[0]:
            nearest = (common, rule, found)
    assert nearest is not None
    raise ValueError(_no_rule(form, nearest[1], nearest[2]))


def ids_by_order(paths: Sequence[PurePath], form: SubmissionFormat) -> list[str]:
    """The id of every file by its place: the first file gets the sample's first id, and so on.

    For samples whose ids are row numbers, such as MNIST's 1 to 28000. Nothing but the count can be checked,
    so ask for it only where the sample's order is known to be that of the files. ValueError where the counts
    differ.
    """
    if form.ids is None or len(paths) != len(form.ids):
        raise ValueError(
            f"got {len(paths)} pictures for {len(form.ids or ())} ids of the sample; by order, both must be "
            "equally many"
        )
    return list(form.ids)


def _rules(width: int) -> dict[str, Callable[[PurePath], str]]:
    return {
        "the file name": lambda path: path.name,
        "the file name without its ending": lambda path: path.stem,
        "the number, without leading zeros": lambda path: _plain(path.stem),
        f"the number, in {width} digits": lambda path: _padded(path.stem, width),
        "folder and file name": lambda path: "/".join(path.parts[-2:]),
        "the last number in the name": lambda path: _plain(_last_number(path.stem)),
        f"the last number in the name, in {width} digits": lambda path: _padded(
            _last_number(path.stem), width
        ),
    }


def _plain(text: str) -> str:
    return str(int(text)) if re.fullmatch("[0-9]+", text) else text


def _padded(text: str, width: int) -> str:
    return str(int(text)).zfill(width) if re.fullmatch("[0-9]+", text) else text


def _last_number(stem: str) -> str:
    numbers = re.findall("[0-9]+", stem)
    return numbers[-1] if numbers else stem


def _no_rule(form: SubmissionFormat, rule: str, found: list[str]) -> str:
    want = list(form.ids or ())
    got = set(found)
    missing, extra = (
        [name for name in want if name not in got],
        [name for name in found if name not in set(want)],
    )
    text = (
        f"the pictures do not fit the sample: {len(found)} pictures, {len(want)} ids in the column "
        f"{form.id_column!r}. Nearest is {rule}: {len(missing)} ids without a picture (such as "
        f"{missing[:3]}), {len(extra)} pictures without an id (such as {extra[:3]})"
    )
    doubled = len(found) - len(got)
    if doubled:
        text += f", {doubled} names come more than once"
    if len(found) == len(want) and missing:
        text += ". If the ids are row numbers in the order of the files, ask for that (submit --ids files)"
    return text + "."
