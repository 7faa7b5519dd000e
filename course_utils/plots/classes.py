"""Figures per class: confusion matrix, class counts, values with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.plots.style import (
    HATCHES,
    PALETTE,
    describe,
    drawable,
    drawable_names,
    new_axes,
    number,
    styled,
)

_MAX_NUMBERED = 26  # classes up to which the cells of a confusion matrix hold their numbers


@styled
def confusion_matrix(
    matrix: Sequence[Sequence[int]] | np.ndarray,
    class_names: Sequence[str],
    *,
    normalise: Literal["true", "predicted"] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """The confusion matrix: rows are the true classes, columns the predicted ones.

    matrix: counts (K, K). normalise: colour and numbers in percent of each row ("true") or column
    ("predicted"); a class without images keeps a dash. Numbers stand in the cells up to 26 classes.
    ValueError for another shape.
    """
    counts = np.asarray(matrix)
    num = len(class_names)
    if counts.shape != (num, num) or counts.size == 0:
        raise ValueError(f"got a matrix {counts.shape} for {num} class names; expected {num} x {num}")
    if normalise not in (None, "true", "predicted"):
        raise ValueError(f"normalise is {normalise!r}; expected 'true', 'predicted' or None")
    if normalise is None:
        shown = counts.astype(float)
    else:
        total = (
            counts.sum(axis=1, keepdims=True) if normalise == "true" else counts.sum(axis=0, keepdims=True)
        )
        shown = 100 * counts / np.where(total == 0, np.nan, total)
    side = float(np.clip(1.8 + 0.42 * num, 3.6, 11))
    plot = new_axes(ax, side + 0.8, side)
    top = 100.0 if normalise else max(1.0, float(counts.max()))
    picture = plot.imshow(np.nan_to_num(shown), cmap="Blues", vmin=0, vmax=top)
    unit = {None: "images", "true": "% of the true class", "predicted": "% of the predictions"}[normalise]
    plot.figure.colorbar(picture, ax=plot, shrink=0.8, label=unit)
    names = drawable_names(class_names, max_length=22)
    small: dict[str, Any] = {"fontsize": float(np.clip(190 / num, 5.5, 10))}
    plot.set_xticks(range(num), names, **small)
    if max(map(len, names)) * 0.09 > side * 0.8 / num:  # the longest name is wider than a column
        plot.set_xticks(range(num), names, rotation=45, ha="right", rotation_mode="anchor", **small)
    plot.set_yticks(range(num), names, **small)
    plot.set_xlabel("predicted class")
    plot.set_ylabel("true class")
    plot.spines[:].set_visible(False)
    if num <= _MAX_NUMBERED:
        _number_cells(plot, shown, top)
    if title:
        plot.set_title(drawable(title))
    describe(plot, _about_confusions(counts, class_names), title=title)
    return plot


def _number_cells(plot: Axes, shown: np.ndarray, top: float) -> None:
    size = float(np.clip(130 / len(shown), 5, 10))
    for row in range(len(shown)):
        for column in range(len(shown)):
            value = shown[row, column]
            if value == 0:
                continue
            text = "–" if np.isnan(value) else f"{value:.0f}"
            colour = "white" if value > 0.55 * top else "black"
            plot.text(column, row, text, ha="center", va="center", color=colour, fontsize=size)


def _about_confusions(counts: np.ndarray, names: Sequence[str]) -> str:
    """Accuracy, the weakest class and the most frequent confusions, in words."""
    total, right = int(counts.sum()), int(np.trace(counts))
    text = f"Confusion matrix of {total} images in {len(names)} classes"
    if total == 0:
        return text + "."
    text += f", accuracy {right / total:.3f}."
    per_class = counts.sum(axis=1)
    seen = np.flatnonzero(per_class)
    recall = np.diag(counts)[seen] / per_class[seen]
    weakest = seen[np.argmin(recall)]
    text += f" Weakest class: {names[weakest]}, {counts[weakest, weakest]} of {per_class[weakest]} right."
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:3]
    pairs = [
        f"{names[i // len(names)]} taken for {names[i % len(names)]} {int(wrong.flat[i])} times"
        for i in order
        if wrong.flat[i] > 0
    ]
    return text + (f" Most frequent confusions: {'; '.join(pairs)}." if pairs else " No confusions.")


@styled
def class_counts(
    counts: Mapping[str, Mapping[str, int] | Sequence[int]],
    *,
    class_names: Sequence[str] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Images per class, a bar for each split.

    counts: for each split its counts by class name, or a list of counts in the order of class_names:
    {"train": {"cat": 70, "dog": 30}, "val": {"cat": 30}}. A class missing in a split counts 0. ValueError
    without counts, or for classes that `class_names` lacks.
    """
    if not counts:
        raise ValueError("there are no counts to draw")
    if class_names is None:
        dicts = [split for split in counts.values() if isinstance(split, Mapping)]
        class_names = list(dict.fromkeys(name for split in dicts for name in split))
    names = list(class_names)
    table = {split: _in_order(split, of_split, names) for split, of_split in counts.items()}
    num, bars = len(names), len(table)
    if num == 0:
        raise ValueError("there are no classes to draw")
    plot = new_axes(ax, 7.0, float(np.clip(1.0 + 0.17 * num * (bars + 0.6), 2.2, 12)))
    thick = 0.8 / bars
    size = float(np.clip(500 / (num * bars), 5.5, 9))
    for index, (split, values) in enumerate(table.items()):
        places = np.arange(num) + (index - (bars - 1) / 2) * thick
        look: dict[str, Any] = {
            "color": PALETTE[index % len(PALETTE)],
            "hatch": HATCHES[index % len(HATCHES)],
            "edgecolor": "white",
        }
        drawn = plot.barh(places, values, thick, label=drawable(split, f"split {index}"), linewidth=0, **look)
        plot.bar_label(drawn, fmt="{:.0f}", padding=2, fontsize=size)
    plot.set_yticks(range(num), drawable_names(names), fontsize=float(np.clip(330 / num, 6, 10)))
    plot.set_ylim(num - 0.5, -0.5)
    plot.margins(x=0.1)
    plot.set_xlabel("images")
    plot.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    if bars > 1:
        plot.legend()
    if title:
        plot.set_title(drawable(title))
    told = []
    for split, values in table.items():
        few, many = int(np.argmin(values)), int(np.argmax(values))
        ends = f"fewest {values[few]} ({names[few]}), most {values[many]} ({names[many]})"
        told.append(f"{split}: {sum(values)} images, {ends}")
    describe(plot, f"Images per class, {num} classes. {'; '.join(told)}.", title=title)
    return plot


