"""Maps over pictures: where a decision comes from. The numbers come from `evaluation.explain`."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes

from course_utils.plots.images import image_grid
from course_utils.plots.style import describe

_GAP_PIXELS = 0.06  # between a picture and its map, as a share of the picture's width
_STRENGTH = 0.75  # how much of the picture the highest value hides


def overlay(image: np.ndarray, values: np.ndarray, *, limit: float | None = None) -> np.ndarray:
    """Return the picture in grey with `values` (H, W) laid over it in colour: uint8 (H, W, 3).

    image: (H, W), (H, W, 1) or (H, W, 3), uint8 or float in [0, 1]. Values that are all at least 0 go from
    the bare picture to yellow; with negative ones, orange is positive and purple negative. limit: the
    magnitude that gets the full colour, by default the largest there is. ValueError for different sizes.
    """
    grey = _grey(image)
    strength = np.asarray(values, dtype=float)
    if strength.shape != grey.shape or not np.isfinite(strength).all():
        raise ValueError(
            f"got a picture of {grey.shape} and values of {strength.shape}; expected finite ones of one size"
        )
    highest = float(np.abs(strength).max()) if limit is None else float(limit)
    share = np.clip(strength / highest, -1, 1) if highest > 0 else np.zeros_like(strength)
    if share.min() < 0:
        colours = matplotlib.colormaps["PuOr_r"](0.5 + share / 2)[..., :3]
    else:
        colours = matplotlib.colormaps["inferno"](0.25 + 0.75 * share)[..., :3]
    weight = _STRENGTH * np.abs(share)[..., None]  # (H, W, 1)
    mixed = (1 - weight) * np.repeat(grey[..., None], 3, axis=2) + weight * colours
    return np.round(255 * np.clip(mixed, 0, 1)).astype(np.uint8)


def heatmap_grid(
    images: Sequence[np.ndarray],
    maps: Sequence[np.ndarray],
    titles: Sequence[object] | None = None,
    *,
    columns: int = 4,
    title: str = "",
    size: float = 2.0,
    limit: float | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Each picture beside itself with its map laid over it.

    images: as in `overlay`, one size each with its map. size: width of a pair in inches. limit: a common
    scale for all maps, in their unit; by default each map has its own. ValueError for different numbers.
    """
    if len(images) != len(maps) or len(images) == 0:
        raise ValueError(
            f"got {len(images)} images and {len(maps)} maps; expected as many of each, at least one"
        )
    pairs = []
    for image, values in zip(images, maps, strict=True):
        plain = np.round(255 * _colour(image)).astype(np.uint8)  # (H, W, 3)
        gap = np.full((plain.shape[0], max(1, round(_GAP_PIXELS * plain.shape[1])), 3), 255, dtype=np.uint8)
        pairs.append(np.concatenate([plain, gap, overlay(image, values, limit=limit)], axis=1))
    grid = image_grid(pairs, titles, columns=columns, title=title, size=size, ax=ax)
    told = [
        _about(str(titles[i]) if titles is not None else f"picture {i}", maps[i]) for i in range(len(maps))
    ]
    more = f" and {len(told) - 12} more" if len(told) > 12 else ""
    about = f"{len(pairs)} pictures, each beside its heat map: {'; '.join(told[:12])}{more}."
    describe(grid, about, title=title)
    return grid


def _about(name: str, values: np.ndarray) -> str:
    """Where the highest value of a map lies, in words."""
    strength = np.asarray(values, dtype=float)
    if not strength.any():
        return f"{name}: nothing"
    row, column = np.unravel_index(int(np.argmax(strength)), strength.shape)
    vertical = ("top", "middle", "bottom")[min(2, 3 * int(row) // strength.shape[0])]
    horizontal = ("left", "centre", "right")[min(2, 3 * int(column) // strength.shape[1])]
    return f"{name}: strongest at the {vertical} {horizontal}"


def _grey(image: np.ndarray) -> np.ndarray:
    """The brightness of a picture, (H, W) in [0, 1] (weights of ITU-R BT.601)."""
    return _colour(image) @ np.array([0.299, 0.587, 0.114])


def _colour(image: np.ndarray) -> np.ndarray:
    """A picture as float (H, W, 3) in [0, 1]."""
    array = np.asarray(image)
    array = array[..., None] if array.ndim == 2 else array
    if array.ndim != 3 or array.shape[2] not in (1, 3) or array.size == 0:
        raise ValueError(f"a picture has the shape {array.shape}; expected (H, W), (H, W, 1) or (H, W, 3)")
    if array.dtype == np.uint8:
        scaled = array / 255
    elif array.dtype.kind == "f" and array.min() >= -1e-6 and array.max() <= 1 + 1e-6:
        scaled = np.clip(array, 0, 1).astype(float)
    else:
        raise ValueError(
            f"a picture is {array.dtype} from {array.min()} to {array.max()}; expected uint8, or [0, 1]"
        )
    return np.repeat(scaled, 3, axis=2) if scaled.shape[2] == 1 else scaled
