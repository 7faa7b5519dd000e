"""Figures of an evaluation: reliability, ROC and precision-recall curves, scores per class, slices.

The numbers come from `course_utils.evaluation` as plain data (`calibration`, `curves`, `slices`), so these
functions draw a stored report.json as well as a fresh one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes

from course_utils.params import check_choice
from course_utils.plots.curves import label_axes, line_look
from course_utils.plots.style import (
    BLUE,
    HATCHES,
    ORANGE,
    PALETTE,
    add_legend,
    describe,
    drawable,
    drawable_names,
    new_axes,
    number,
    styled,
)

_MOST_CURVES = 8  # in one figure; with more classes the lowest areas are drawn
_AXES = {
    "roc": ("false positive rate", "true positive rate (recall)", "ROC curves", "area"),
    "precision_recall": ("recall", "precision", "Precision-recall curves", "average precision"),
}


@styled
def reliability_diagram(
    bins: Sequence[Mapping[str, float]],
    *,
    after: Sequence[Mapping[str, float]] | None = None,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Accuracy over confidence: on the diagonal a model is as often right as it says.

    bins: low, high, num_images, confidence and accuracy of each, as `Calibration.as_dict()["bins"]`. after:
    the same after temperature scaling, drawn as a second line. ValueError without bins.
    """
    series = {"as trained" if after is not None else "model": list(bins)}
    if after is not None:
        series["after temperature scaling"] = list(after)
    if not all(series.values()):
        raise ValueError("there are no bins to draw: was nothing evaluated?")
    plot = new_axes(ax, 4.8, 4.4)
    handles = [plot.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1.2)[0]]
    told = []
    first = next(iter(series.values()))
    most = max(one["num_images"] for one in first)
    for one in first:  # how many images a bin holds, along the bottom
        height = 0.18 * one["num_images"] / most
        plot.bar(
            (one["low"] + one["high"]) / 2, height, one["high"] - one["low"], color="#999999", alpha=0.35
        )
    for index, (name, rows) in enumerate(series.items()):
        x, y = [one["confidence"] for one in rows], [one["accuracy"] for one in rows]
        handles += plot.plot(x, y, **{**line_look(index, len(rows)), "markevery": 1})
        told.append(f"{name}: {_about_bins(rows)}")
    plot.set_xlim(0, 1.02)
    plot.set_ylim(0, 1.02)
    label_axes(plot, "confidence of the prediction", "accuracy (share of images)", title)
    plot.legend(handles, ["perfectly calibrated", *series], loc="upper left")
    describe(plot, f"Reliability diagram. {'; '.join(told)}.", title=title)
    return plot


def _about_bins(rows: Sequence[Mapping[str, float]]) -> str:
    total = sum(one["num_images"] for one in rows)
    gaps = [one["confidence"] - one["accuracy"] for one in rows]
    ece = sum(one["num_images"] * abs(gap) for one, gap in zip(rows, gaps, strict=True)) / total
    widest = int(np.argmax(np.abs(gaps)))
    far = rows[widest]
    return (
        f"{int(total)} images in {len(rows)} bins, expected calibration error {ece:.3f}, widest gap at "
        f"confidence {far['confidence']:.2f}, where the accuracy is {far['accuracy']:.2f} "
        f"({int(far['num_images'])} images)"
    )


