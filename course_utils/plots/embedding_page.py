"""A page to walk through a map of features: the picture behind a point appears on hover, tap or arrow key.

One HTML file that asks nobody for anything: data, pictures, style and script lie inside. Readable on light
and dark screens; the figures beside the map stand in a table, and every point can be reached by keyboard.
"""

from __future__ import annotations

import base64
import html
import json
import math
import re
from collections.abc import Mapping, Sequence, Sized
from importlib import resources

import numpy as np
from PIL import Image

from course_utils.plots.presenting import encode
from course_utils.plots.style import PALETTE

_MOST_POINTS = 20_000
_SIDE = 40  # thumbnails are shrunk to this many pixels
# Path of a mark around (0, 0), and its name for the legend; with the colour it tells classes apart.
_SHAPES = {
    "circle": "M-1,0A1,1 0 1 0 1,0A1,1 0 1 0 -1,0Z",
    "square": "M-.9-.9H.9V.9H-.9Z",
    "triangle": "M0-1.2L1.1.8H-1.1Z",
    "diamond": "M0-1.3L1.1 0L0 1.3L-1.1 0Z",
    "triangle down": "M0 1.2L1.1-.8H-1.1Z",
    "cross": "M-.4-1.2H.4V-.4H1.2V.4H.4V1.2H-.4V.4H-1.2V-.4H-.4Z",
}


def embedding_page(
    points: np.ndarray,
    labels: Sequence[int] | np.ndarray,
    *,
    class_names: Sequence[str],
    title: str,
    pictures: np.ndarray | None = None,
    ids: Sequence[str] | None = None,
    predicted: Sequence[int] | np.ndarray | None = None,
    facts: Mapping[str, object] | None = None,
) -> str:
    """Return the page as HTML.

    points: (N, 2). labels: (N,) class indices. pictures: uint8 (N, H, W) or (N, H, W, 3), shown beside the
    map. ids: the names of the pictures. predicted: (N,); wrong ones get a ring. facts: figures by name, such
    as the kNN accuracy, shown in a table. ValueError for different lengths, or more than 20,000 points.
    """
    table, members = np.asarray(points, dtype=float), np.asarray(labels)
    _check(table, members, class_names, {"pictures": pictures, "ids": ids, "predicted": predicted})
    low, high = table.min(axis=0), table.max(axis=0)
    scaled = (table - low) / np.maximum(high - low, 1e-12).max()  # one scale for both axes, in [0, 1]
    scaled += (1 - scaled.max(axis=0)) / 2
    sprite, columns, side = ("", 1, 0) if pictures is None else _sprite(np.asarray(pictures))
    data = {
        "x": np.round(1000 * scaled[:, 0], 1).tolist(),
        "y": np.round(1000 * (1 - scaled[:, 1]), 1).tolist(),
        "label": members.tolist(),
        "predicted": None if predicted is None else np.asarray(predicted).tolist(),
        "ids": None if ids is None else [str(name) for name in ids],
        "names": [str(name) for name in class_names],
        "shapes": list(_SHAPES.values()),
        "sprite": {"columns": columns, "side": side},
    }
    parts = {
        "TITLE": html.escape(title),
        "ALT": html.escape(_alt(members, facts)),
        "FACTS": _facts(facts or {}),
        "LEGEND": _legend(members, class_names),
        "COLOURS": "".join(f".c{i}{{color:{_colour(i)}}}" for i in range(len(PALETTE))),
        "SPRITE": f"background-image:url({sprite})" if sprite else "display:none",
        "SHEET": f"--columns:{columns};--rows:{max(1, math.ceil(len(table) / columns))}",
        "WRONG": "A mark with an edge is classified wrongly." if predicted is not None else "",
        "DATA": json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"),
    }
    text = resources.files("course_utils.plots").joinpath("embedding_page.html").read_text(encoding="utf-8")
    # In one pass, so that a title that looks like a place to fill in stays a title.
    return re.sub(r"%%([A-Z]+)%%", lambda match: parts[match[1]], text)


def _check(
    points: np.ndarray, labels: np.ndarray, class_names: Sequence[str], others: Mapping[str, Sized | None]
) -> None:
    if points.ndim != 2 or points.shape[1] != 2 or not 1 <= len(points) <= _MOST_POINTS:
        raise ValueError(
            f"points have the shape {points.shape}; expected (N, 2) with 1 to {_MOST_POINTS:,} points"
        )
    if not np.isfinite(points).all():
        raise ValueError("some points are not finite; leave them out")
    lengths = {"labels": len(labels)} | {
        name: len(value) for name, value in others.items() if value is not None
    }
    wrong = [f"{count} {name}" for name, count in lengths.items() if count != len(points)]
    if wrong:
        raise ValueError(f"got {len(points)} points, but {' and '.join(wrong)}")
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() >= len(class_names):
        raise ValueError(
            f"labels go from {labels.min()} to {labels.max()}; there are {len(class_names)} class names"
        )


def _sprite(pictures: np.ndarray) -> tuple[str, int, int]:
    """All pictures on one sheet, as a data address; how many stand in a row, and the side of each."""
    if (
        pictures.dtype != np.uint8
        or pictures.ndim not in (3, 4)
        or (pictures.ndim == 4 and pictures.shape[3] != 3)
    ):
        raise ValueError(
            f"pictures are {pictures.dtype} {pictures.shape}; expected uint8 (N, H, W) or (N, H, W, 3)"
        )
    side = min(_SIDE, max(pictures.shape[1:3]))
    columns = math.ceil(math.sqrt(len(pictures)))
    rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * side, rows * side), "white")
    for index, picture in enumerate(pictures):
        small = Image.fromarray(picture).convert("RGB")
        small.thumbnail((side, side), Image.Resampling.BOX)
        row, column = divmod(index, columns)
        sheet.paste(
            small, (column * side + (side - small.width) // 2, row * side + (side - small.height) // 2)
        )
    content, mime = encode(sheet)
    return f"data:{mime};base64,{base64.b64encode(content).decode('ascii')}", columns, side


def _legend(labels: np.ndarray, class_names: Sequence[str]) -> str:
    counts = np.bincount(labels, minlength=len(class_names))
    shapes = list(_SHAPES.values())
    items = []
    for index, name in enumerate(class_names):
        if counts[index]:
            mark = (
                f'<svg class="c{index % len(PALETTE)}" viewBox="-1.5 -1.5 3 3" aria-hidden="true">'
                f'<path d="{shapes[index % len(shapes)]}"/></svg>'
            )
            items.append(
                f'<button type="button" data-class="{index}" aria-pressed="true">{mark}'
                f"{html.escape(str(name))} <small>{counts[index]}</small></button>"
            )
    return "".join(items)


def _facts(facts: Mapping[str, object]) -> str:
    if not facts:
        return ""
    rows = "".join(
        f'<tr><th scope="row">{html.escape(str(name))}</th><td>{html.escape(_text(value))}</td></tr>'
        for name, value in facts.items()
    )
    return f"<table><tbody>{rows}</tbody></table>"


def _alt(labels: np.ndarray, facts: Mapping[str, object] | None) -> str:
    told = "".join(f" {name}: {_text(value)}." for name, value in (facts or {}).items())
    return f"Map of {len(labels)} pictures in {len(np.unique(labels))} classes, a point for each.{told}"


def _text(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _colour(index: int) -> str:
    """A colour of the palette; black follows the text, which is white on dark screens."""
    return "currentcolor" if PALETTE[index] == "#000000" else PALETTE[index]
