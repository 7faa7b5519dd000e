"""Show a figure in a notebook with alt text, as a small picture.

Measured with JupyterLab 4.6 and nbconvert 7.17: neither JupyterLab nor nbconvert's `lab` template reads the
`alt` of an `image/png` output's metadata (only the `classic` template does). Both keep the `alt` of an
`<img>` in an HTML output, also in a notebook that is not trusted. So a figure is shown as such an `<img>`,
with the picture inside.
"""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image

from course_utils.plots.style import alt_text

CSS_PIXELS_PER_INCH = 96
_DPI_STEPS = (144, 110, 84)  # the first that stays below `most_bytes` is taken
_ENOUGH_BYTES = 80_000


@dataclass(frozen=True)
class Presented:
    """A finished picture with its description. As the last line of a cell it shows itself.

    data, mime: the picture's bytes and kind (image/png, or image/jpeg for figures made of photographs).
    alt: what a reader who does not see it is told. width: in CSS pixels, as displayed.
    """

    data: bytes
    mime: str
    alt: str
    width: int

    @property
    def png(self) -> bytes:
        """The picture as the bytes of a PNG file, whatever it is displayed as; for `files.write_bytes`."""
        return (
            self.data
            if self.mime == "image/png"
            else _bytes(Image.open(io.BytesIO(self.data)), format="PNG", optimize=True)
        )

    def html(self) -> str:
        """The picture as one self-contained `<img>` element."""
        source = f"data:{self.mime};base64,{base64.b64encode(self.data).decode('ascii')}"
        style = "max-width: 100%; height: auto; background: white;"
        return f'<img src="{source}" alt="{html.escape(self.alt)}" width="{self.width}" style="{style}">'

    def _repr_mimebundle_(
        self, include: object = None, exclude: object = None
    ) -> tuple[dict[str, str], dict[str, str]]:
        return {"text/html": self.html(), "text/plain": repr(self)}, {"alt": self.alt}

    def __repr__(self) -> str:
        return f"Figure: {self.alt}"


def present(
    target: Axes | Figure | Iterable[Axes],
    *,
    alt: str | None = None,
    width: int | None = None,
    most_bytes: int = _ENOUGH_BYTES,
) -> Presented:
    """Draw the figure of `target`, close it, and return the picture with its alt text.

    alt: replaces the text that the plot functions made from their numbers. width: in CSS pixels, by default
    the figure's own size at 96 to the inch. most_bytes: the picture is drawn more coarsely, down to 84 dots
    to the inch, until it is no larger; lower it on pages with many photographs. ValueError if there is no
    alt text at all, or `target` holds no axes.
    """
    figure = _figure_of(target)
    text = alt if alt is not None else alt_text(figure)
    if not text.strip():
        raise ValueError('this figure has no description; pass one: present(ax, alt="...")')
    most_likely = float(_DPI_STEPS[0])
    for dpi in _DPI_STEPS:
        if dpi > most_likely and dpi != _DPI_STEPS[-1]:
            continue  # bytes grow about as the number of dots does: this one will not be small enough
        pixels = _draw(figure, dpi)
        figure.set_layout_engine("none")  # where everything stands is found once, not for each resolution
        data, mime = encode(pixels)
        if len(data) <= most_bytes:
            break
        most_likely = dpi * sqrt(1.2 * most_bytes / len(data))
    plt.close(figure)
    shown = width if width is not None else round(pixels.width * CSS_PIXELS_PER_INCH / dpi)
    return Presented(data, mime, text, shown)


def encode(picture: Image.Image) -> tuple[bytes, str]:
    """The smallest faithful form of an RGB picture: (bytes, mime type).

    Drawn figures have few colours: 256 of them do, in a third of the bytes. Photographs do not fit into 256
    colours; they become JPEG of high quality, unless PNG is small anyway.
    """
    if picture.getcolors(1 << 15) is not None:  # else a photograph, for which trying costs a second
        palette = picture.quantize(256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        true = np.asarray(picture, dtype=np.int16)
        error = np.abs(true - np.asarray(palette.convert("RGB"), dtype=np.int16))
        if error.mean() < 0.5 and np.percentile(error, 99.5) <= 12:
            return _bytes(palette, format="PNG", optimize=True), "image/png"
    jpeg = _bytes(picture, format="JPEG", quality=82, subsampling=1, optimize=True)
    png = _bytes(picture, format="PNG")
    if len(jpeg) < 0.6 * len(png):
        return jpeg, "image/jpeg"
    return _bytes(picture, format="PNG", optimize=True), "image/png"


def _bytes(picture: Image.Image, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, **options)
    return buffer.getvalue()


def _draw(figure: Figure, dpi: int) -> Image.Image:
    buffer = io.BytesIO()
    quick = {"compress_level": 1}  # it is encoded again; this one is only the way into Pillow
    figure.savefig(buffer, format="png", dpi=dpi, bbox_inches="tight", facecolor="white", pil_kwargs=quick)
    buffer.seek(0)
    return Image.open(buffer).convert("RGB")


def _figure_of(target: Axes | Figure | Iterable[Axes]) -> Figure:
    if isinstance(target, Figure):
        return target
    axes = [target] if isinstance(target, Axes) else list(np.ravel(np.asarray(target, dtype=object)))
    figures = {ax.get_figure(root=True) for ax in axes if isinstance(ax, Axes)}
    if len(figures) != 1:
        raise ValueError(f"got {target!r:.100}; expected axes of one figure, or a figure")
    figure = figures.pop()
    assert isinstance(figure, Figure)
    return figure