@styled
def score_curves(
    curves: Mapping[str, Sequence[Sequence[float]]],
    areas: Mapping[str, float],
    *,
    kind: Literal["roc", "precision_recall"],
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """ROC or precision-recall curves, a line per class against the rest, with the area in the legend.

    curves: class name to points [x, y]. areas: class name to the figure beside it. Of more than eight classes
    the eight with the lowest areas are drawn, and the alt text says so. ValueError without curves.
    """
    check_choice("kind", kind, _AXES)
    if not curves or set(curves) - set(areas):
        raise ValueError(f"got {len(curves)} curves and {len(areas)} areas; expected an area for each curve")
    xlabel, ylabel, what, figure = _AXES[kind]
    order = sorted(curves, key=lambda name: areas[name])
    chosen = [name for name in curves if name in order[:_MOST_CURVES]]
    plot = new_axes(ax, 6.6, 4.2)
    handles = []
    for index, name in enumerate(chosen):
        points = np.asarray(curves[name], dtype=float)  # (P, 2)
        look = {**line_look(index, len(points)), "markersize": 3.5}
        step: dict[str, Any] = {"drawstyle": "steps-pre"} if kind == "precision_recall" else {}
        handles += plot.plot(points[:, 0], points[:, 1], **look, **step)
    if kind == "roc":
        plot.plot([0, 1], [0, 1], color="black", linestyle=":", linewidth=1)
    plot.set_xlim(-0.01, 1.01)
    plot.set_ylim(-0.01, 1.02)
    short = drawable_names(chosen, max_length=17)  # the legend keeps 26 characters, the area among them
    names = [f"{text} ({areas[name]:.3f})" for text, name in zip(short, chosen, strict=True)]
    label_axes(plot, xlabel, ylabel, title)
    add_legend(plot, handles, names, outside=True)
    part = f", the {len(chosen)} with the lowest {figure}" if len(chosen) < len(curves) else ""
    told = ", ".join(f"{name} {areas[name]:.3f}" for name in order[:_MOST_CURVES])
    describe(
        plot,
        f"{what} of {len(curves)} classes against the rest{part}; {figure}, from the lowest: {told}.",
        title=title,
    )
    return plot


@styled
def per_class_bars(
    class_names: Sequence[str],
    series: Mapping[str, Sequence[float]],
    *,
    xlabel: str = "score in [0, 1]",
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Bars of up to four scores for each class, such as precision, recall and F1; told apart by hatching too.

    series: name to a value in [0, 1] per class. ValueError for a wrong length, or a value outside [0, 1].
    """
    num, bars = len(class_names), len(series)
    table = {name: np.asarray(values, dtype=float) for name, values in series.items()}
    if num == 0 or not 1 <= bars <= len(HATCHES):
        raise ValueError(
            f"got {num} classes and {bars} series; expected a class or more, and one to four series"
        )
    for name, values in table.items():
        if values.shape != (num,) or not ((values >= 0) & (values <= 1)).all():
            raise ValueError(f"{name!r} has the values {values.shape} {values[:8]}; expected {num} in [0, 1]")
    plot = new_axes(ax, 7.0, float(np.clip(1.0 + 0.15 * num * (bars + 0.8), 2.2, 14)))
    thick = 0.8 / bars
    handles: list[Any] = []
    for index, (_, values) in enumerate(table.items()):
        places = np.arange(num) + (index - (bars - 1) / 2) * thick
        look: dict[str, Any] = {"color": PALETTE[index], "hatch": HATCHES[index], "edgecolor": "white"}
        handles.append(plot.barh(places, values, thick, linewidth=0, **look))
    plot.set_yticks(range(num), drawable_names(class_names), fontsize=float(np.clip(330 / num, 6, 10)))
    plot.set_ylim(num - 0.4, -0.6)
    plot.set_xlim(0, 1)
    label_axes(plot, xlabel, "", title)
    plot.grid(visible=False, axis="y")
    if bars > 1:
        plot.legend(
            handles,
            [drawable(name, f"series {i}") for i, name in enumerate(table)],
            loc="lower center",
            bbox_to_anchor=(0.5, 1.0),
            ncols=bars,
        )
    told = []
    for name, values in table.items():
        low, high = int(np.argmin(values)), int(np.argmax(values))
        told.append(
            f"{name} from {values[low]:.3f} ({class_names[low]}) to {values[high]:.3f} "
            f"({class_names[high]}), mean {values.mean():.3f}"
        )
    describe(plot, f"Scores of {num} classes: {'; '.join(told)}.", title=title)
    return plot


@styled
def slice_intervals(
    rows: Sequence[Mapping[str, Any]],
    *,
    overall: float,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Accuracy of parts of a set with its interval, beside the accuracy over all pictures as a line.

    rows: column, group, num_images, accuracy, low, high and below, as `slices.Slice._asdict()`. Parts whose
    interval lies below the line have another colour and a square. ValueError without rows.
    """
    if not rows:
        raise ValueError("there are no slices to draw: no column has two groups")
    plot = new_axes(ax, 7.0, float(np.clip(1.0 + 0.3 * len(rows), 2.0, 14)))
    plot.axvline(overall, color="black", linestyle="--", linewidth=1)
    for index, row in enumerate(rows):
        look: dict[str, Any] = (
            {"color": ORANGE, "marker": "s"} if row["below"] else {"color": BLUE, "marker": "o"}
        )
        plot.plot([row["low"], row["high"]], [index, index], color=look["color"], linewidth=2)
        plot.plot(row["accuracy"], index, markersize=6, **look)
    names = [f"{row['column']}: {row['group']} ({row['num_images']})" for row in rows]
    plot.set_yticks(range(len(rows)), drawable_names(names, max_length=44), fontsize=9)
    plot.set_ylim(len(rows) - 0.5, -0.5)
    low = min(min(row["low"] for row in rows), overall)
    plot.set_xlim(max(0.0, low - 0.05), 1.01)
    label_axes(plot, "accuracy (share of images), 95 % interval", "", title)
    weak = [row for row in rows if row["below"]]
    told = ", ".join(
        f"{row['column']} {row['group']} {row['accuracy']:.3f} ({row['num_images']} images)"
        for row in sorted(rows, key=lambda row: row["accuracy"])[:6]
    )
    describe(
        plot,
        f"Accuracy of {len(rows)} parts; over all pictures {number(overall)}. {len(weak)} lie below it with "
        f"their whole interval. Lowest: {told}.",
        title=title,
    )
    return plot
