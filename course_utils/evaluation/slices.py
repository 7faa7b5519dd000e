"""Accuracy in parts of a set: small pictures, dark ones, one source. A mean can hide a part that fails.

A column gives a value for each picture. Numbers are cut at their quartiles, texts taken as they are. Every
part comes with its Wilson interval, since small parts vary by chance alone, and with many parts some look bad
by chance too. `picture_columns` measures what can be read off the files.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from course_utils.data.decode import decode
from course_utils.data.parallel import map_chunks
from course_utils.evaluation.comparison import wilson_interval

_MOST_GROUPS = 12  # of a column of texts; rarer values go together
_OTHER = "other"


class Slice(NamedTuple):
    """One part: its column and group, `num_images`, accuracy with its 95 % interval (low, high).

    below: True if the whole interval lies below the accuracy over all pictures.
    """

    column: str
    group: str
    num_images: int
    accuracy: float
    low: float
    high: float
    below: bool


def slices(
    predictions: Sequence[int] | np.ndarray,
    targets: Sequence[int] | np.ndarray,
    columns: Mapping[str, Sequence[Any] | np.ndarray],
    *,
    num_bins: int = 4,
) -> list[Slice]:
    """The accuracy of every group of every column.

    columns: name to one number, text or truth value per picture. Numbers with more than `num_bins` different
    values are cut into at most so many groups of about equal size. A column with the same value everywhere
    says nothing and is left out. ValueError for a wrong length or a number that is not finite.
    """
    guesses, truth = np.asarray(predictions), np.asarray(targets)
    if guesses.shape != truth.shape or truth.ndim != 1 or len(truth) == 0 or num_bins < 2:
        raise ValueError(
            f"got predictions {guesses.shape}, targets {truth.shape} and {num_bins} bins; expected a class "
            "per picture in both, and two bins or more"
        )
    right = guesses == truth
    rows = []
    for name, values in columns.items():
        if len(values) != len(truth):
            raise ValueError(
                f"column {name!r} has {len(values)} values for {len(truth)} pictures; expected one for each"
            )
        groups = _groups(name, values, num_bins)
        if len(groups) < 2:
            continue
        for group, inside in groups:
            correct, count = int(right[inside].sum()), int(inside.sum())
            low, high = wilson_interval(correct, count)
            rows.append(
                Slice(name, group, count, correct / count, low, high, bool(high < float(right.mean())))
            )
    return rows


def picture_columns(
    paths: Sequence[str | Path], *, num_workers: int | None = None, progress: bool = False
) -> dict[str, list[Any]]:
    """Columns read off the files themselves: shorter side, brightness (mean grey in [0, 1]) and file type.

    Decodes every picture at its own size, on all cores. ImageError for one that cannot be read.
    """

    def work(_start: int, chunk: Sequence[str | Path]) -> list[tuple[int, float, str]]:
        return [_read(Path(path)) for path in chunk]

    rows = [
        row
        for part in map_chunks(
            work, list(paths), num_workers=num_workers, progress=progress, description="measuring pictures"
        )
        for row in part
    ]
    return {
        "shorter side (pixels)": [side for side, _, _ in rows],
        "brightness": [brightness for _, brightness, _ in rows],
        "file type": [kind for _, _, kind in rows],
    }


def _read(path: Path) -> tuple[int, float, str]:
    grey = decode(path, mode="L")
    brightness = float(np.asarray(grey).mean(dtype=np.float64)) / 255
    return min(grey.size), brightness, path.suffix.lower().lstrip(".")


def _groups(name: str, values: Sequence[Any] | np.ndarray, num_bins: int) -> list[tuple[str, np.ndarray]]:
    """Group names and truth values (N,), in the order of the numbers, or from the most frequent text."""
    array = np.asarray(values)
    if array.dtype.kind in "iuf":
        numbers = array.astype(np.float64)
        if not np.isfinite(numbers).all():
            place = int(np.argmin(np.isfinite(numbers)))
            raise ValueError(
                f"column {name!r}: the value of picture {place} is {numbers[place]}; expected finite numbers"
            )
        return _number_groups(numbers, num_bins)
    texts = np.array([str(value) for value in values])
    counts = Counter(texts.tolist()).most_common()
    kept = [text for text, _ in counts]
    if len(kept) > _MOST_GROUPS:
        kept = kept[: _MOST_GROUPS - 1]
    groups = [(text, texts == text) for text in kept]
    rest = ~np.isin(texts, kept)
    return [*groups, (_OTHER, rest)] if rest.any() else groups


def _number_groups(numbers: np.ndarray, num_bins: int) -> list[tuple[str, np.ndarray]]:
    different = np.unique(numbers)
    if len(different) <= num_bins:
        return [(_number(value), numbers == value) for value in different]
    inner = np.quantile(numbers, np.arange(1, num_bins) / num_bins, method="inverted_cdf")
    place = np.searchsorted(np.unique(inner), numbers, side="left")  # a cut belongs to the group below it
    groups = []
    for index in np.unique(place):
        inside = place == index
        low, high = numbers[inside].min(), numbers[inside].max()
        text = _number(low) if low == high else f"{_number(low)} to {_number(high)}"
        groups.append((text, inside))
    return groups


def _number(value: float) -> str:
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.3g}"
