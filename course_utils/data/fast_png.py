"""Plain PNGs in half the time: 8-bit colour without extras, decoded by libspng.

Most of a data set's pictures are of this one kind, and Pillow spends half its time on undoing the row filters
byte by byte, which libspng does with vector instructions. Whatever is not plain (grey, palette, transparency,
16 bits, interlaced, animated, turned by Exif), what is damaged, and every file where the package pyspng is
not installed is left to `decode`, so that pictures are judged in one place. Source: PNG (ISO 15948).
`benchmarks/channel_statistics.py` measures it.
"""

import functools
import io
from typing import TYPE_CHECKING

import numpy as np

from course_utils.data.damage import check_container

if TYPE_CHECKING:
    from types import ModuleType

_START = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"  # width and height follow, four bytes each
_PLAIN = b"\x08\x02\x00\x00\x00"  # 8 bits, RGB, the one compression, the one filter method, not interlaced
_EXTRAS = (
    b"tRNS",
    b"eXIf",
    b"acTL",
    b"Raw profile type exif",
)  # found by chance in pixels: harmless, only slower


def decode_plain_png(data: bytes, *, max_megapixels: float) -> np.ndarray | None:
    """Give the uint8 pixels (H, W, 3) of a whole, plain PNG, or None: then the general way has to decide."""
    if not data.startswith(_START) or data[24:29] != _PLAIN or any(extra in data for extra in _EXTRAS):
        return None
    width, height = (int.from_bytes(data[start : start + 4], "big") for start in (16, 20))
    if width * height / 1e6 > max_megapixels:
        return None
    pyspng = _pyspng()
    if pyspng is None:
        return None
    try:
        check_container(io.BytesIO(data), "PNG")
        pixels: np.ndarray = pyspng.load(data)
    except (ValueError, RuntimeError):  # damaged: the general way says how
        return None
    return pixels if pixels.shape == (height, width, 3) and pixels.dtype == np.uint8 else None


@functools.cache  # looking for a package that is missing takes longer than decoding
def _pyspng() -> "ModuleType | None":
    try:
        import pyspng
    except ImportError:
        return None
    return pyspng