def _in_order(split: str, counts: Mapping[str, int] | Sequence[int], names: list[str]) -> list[int]:
    if isinstance(counts, Mapping):
        unknown = [name for name in counts if name not in names]
        if unknown:
            raise ValueError(f"split {split!r} counts classes that class_names does not have: {unknown}")
        return [int(counts.get(name, 0)) for name in names]
    if len(counts) != len(names):
        raise ValueError(
            f"split {split!r} has {len(counts)} counts for {len(names)} class names; expected as many of both"
        )
    return [int(count) for count in counts]


@styled
def bar_with_intervals(
    names: Sequence[str],
    values: Sequence[float],
    low: Sequence[float] | None = None,
    high: Sequence[float] | None = None,
    *,
    xlabel: str,
    title: str = "",
    digits: int = 3,
    ax: Axes | None = None,
) -> Axes:
    """A horizontal bar per name with its interval from low to high, and the value in numbers.

    low and high are the ends themselves, not distances. Bars start at zero. ValueError for different lengths,
    and for a value outside of its interval.
    """
    num = len(names)
    centre = np.asarray(values, dtype=float)
    if (low is None) != (high is None):
        raise ValueError("give both low and high, or neither")
    ends = (
        [np.asarray(end, dtype=float) for end in (low, high)] if low is not None and high is not None else []
    )
    if num == 0 or any(array.shape != (num,) for array in (centre, *ends)):
        shapes = ", ".join(str(array.shape) for array in (centre, *ends))
        raise ValueError(f"got values and ends of the shapes {shapes} for {num} names; expected one for each")
    if ends and not ((ends[0] <= centre) & (centre <= ends[1])).all():
        raise ValueError("an interval does not hold its value: low and high are ends, not distances")
    plot = new_axes(ax, 7.0, float(np.clip(0.9 + 0.34 * num, 1.8, 12)))
    error = [centre - ends[0], ends[1] - centre] if ends else None
    plot.barh(
        range(num), centre, 0.62, color=PALETTE[5], xerr=error, error_kw={"capsize": 3, "linewidth": 1.4}
    )
    right = ends[1] if ends else centre
    room = 0.012 * max(float(np.nanmax(np.abs(right))), 1e-12)
    for index in range(num):
        plot.text(max(right[index], 0) + room, index, f"{centre[index]:.{digits}f}", va="center", fontsize=9)
    plot.set_yticks(
        range(num), drawable_names(names, max_length=40), fontsize=float(np.clip(330 / num, 6, 10))
    )
    plot.set_ylim(num - 0.4, -0.6)
    plot.margins(x=0.12)
    plot.set_xlabel(drawable(xlabel))
    if title:
        plot.set_title(drawable(title))
    told = [
        f"{name} {number(centre[i])}" + (f" ({number(ends[0][i])} to {number(ends[1][i])})" if ends else "")
        for i, name in enumerate(names)
    ]
    more = f" and {num - 20} more" if num > 20 else ""
    describe(plot, f"{xlabel}: {', '.join(told[:20])}{more}.", title=title)
    return plot
