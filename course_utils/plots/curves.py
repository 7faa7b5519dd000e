"""Curves: training curves, and any lines over a common x."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.plots.style import (
    DASHES,
    MARKERS,
    PALETTE,
    add_legend,
    describe,
    drawable,
    drawable_names,
    new_axes,
    number,
    styled,
)


@styled
def lines(
    x: Sequence[float] | np.ndarray,
    series: Mapping[str, Sequence[float] | np.ndarray],
    *,
    bands: Mapping[str, tuple[Sequence[float] | np.ndarray, Sequence[float] | np.ndarray]] | None = None,
    xlabel: str,
    ylabel: str,
    title: str = "",
    log_x: bool = False,
    log_y: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """One line per name over a common x; they differ in colour, dash and marker.

    bands: (low, high) for some of the names, drawn as a light area. NaN values leave a gap. ValueError for
    a series of another length than x.
    """
    positions = np.asarray(x, dtype=float)
    names = drawable_names(list(series))
    plot = new_axes(ax, 6.5, 3.8)
    told = []
    handles = []
    for index, (name, values) in enumerate(series.items()):
        y = np.asarray(values, dtype=float)
        if y.shape != positions.shape or y.ndim != 1:
            raise ValueError(
                f"{name!r} has {y.shape} values, x has {positions.shape}; both must be equally long"
            )
        handles += plot.plot(positions, y, **line_look(index, len(y)))
        if bands is not None and name in bands:
            low, high = (np.asarray(edge, dtype=float) for edge in bands[name])
            plot.fill_between(positions, low, high, color=PALETTE[index % len(PALETTE)], alpha=0.18, lw=0)
        told.append(f"{name} {_course_of(positions, y)}")
    if log_x:
        plot.set_xscale("log")
    if log_y:
        plot.set_yscale("log")
    label_axes(plot, xlabel, ylabel, title)
    add_legend(plot, handles, names)
    describe(plot, f"{ylabel} over {xlabel}: {'; '.join(told)}.", title=title)
    return plot


@styled
def training_curves(
    history: Sequence[Mapping[str, Any]], *, title: str = "", ax: Sequence[Axes] | None = None
) -> tuple[Axes, ...]:
    """Loss, accuracy and learning rate over the epochs, a panel each, as far as the history holds them.

    history: a row per epoch, such as the rows of metrics.csv: "epoch", then any columns whose names hold
    "loss", "accuracy" (in [0, 1]) or "learning_rate". Missing values (None, "" or NaN) leave a gap. The best
    epoch of each validation accuracy is marked. ax: as many axes as panels. Returns the panels. ValueError
    without rows or such columns.
    """
    if not history:
        raise ValueError("the history has no rows: was nothing trained?")
    columns = list(dict.fromkeys(key for row in history for key in row))
    epochs = np.array([float(row.get("epoch", i + 1)) for i, row in enumerate(history)])
    panels = [
        (what, found)
        for what in ("loss", "accuracy", "learning_rate")
        if (found := [key for key in columns if what in key])
    ]
    if not panels:
        raise ValueError(
            f"the history has the columns {columns}; expected some with 'loss' or 'accuracy' in their name"
        )
    if ax is None:
        grid = plt.subplots(
            1, len(panels), figsize=(4.2 * len(panels), 3.4), layout="constrained", squeeze=False
        )[1]
        axes = tuple(grid[0])
    else:
        axes = tuple(ax)
    if len(axes) != len(panels):
        raise ValueError(
            f"got {len(axes)} axes for {len(panels)} panels ({', '.join(what for what, _ in panels)}); "
            "give as many"
        )
    for panel, (what, found) in zip(axes, panels, strict=True):
        told = []
        for index, key in enumerate(found):
            values = np.array([_value(row.get(key)) for row in history])
            name = key.replace("_", " ")
            panel.plot(epochs, values, label=name, **line_look(index, len(values)))
            told.append(f"{name} {_course_of(epochs, values)}")
            if what == "accuracy" and "train" not in key and np.isfinite(values).any():
                best = int(np.nanargmax(values))
                panel.plot(
                    epochs[best], values[best], marker="*", ms=15, color="black", mfc="none", ls="none"
                )
        unit = {"loss": "loss", "accuracy": "accuracy (share of images)", "learning_rate": "learning rate"}[
            what
        ]
        label_axes(panel, "epoch", unit, "")
        panel.xaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
        if len(found) > 1 or what != "learning_rate":
            panel.legend()
        describe(panel, f"{unit} over {len(epochs)} epochs: {'; '.join(told)}.")
    if title:
        axes[0].get_figure(root=True).suptitle(drawable(title))
        describe(axes[0].get_figure(root=True), f"{title}.")
    return axes


def line_look(index: int, count: int) -> dict[str, Any]:
    """Colour, dash and marker of the line number `index`; markers on about ten of its `count` points."""
    return {
        "color": PALETTE[index % len(PALETTE)],
        "linestyle": DASHES[index % len(DASHES)],
        "marker": MARKERS[index % len(MARKERS)],
        "markersize": 4.5,
        "markevery": max(1, count // 10),
        "linewidth": 1.8,
    }


def label_axes(plot: Axes, xlabel: str, ylabel: str, title: str) -> None:
    """Set both labels, the title if there is one, and a faint grid."""
    plot.set_xlabel(drawable(xlabel))
    plot.set_ylabel(drawable(ylabel))
    if title:
        plot.set_title(drawable(title))
    plot.grid(alpha=0.25)
    plot.set_axisbelow(True)


def _course_of(x: np.ndarray, y: np.ndarray) -> str:
    """A line in words: where it starts and ends, its lowest and highest point."""
    known = np.flatnonzero(np.isfinite(y))
    if len(known) == 0:
        return "has no values"
    low, high = known[np.argmin(y[known])], known[np.argmax(y[known])]
    text = f"goes from {number(y[known[0]])} to {number(y[known[-1]])}"
    if low not in (known[0], known[-1]):
        text += f", lowest {number(y[low])} at {number(x[low])}"
    if high not in (known[0], known[-1]):
        text += f", highest {number(y[high])} at {number(x[high])}"
    return text


def _value(entry: Any) -> float:
    """A number of a history row; NaN where there is none (None, or the empty text of a csv)."""
    return float("nan") if entry is None or entry == "" else float(entry)
