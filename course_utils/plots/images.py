"""Grids of pictures: samples of a data set, augmentations, predictions right and wrong."""

from __future__ import annotations

import math
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from course_utils.plots.style import BLUE, ORANGE, describe, drawable, drawable_names, new_axes, styled

_GAP = 0.07  # between pictures, in picture widths
_LINE_INCHES = 0.15  # height of a line of a picture's title


@styled
def image_grid(
    images: Sequence[np.ndarray],
    titles: Sequence[object] | None = None,
    *,
    columns: int = 8,
    title: str = "",
    size: float = 1.25,
    ax: Axes | None = None,
) -> Axes:
    """Pictures in rows, each under its title if `titles` is given.

    images: (H, W), (H, W, 1), (H, W, 3) or (H, W, 4) each, uint8 or float in [0, 1]; sizes may differ,
    nothing is distorted. size: width of one picture in inches. ValueError for other shapes or values, and
    for a wrong number of titles.
    """
    pictures = [_picture(image, index) for index, image in enumerate(images)]
    if titles is not None and len(titles) != len(pictures):
        raise ValueError(f"got {len(titles)} titles for {len(pictures)} images; expected one for each")
    texts = [
        _fit(drawable(str(text), f"image {i}"), size)
        for i, text in enumerate(() if titles is None else titles)
    ]
    grid = _draw(pictures, texts, columns, title, size, ax)
    heights, widths = {p.shape[0] for p in pictures}, {p.shape[1] for p in pictures}
    shape = f"{widths.pop()} x {heights.pop()} pixels" if len(heights) == len(widths) == 1 else "mixed sizes"
    named = f": {_listed([str(text) for text in titles])}" if titles is not None else ""
    count = "1 picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
    describe(grid, f"Grid of {count}, {shape}{named}.", title=title)
    return grid


@styled
def predictions_grid(
    images: Sequence[np.ndarray],
    true: Sequence[int | str] | None,
    predicted: Sequence[int | str],
    confidence: Sequence[float] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    columns: int = 6,
    title: str = "",
    size: float = 1.5,
    ax: Axes | None = None,
) -> Axes:
    """Pictures with the predicted class and, where it is wrong, the true class.

    Right and wrong differ by tick or cross, by a thin or a thick dashed frame, and by colour. true: class
    indices or names, None where the truth is not known. predicted: likewise. class_names: turns indices into
    names. confidence: in [0, 1]. ValueError for different lengths.
    """
    pictures = [_picture(image, index) for index, image in enumerate(images)]
    for name, values in (("true", true), ("predicted", predicted), ("confidence", confidence)):
        if values is not None and len(values) != len(pictures):
            raise ValueError(
                f"got {len(values)} values for {name!r} and {len(pictures)} images; expected one for each"
            )
    shown = drawable_names(class_names) if class_names is not None else None
    right = None if true is None else [bool(a == b) for a, b in zip(true, predicted, strict=True)]
    texts = []
    for index, guess in enumerate(predicted):
        percent = f" {100 * float(confidence[index]):.0f} %" if confidence is not None else ""
        mark = "" if right is None else "✓ " if right[index] else "✗ "
        lines = _fit(drawable(f"{mark}{_class_name(guess, shown)}{percent}"), size)
        if true is not None and right is not None and not right[index]:
            lines += "\n" + _fit(drawable(f"is {_class_name(true[index], shown)}"), size)
        texts.append(lines)
    grid = _draw(pictures, texts, columns, title, size, ax)
    for index, is_right in enumerate(right or []):
        _frame(grid.get_images()[index].get_extent(), grid, is_right)
    describe(grid, _about_predictions(true, predicted, confidence, class_names), title=title)
    return grid


def _about_predictions(
    true: Sequence[int | str] | None,
    predicted: Sequence[int | str],
    confidence: Sequence[float] | None,
    class_names: Sequence[str] | None,
) -> str:
    text = f"Grid of {len(predicted)} pictures with predictions"
    if true is None:
        return f"{text}: {_listed([_class_name(guess, class_names) for guess in predicted])}."
    wrong = [i for i, (a, b) in enumerate(zip(true, predicted, strict=True)) if a != b]
    errors = []
    for i in wrong:
        sure = f" ({100 * float(confidence[i]):.0f} %)" if confidence is not None else ""
        errors.append(
            f"{_class_name(true[i], class_names)} taken for {_class_name(predicted[i], class_names)}{sure}"
        )
    return f"{text}, {len(predicted) - len(wrong)} right, {len(wrong)} wrong" + (
        f": {_listed(errors)}." if errors else "."
    )


