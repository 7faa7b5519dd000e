"""Points that stand for pictures: maps of features side by side (`embedding_page`: one to walk in)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes

from course_utils.plots.style import MARKERS, PALETTE, describe, drawable, drawable_names, styled


@styled
def embedding_panels(
    panels: Mapping[str, np.ndarray],
    labels: Sequence[int] | np.ndarray | None = None,
    *,
    class_names: Sequence[str] | None = None,
    columns: int = 3,
    size: float = 2.9,
    title: str = "",
    axes: Sequence[Axes] | None = None,
) -> tuple[Axes, ...]:
    """A square panel for each named set of `points` (N, 2); the same labels (N,) hold in all of them.

    Classes differ in colour and marker, and stand by name at the median of their points. Axes have no
    numbers, since the coordinates of such maps mean nothing. labels None: points of one kind. size: of a
    panel in inches. Returns the panels. ValueError for different numbers of points, and for points that are
    not finite.
    """
    if not panels:
        raise ValueError("there is no panel to draw")
    tables = {name: _checked(points, name) for name, points in panels.items()}
    count = {len(points) for points in tables.values()}
    members = np.zeros(max(count), dtype=int) if labels is None else np.asarray(labels)
    if count != {len(members)}:
        raise ValueError(
            f"the panels have {sorted(count)} points and there are {len(members)} labels; expected one number"
        )
    present = np.unique(members)
    names = (
        [str(label) for label in range(int(present.max()) + 1)] if class_names is None else list(class_names)
    )
    if int(present.max()) >= len(names) or int(present.min()) < 0:
        raise ValueError(
            f"labels reach from {present.min()} to {present.max()}, there are {len(names)} class names"
        )
    drawn = tuple(axes) if axes is not None else _new_panels(len(tables), columns, size)
    if len(drawn) != len(tables):
        raise ValueError(f"got {len(drawn)} axes for {len(tables)} panels; give as many")
    shown = drawable_names(names, max_length=14)
    for ax, (name, points) in zip(drawn, tables.items(), strict=True):
        _draw(ax, points, members, present, shown, with_names=labels is not None)
        ax.set_title(drawable(name), fontsize=11)
        describe(ax, _about(name, points, members, present, names, labelled=labels is not None))
    if title:
        figure = drawn[0].get_figure(root=True)
        figure.suptitle(drawable(title))  # type: ignore[union-attr]
        describe(figure, f"{title}.")  # type: ignore[arg-type]
    return drawn


def _new_panels(count: int, columns: int, size: float) -> tuple[Axes, ...]:
    columns = max(1, min(columns, count))
    rows = -(-count // columns)
    shape = (columns * size, rows * (size + 0.25))
    grid = plt.subplots(rows, columns, figsize=shape, layout="constrained", squeeze=False)[1]
    for ax in grid.ravel()[count:]:
        ax.set_axis_off()
    return tuple(grid.ravel()[:count])


def _draw(
    ax: Axes,
    points: np.ndarray,
    members: np.ndarray,
    present: np.ndarray,
    names: list[str],
    *,
    with_names: bool,
) -> None:
    dot = float(np.clip(4500 / len(points), 4, 26))
    for label in present.tolist():
        inside = members == label
        look: dict[str, Any] = {
            "color": PALETTE[label % len(PALETTE)],
            "marker": MARKERS[(label + label // 8) % len(MARKERS)],
        }
        ax.scatter(
            points[inside, 0], points[inside, 1], s=dot, alpha=0.7, linewidths=0, rasterized=True, **look
        )
    halo = [patheffects.withStroke(linewidth=2.5, foreground="white")]
    for label in present.tolist() if with_names else []:
        x, y = np.median(points[members == label], axis=0)
        ax.text(x, y, names[label], ha="center", va="center", weight="bold", fontsize=10, path_effects=halo)
    ax.set_xticks([])
    ax.set_yticks([])
    ax.spines[["top", "right"]].set_visible(True)
    ax.set_box_aspect(1)
    ax.margins(0.06)


def _about(
    name: str,
    points: np.ndarray,
    members: np.ndarray,
    present: np.ndarray,
    names: list[str],
    *,
    labelled: bool,
) -> str:
    """A panel in words: how many points, and which classes lie nearest to each other and farthest apart."""
    text = f"{name}: {len(points)} points"
    if not labelled or len(present) < 3:
        return f"{text}."
    centres = np.array([np.median(points[members == label], axis=0) for label in present])
    apart = np.sqrt(((centres[:, None] - centres[None]) ** 2).sum(axis=2))
    first, second = np.triu_indices(len(present), 1)
    near, far = int(apart[first, second].argmin()), int(apart[first, second].argmax())
    pair = [f"{names[present[first[i]]]} and {names[present[second[i]]]}" for i in (near, far)]
    spread = np.mean(
        [
            np.sqrt(((points[members == c] - m) ** 2).sum(1)).mean()
            for c, m in zip(present, centres, strict=True)
        ]
    )
    ratio = float(apart[first, second].mean() / spread) if spread > 0 else float("inf")
    return (
        f"{text} in {len(present)} classes; class centres are on average {ratio:.1f} times as far apart as "
        f"points are from their centre; nearest are {pair[0]}, farthest {pair[1]}."
    )


def _checked(points: np.ndarray, name: str) -> np.ndarray:
    table = np.asarray(points, dtype=float)
    if table.ndim != 2 or table.shape[1] != 2 or len(table) == 0 or not np.isfinite(table).all():
        raise ValueError(f"{name!r} has points of the shape {table.shape}; expected finite numbers (N, 2)")
    return table
