"""Distributions and clouds: histograms, pixel histograms, scatter plots."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from course_utils.plots.curves import label_axes
from course_utils.plots.style import (
    BLUE,
    DASHES,
    GREEN,
    MARKERS,
    ORANGE,
    PALETTE,
    add_legend,
    describe,
    drawable_names,
    new_axes,
    number,
    styled,
)

_CHANNELS = {1: ("grey",), 3: ("red", "green", "blue")}


@styled
def histogram(
    values: Sequence[float] | np.ndarray | Mapping[str, Sequence[float] | np.ndarray],
    *,
    bins: int | Sequence[float] = 30,
    xlabel: str,
    ylabel: str = "count",
    title: str = "",
    log_y: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """How often values occur; several named groups share the bins and are drawn as outlines.

    ValueError without finite values.
    """
    groups = dict(values) if isinstance(values, Mapping) else {"": values}
    arrays = {name: np.asarray(group, dtype=float).ravel() for name, group in groups.items()}
    finite = {name: array[np.isfinite(array)] for name, array in arrays.items()}
    together = np.concatenate(list(finite.values())) if finite else np.zeros(0)
    if together.size == 0:
        raise ValueError("there are no finite values to count")
    edges = np.histogram_bin_edges(together, bins=bins)
    plot = new_axes(ax, 6.5, 3.6)
    names = drawable_names(list(finite))
    told, handles = [], []
    for index, (name, array) in enumerate(finite.items()):
        counts = np.histogram(array, bins=edges)[0]
        look: dict[str, Any] = {
            "color": PALETTE[index % len(PALETTE)],
            "linestyle": DASHES[index % len(DASHES)],
        }
        if len(finite) == 1:
            plot.stairs(counts, edges, fill=True, color=BLUE)
        else:
            handles.append(plot.stairs(counts, edges, linewidth=2, **look))
        peak = int(np.argmax(counts)) if len(array) else 0
        told.append(f"{name + ': ' if name else ''}{len(array)} values")
        if len(array):
            spread = f"from {number(array.min())} to {number(array.max())}, mean {number(array.mean())}"
            told[-1] += f" {spread}, most between {number(edges[peak])} and {number(edges[peak + 1])}"
    if log_y:
        plot.set_yscale("log")
    else:
        plot.yaxis.set_major_locator(MaxNLocator("auto", integer=True, steps=[1, 2, 5, 10]))
    if len(finite) > 1:
        add_legend(plot, handles, names)
    label_axes(plot, xlabel, ylabel, title)
    describe(plot, f"Histogram of {xlabel}. {'; '.join(told)}.", title=title)
    return plot


@styled
def pixel_histograms(
    histogram: Sequence[Sequence[int]] | np.ndarray,
    mean: Sequence[float] | None = None,
    *,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """How often each of the 256 pixel values occurs, a line per channel, and each channel's mean.

    histogram: counts, (C, 256) or (256,); one channel is grey, three are red, green and blue. mean: in [0,
    1]; by default computed from the counts. The pixel value on the x axis is scaled to [0, 1]. ValueError for
    another shape, and for a channel without pixels.
    """
    counts = np.atleast_2d(np.asarray(histogram, dtype=float))
    if counts.ndim != 2 or counts.shape[1] != 256 or not (counts.sum(axis=1) > 0).all():
        raise ValueError(f"the histogram has the shape {counts.shape}; expected (channels, 256), none empty")
    num_channels = len(counts)
    names = _CHANNELS.get(num_channels, tuple(f"channel {i}" for i in range(num_channels)))
    colours = {1: ("#555555",), 3: (ORANGE, GREEN, BLUE)}.get(num_channels, PALETTE)
    values = np.arange(256) / 255
    shares = counts / counts.sum(axis=1, keepdims=True)
    means = shares @ values if mean is None else np.asarray(mean, dtype=float)
    if means.shape != (num_channels,):
        raise ValueError(f"got {means.shape} means for {num_channels} channels; expected one for each")
    plot = new_axes(ax, 6.5, 3.6)
    told = []
    for index, name in enumerate(names):
        look: dict[str, Any] = {
            "color": colours[index % len(colours)],
            "linestyle": DASHES[index % len(DASHES)],
        }
        plot.plot(
            values, 100 * shares[index], linewidth=1.6, label=f"{name}, mean {means[index]:.3f}", **look
        )
        plot.axvline(means[index], linewidth=1.0, **look)
        deviation = float(np.sqrt(shares[index] @ (values - shares[index] @ values) ** 2))
        told.append(f"{name} has mean {means[index]:.3f} and standard deviation {deviation:.3f}")
    plot.set_xlim(0, 1)
    plot.set_ylim(bottom=0)
    plot.legend()
    label_axes(plot, "pixel value (0 black, 1 full)", "share of the pixels (%)", title)
    about = f"Histogram of {number(counts[0].sum())} pixels: {'; '.join(told)}."
    describe(plot, about, title=title)
    return plot


@styled
def scatter(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    groups: Sequence[int] | np.ndarray | None = None,
    *,
    group_names: Sequence[str] | None = None,
    xlabel: str,
    ylabel: str,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """A point per pair; groups (an index per point, such as its class) differ in colour and marker.

    ValueError for different lengths, and for a group without a name.
    """
    xs, ys = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    if xs.shape != ys.shape or xs.ndim != 1 or len(xs) == 0:
        raise ValueError(f"got x {xs.shape} and y {ys.shape}; expected two equally long lists of numbers")
    members = np.zeros(len(xs), dtype=int) if groups is None else np.asarray(groups)
    if members.shape != xs.shape:
        raise ValueError(f"got {members.shape} groups for {len(xs)} points; expected one for each")
    present = [int(index) for index in np.unique(members)]
    if group_names is not None and present[-1] >= len(group_names):
        raise ValueError(
            f"group {present[-1]} has no name: only {len(group_names)} names were given; name every group"
        )
    names = list(group_names) if group_names is not None else [f"group {i}" for i in range(present[-1] + 1)]
    shown = drawable_names(names)
    plot = new_axes(ax, 6.5 if groups is None else 7.5, 5.0)
    size = float(np.clip(3000 / len(xs), 6, 40))
    handles = []
    for index in present:
        inside = members == index
        look: dict[str, Any] = {
            "color": PALETTE[index % len(PALETTE)],
            "marker": MARKERS[(index + index // 8) % len(MARKERS)],
        }
        handles.append(plot.scatter(xs[inside], ys[inside], s=size, alpha=0.75, linewidths=0, **look))
    if groups is not None:
        add_legend(plot, handles, [shown[index] for index in present], outside=True)
    label_axes(plot, xlabel, ylabel, title)
    extent = (
        f"{xlabel} from {number(xs.min())} to {number(xs.max())}, "
        f"{ylabel} from {number(ys.min())} to {number(ys.max())}"
    )
    about = f"Scatter plot of {len(xs)} points, {extent}"
    if groups is not None:
        centres = [
            f"{names[i]} ({int((members == i).sum())}) around "
            f"{number(xs[members == i].mean())}, {number(ys[members == i].mean())}"
            for i in present[:12]
        ]
        about += f", {len(present)} groups: {'; '.join(centres)}{' and others' if len(present) > 12 else ''}"
    describe(plot, f"{about}.", title=title)
    return plot
