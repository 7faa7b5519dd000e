"""A copy of a picture with the answer drawn on it: class and probability on a strip below.

With Pillow alone, since matplotlib takes longer to import than a small network takes to answer. A name that
Pillow's own font cannot draw (Chinese, say) is drawn with an installed font that can, else without those
letters.
"""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from course_utils import files
from course_utils.data.decode import decode

_INK, _PAPER, _BAR = (255, 255, 255), (24, 24, 24), (0, 114, 178)
_SMALLEST, _LARGEST = 240, 1600  # pixels of the longer side: a tiny picture is enlarged, a huge one reduced
_MARGIN = 6
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


def annotate(path: str | Path, ranked: Sequence[tuple[str, float]], out: str | Path) -> Image.Image:
    """Write a copy of the picture at `path` to `out` (.png, .jpg ...), with names and probabilities below it.

    `ranked` holds (name, probability in [0, 1]), the best first; it is drawn larger. Gives the drawn picture.
    Raises ImageError for a picture that cannot be read and ValueError for an ending that cannot be written.
    """
    out = Path(out)
    kinds = Image.registered_extensions()
    kind = kinds.get(out.suffix.lower())
    if kind not in Image.SAVE:
        raise ValueError(f"{out} does not end like a picture; use .png or .jpg")
    picture = _scaled(decode(path, mode="RGB"))
    size = max(14, picture.width // 22)
    height = 2 * _MARGIN + sum(_line_height(size, place) for place in range(len(ranked)))
    drawn = Image.new("RGB", (picture.width, picture.height + height), _PAPER)
    drawn.paste(picture, (0, 0))
    pen = ImageDraw.Draw(drawn)
    top = picture.height + _MARGIN
    for place, (name, chance) in enumerate(ranked):
        step = _line_height(size, place)
        bottom = top + step - 2
        pen.rectangle((0, top, max(2, round(chance * (picture.width - 1))), bottom), fill=_BAR)
        percent = f"{100 * chance:.1f} %"
        font = _font(step - 6, name + percent)
        if font is None:  # no installed font has these letters: rather none than empty boxes
            name, font = _latin(name), ImageFont.load_default(step - 6)
        room = picture.width - 3 * _MARGIN - pen.textlength(percent, font=font)
        pen.text((_MARGIN, top), _shortened(name, font, pen, room), font=font, fill=_INK)
        pen.text((picture.width - _MARGIN, top), percent, font=font, fill=_INK, anchor="ra")
        top += step
    with files.atomic_path(out) as partial:
        drawn.save(partial, format=kind)
    return drawn


def _scaled(picture: Image.Image) -> Image.Image:
    longer = max(picture.size)
    wanted = min(max(longer, _SMALLEST), _LARGEST)
    if wanted == longer:
        return picture
    size = tuple(max(1, round(side * wanted / longer)) for side in picture.size)
    how = Image.Resampling.NEAREST if wanted > longer else Image.Resampling.LANCZOS
    return picture.resize((size[0], size[1]), how)


def _line_height(size: int, place: int) -> int:
    return size + 8 if place == 0 else round(size * 0.8) + 6


def _font(size: int, text: str) -> Font | None:
    """Give Pillow's own font; for more than plain Latin the first that has every letter, or None."""
    if text.isascii():
        return ImageFont.load_default(size)
    from matplotlib import font_manager

    from course_utils.plots.style import font_families

    for family in font_families():
        path = font_manager.findfont(font_manager.FontProperties(family=[family]))
        known = font_manager.get_font(path).get_charmap()
        if all(ord(letter) in known for letter in text):
            return ImageFont.truetype(path, size)
    return None


def _latin(name: str) -> str:
    return "".join(letter for letter in name if letter.isascii()).strip() or "(another script)"


def _shortened(name: str, font: Font, pen: ImageDraw.ImageDraw, room: float) -> str:
    """Give `name`, cut with dots where it is wider than `room` pixels."""
    if pen.textlength(name, font=font) <= room:
        return name
    while name and pen.textlength(f"{name}...", font=font) > room:
        name = name[:-1]
    return f"{name.rstrip()}..."
