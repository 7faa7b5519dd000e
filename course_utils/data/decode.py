"""From the bytes of a picture file to upright 8-bit pixels, or one error with the file and the reason.

Pillow alone lets much pass: a PNG whose checksum is wrong, a JPEG whose second half is zeros, a picture that
lies on its side, a 16-bit picture clipped to white, a transparent picture on black. And what it does find, it
reports without the path. `damage` knows the containers; this file knows pixels. Source: PNG (ISO 15948), JPEG
(ITU T.81), Exif 2.32 tag 0x0112. See `notebooks/01_mean_std`.
"""

import functools
import io
import os
from pathlib import Path
from typing import BinaryIO

import numpy as np
from PIL import Image

from course_utils.data.damage import check_container, describe_content
from course_utils.data.fast_png import decode_plain_png
from course_utils.params import check_choice

MAX_MEGAPIXELS = 64.0
_MAX_IN_MEMORY = 16 << 20  # larger files are read piece by piece
_FORMATS = (
    "JPEG",
    "PNG",
    "BMP",
    "DIB",
    "GIF",
    "WEBP",
    "TIFF",
    "PPM",
    "AVIF",
)  # no EPS: it starts Ghostscript
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class ImageError(ValueError):
    """A picture that cannot be read. The text names the file; `path` and `reason` hold its two halves."""

    def __init__(self, message: str, path: str = "", reason: str = "") -> None:
        super().__init__(message)
        self.path, self.reason = path, reason


def decode(
    path: str | Path, *, mode: str = "RGB", deep: bool = False, max_megapixels: float = MAX_MEGAPIXELS
) -> Image.Image:
    """Give the upright picture in `mode` "RGB" or "L".

    With `deep`, pictures of more than 8 bits come as mode "F" (one channel, [0, 1]) at their full depth.
    Raises ImageError for everything that is not a whole, decodable picture of at most `max_megapixels`
    million pixels; the size is judged from the header, before anything is decoded.
    """
    check_choice("mode", mode, ("RGB", "L"))
    try:
        with Path(path).open("rb", buffering=0) as raw:
            small = os.fstat(raw.fileno()).st_size <= _MAX_IN_MEMORY
            if not small:
                return _decode_stream(io.BufferedReader(raw), mode, deep, max_megapixels)
            data = raw.read()  # three passes (header, checksums, pixels): one read instead of some twenty
            plain = decode_plain_png(data, max_megapixels=max_megapixels)
            if plain is not None:
                return Image.fromarray(plain) if mode == "RGB" else Image.fromarray(plain).convert(mode)
            return _decode_stream(io.BytesIO(data), mode, deep, max_megapixels)
    except MemoryError:
        raise
    except Exception as error:  # decoders fed with damaged bytes raise almost any type
        reason = _reason(path, error)
        raise ImageError(f"{path}: {reason}", str(path), reason) from error


def _decode_stream(stream: BinaryIO, mode: str, deep: bool, max_megapixels: float) -> Image.Image:
    with Image.open(stream, formats=_formats()) as image:
        megapixels = image.width * image.height / 1e6
        if megapixels > max_megapixels:
            raise ValueError(_too_large(image.size, max_megapixels))
        position = stream.tell()
        check_container(stream, image.format)
        stream.seek(position)
        image.load()
        values = _deep_values(image)
        if values is None:
            picture = _eight_bit(image, mode)
        elif deep:
            picture = Image.fromarray(values.astype(np.float32))
        else:
            grey = Image.fromarray(np.rint(values * 255).astype(np.uint8))
            picture = grey.convert(mode)
        turn = _UPRIGHT.get(_orientation(image))
    return picture if turn is None else picture.transpose(turn)


def _eight_bit(image: Image.Image, mode: str) -> Image.Image:
    """Give the first frame in `mode`; what is transparent lies over white."""
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        rgba = (image.convert("LA") if image.mode == "La" else image).convert("RGBA")
        white = Image.new("RGB", image.size, "white")
        white.paste(rgba, mask=rgba.getchannel("A"))
        image = white
    elif image.mode not in ("1", "L", "RGB"):
        image = image.convert("RGB")
    return image if image.mode == mode else image.convert(mode)


def _deep_values(image: Image.Image) -> np.ndarray | None:
    """Give the (H, W) float64 values in [0, 1] of a picture of 16 bits, 32 bits or floats, else None.

    Integers count from 0 to 65535 (what 16-bit PNG, PGM and TIFF hold). Floats count from 0 to 1, or from 0
    to 255 when one of them is above 1. What lies outside has no agreed meaning and is an error.
    """
    if image.mode not in ("I", "F") and not image.mode.startswith("I;16"):
        return None
    values = np.asarray(image).astype(np.float64)  # (H, W)
    low, high = float(values.min()), float(values.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("holds values that are not finite")
    if image.mode == "F":
        top = 1.0 if high <= 1 else 255.0
    else:
        top = 65535.0
        if "transparency" in image.info:
            values[values == image.info["transparency"]] = top
    if low < 0 or high > top:
        raise ValueError(
            f"holds values from {low:g} to {high:g}; expected 0 to {top:g}; save it with 8 or 16 bits"
        )
    return values / top


def _orientation(image: Image.Image) -> int:
    """Give the Exif orientation, 1 to 8; 1 where there is none or the Exif block is unreadable."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:  # a broken Exif block does not damage the pixels; Pillow raises many types here
        return 1


@functools.cache
def _formats() -> tuple[str, ...]:
    Image.init()
    return tuple(name for name in _FORMATS if name in Image.OPEN)


def _too_large(size: tuple[int, int], max_megapixels: float) -> str:
    return (
        f"is {size[0]} x {size[1]} pixels, more than the limit of {max_megapixels:g} megapixels. "
        "If the picture is meant to be so large, make it smaller first or raise max_megapixels"
    )


def _reason(path: str | Path, error: Exception) -> str:
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"is far too large ({error})"
    if isinstance(error, FileNotFoundError):
        if Path(path).is_symlink():
            return f"is a broken link, to {Path(path).readlink()}"
        return "does not exist"
    if isinstance(error, IsADirectoryError):
        return "is a folder, not a picture"
    if isinstance(error, PermissionError):
        return "cannot be opened: permission denied"
    try:
        content = describe_content(Path(path))
    except OSError as reading:
        return f"cannot be read: {reading.strerror or reading}"
    if content is not None:
        return content
    text = str(error) or type(error).__name__
    if "cannot identify image file" in text:
        return "is not a picture, or its first bytes are damaged"
    if "truncated" in text.lower():
        return f"is cut off ({text})"
    return text if isinstance(error, ValueError) else f"is damaged ({text})"
