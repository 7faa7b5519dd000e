"""Contour lines of a function of two numbers, and the paths that optimisers take over it.

Used by notebooks 03 (losses over two logits or two weights) and 04 (optimisers on an error surface).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from course_utils.plots.curves import label_axes
from course_utils.plots.style import (
    DASHES,
    MARKERS,
    PALETTE,
    add_legend,
    describe,
    drawable_names,
    new_axes,
    number,
    styled,
)


@styled
def surface(
    x: Sequence[float] | np.ndarray,
    y: Sequence[float] | np.ndarray,
    height: np.ndarray,
    *,
    paths: Mapping[str, np.ndarray] | None = None,
    num_levels: int = 14,
    log_levels: bool = False,
    what: str = "loss",
    xlabel: str,
    ylabel: str,
    title: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Contours of `height` (Y, X) over the grid of `x` (X,) and `y` (Y,); dark is low.

    paths: points (T, 2) by name, drawn as a line from a ring to a marker; what leaves the grid is cut off.
    log_levels: the levels grow by a constant factor (for heights above 0) instead of a constant distance.
    what: the name of the height in the alt text. ValueError if the shapes do not fit.
    """
    xs, ys, z = (np.asarray(values, dtype=float) for values in (x, y, height))
    if xs.ndim != 1 or ys.ndim != 1 or z.shape != (len(ys), len(xs)):
        raise ValueError(
            f"height has the shape {z.shape}, x {xs.shape} and y {ys.shape}; expected (len(y), len(x))"
        )
    finite = z[np.isfinite(z)]
    if finite.size == 0 or finite.min() == finite.max() or (log_levels and finite.max() <= 0):
        raise ValueError("there is nothing to draw: the heights are all equal, not finite, or not above 0")
    plot = new_axes(ax, 5.4, 3.9)
    if log_levels:
        lowest = max(finite[finite > 0].min(), finite.max() * 1e-6)
        levels = np.geomspace(lowest, finite.max(), num_levels)
    else:
        levels = np.linspace(finite.min(), finite.max(), num_levels)
    plot.contourf(xs, ys, z, levels=levels, cmap="Blues_r", alpha=0.45, extend="both")
    plot.contour(xs, ys, z, levels=levels, colors="#6080A0", linewidths=0.5)
    row, column = np.unravel_index(np.nanargmin(np.where(np.isfinite(z), z, np.nan)), z.shape)
    told = [f"lowest {number(z[row, column])} at {number(xs[column])}, {number(ys[row])}"]
    handles = []
    for index, (name, points) in enumerate((paths or {}).items()):
        track = np.asarray(points, dtype=float)
        if track.ndim != 2 or track.shape[1] != 2 or len(track) == 0:
            raise ValueError(f"the path {name!r} has the shape {track.shape}; expected (steps, 2)")
        colour = PALETTE[(index + 1) % len(PALETTE)]
        look: dict[str, Any] = {"color": colour, "linestyle": DASHES[index % len(DASHES)], "linewidth": 1.7}
        handles += plot.plot(track[:, 0], track[:, 1], marker=MARKERS[index % len(MARKERS)], ms=3.5, **look)
        plot.plot(*track[0], marker="o", ms=9, mfc="none", mec="black", ls="none")
        plot.plot(*track[-1], marker=MARKERS[index % len(MARKERS)], ms=9, mec="black", color=colour)
        first, last = track[0], track[-1]
        told.append(
            f"{name} goes in {len(track) - 1} steps from {number(first[0])}, {number(first[1])} "
            f"to {number(last[0])}, {number(last[1])}"
        )
    plot.set_xlim(xs.min(), xs.max())
    plot.set_ylim(ys.min(), ys.max())
    label_axes(plot, xlabel, ylabel, title)
    plot.grid(visible=False)
    if handles:
        add_legend(plot, handles, drawable_names(list(paths or {})), outside=len(handles) > 4)
    about = f"Contours of the {what} over {xlabel} and {ylabel}: {'; '.join(told)}."
    describe(plot, about, title=title)
    return plot