def _draw(
    pictures: list[np.ndarray], texts: list[str], columns: int, title: str, size: float, ax: Axes | None
) -> Axes:
    """All pictures on one pair of axes, where a picture's cell is 1 wide; the first row is at the top."""
    if not pictures:
        raise ValueError("there is no image to draw")
    columns = max(1, min(columns, len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    lines = max((text.count("\n") + 1 for text in texts), default=0)
    head = (0.05 + _LINE_INCHES * lines) / size if lines else 0.0
    tallest = min(2.0, max(p.shape[0] / p.shape[1] for p in pictures))
    cell = tallest + head + _GAP
    grid = new_axes(ax, columns * size * (1 + _GAP), rows * cell * size + (0.35 if title else 0))
    for index, picture in enumerate(pictures):
        left, top = (index % columns) * (1 + _GAP), (index // columns) * cell + head
        width = min(1.0, tallest * picture.shape[1] / picture.shape[0])
        height = width * picture.shape[0] / picture.shape[1]
        x, y = left + (1 - width) / 2, top + (tallest - height) / 2
        options: dict[str, Any] = {"cmap": "gray", "vmin": 0, "vmax": 255} if picture.ndim == 2 else {}
        way = "nearest" if max(picture.shape[:2]) <= 64 else "auto"
        grid.imshow(picture, extent=(x, x + width, y + height, y), interpolation=way, **options)
        if texts:
            grid.text(left + 0.5, top - 0.03, texts[index], ha="center", va="bottom", fontsize=9)
    grid.set_xlim(-_GAP / 2, columns * (1 + _GAP) - _GAP / 2)
    grid.set_ylim(rows * cell - _GAP / 2, -_GAP / 2)
    grid.set_axis_off()
    if title:
        grid.set_title(drawable(title))
    return grid


def _frame(extent: Sequence[float], grid: Axes, is_right: bool) -> None:
    x0, x1, y0, y1 = extent
    look: dict[str, Any] = (
        {"edgecolor": BLUE, "linewidth": 1.5} if is_right else {"edgecolor": ORANGE, "linewidth": 3.0}
    )
    line = "-" if is_right else (0, (3, 1))
    grid.add_patch(Rectangle((x0, y1), x1 - x0, y0 - y1, fill=False, linestyle=line, **look))


def _picture(image: np.ndarray, index: int) -> np.ndarray:
    """One image as uint8, (H, W) or (H, W, 3 or 4); ValueError that names its place if it is none."""
    array = np.asarray(image)
    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] not in (3, 4)) or array.size == 0:
        hint = ". Channels come last here: image.permute(1, 2, 0)." if array.ndim == 3 else ""
        raise ValueError(f"image {index} has the shape {array.shape}; expected (H, W) or (H, W, 3){hint}")
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    low, high = float(array.min()), float(array.max())
    if array.dtype.kind != "f" or not (low >= -1e-6 and high <= 1 + 1e-6):
        raise ValueError(
            f"image {index} is {array.dtype} with values from {low:.4g} to {high:.4g}; expected uint8, or "
            "float in [0, 1]. Undo the normalisation first."
        )
    return np.round(np.clip(array, 0, 1) * 255).astype(np.uint8)


def _fit(text: str, size: float) -> str:
    """Break a title to the width of its picture: two lines at most, then an ellipsis."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text) > len(text) / 3
    width = max(6, round(size * (7 if wide else 13)))
    return "\n".join(textwrap.wrap(text, width, max_lines=2, placeholder="…"))


def _class_name(value: int | str, names: Sequence[str] | None) -> str:
    if isinstance(value, str):
        return value
    return names[int(value)] if names is not None else f"class {int(value)}"


def _listed(texts: list[str], limit: int = 12) -> str:
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more
