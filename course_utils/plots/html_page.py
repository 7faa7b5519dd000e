"""A page that needs nothing else: head, style, tables and thumbnails in one HTML file.

Readable on light and dark screens. Nothing on it is wider than the window: wide tables scroll in a box of
their own, which the keyboard reaches too.
"""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence

import numpy as np
from PIL import Image

from course_utils.plots.presenting import encode

STYLE = """
:root { color-scheme: light dark; --text: #1a1a1a; --page: #ffffff; --quiet: #5a5a5a; --line: #c8c8c8;
  --bad: #a40000; --warn: #8a4b00; }
@media (prefers-color-scheme: dark) {
  :root { --text: #e8e8e8; --page: #16181b; --quiet: #a9adb3; --line: #45494f;
    --bad: #ff9d96; --warn: #ffc069; }
}
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: var(--text); background: var(--page); overflow-wrap: break-word; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; }
caption { text-align: left; color: var(--quiet); }
th, td { text-align: left; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; }
th.number, td.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number { white-space: nowrap; }
.breaks td { overflow-wrap: anywhere; }
li { margin: .4rem 0; } .level { font-weight: 600; }
.error { color: var(--bad); } .warning { color: var(--warn); }
.quiet { color: var(--quiet); }
img { max-width: 100%; height: auto; background: white; border-radius: 4px; }
.pictures { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-size: .85rem; overflow-wrap: anywhere; }
.pictures img { display: block; width: 9rem; max-width: 100%; height: 9rem; object-fit: contain;
  image-rendering: auto; }
.pictures img.small { image-rendering: pixelated; }
code { overflow-wrap: anywhere; }
"""


def page(title: str, parts: Iterable[str]) -> str:
    """The whole page: `parts` are pieces of HTML, `title` is a text."""
    shown = html.escape(title)
    body = "\n".join(parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<link rel="icon" href="data:,">\n'  # else a browser asks the server for /favicon.ico
        f"<title>{shown}</title>\n<style>{STYLE}</style>\n</head>\n"
        f"<body>\n<main>\n<h1>{shown}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[object]],
    *,
    label: str,
    digits: int = 3,
    break_words: bool = False,
) -> str:
    """A table in a box that scrolls when it is too wide; `label` says what it is to a screen reader.

    Whole numbers are written with thousands marks, others with `digits` after the point; texts are escaped.
    break_words: for long texts without spaces, such as commands and paths.
    """
    lines = [list(row) for row in rows]
    numeric = [
        bool(lines) and all(isinstance(row[i], int | float) for row in lines) for i in range(len(header))
    ]
    head = "".join(
        f'<th scope="col"{_class(is_number)}>{html.escape(name)}</th>'
        for name, is_number in zip(header, numeric, strict=True)
    )
    look = ' class="breaks"' if break_words else ""
    body = "\n".join(f"<tr>{''.join(_cell(value, digits) for value in row)}</tr>" for row in lines)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{html.escape(label)}">\n'
        f"<table{look}>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n</div>"
    )


def thumbnail(pixels: np.ndarray, alt: str, *, longest: int = 288) -> str:
    """A picture uint8 (H, W), (H, W, 1) or (H, W, 3) as one `<img>`, its longer side at most `longest`."""
    array = pixels[:, :, 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    picture = Image.fromarray(array).convert("RGB")
    small = max(picture.size) < 96
    picture.thumbnail((longest, longest))
    data, mime = encode(picture)
    source = f"data:{mime};base64,{base64.b64encode(data).decode('ascii')}"
    look = ' class="small"' if small else ""
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img{look} src="{source}" alt="{html.escape(alt)}" {size}>'


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _cell(value: object, digits: int) -> str:
    if isinstance(value, float):
        return f'<td class="number">{value:.{digits}f}</td>'
    if isinstance(value, int) and not isinstance(value, bool):
        return f'<td class="number">{value:,}</td>'
    return f"<td>{html.escape(str(value))}</td>"
