"""The quick way to plain PNGs gives Pillow's pixels, leaves all others alone, and hides no damage."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.data import fast_png
from course_utils.data.fast_png import decode_plain_png
from course_utils.data.images import ImageError, read_image

pytest.importorskip("pyspng", reason="the optional package pyspng is not installed")
RNG = np.random.default_rng(0)


def smooth(height: int, width: int) -> np.ndarray:
    """Give a picture with gradients and edges, so that the encoder uses all row filters."""
    rows, columns = np.mgrid[:height, :width]
    waves = [rows * 3 + columns, (rows * columns) // 7, rows**2 // 9 - columns * 2]
    pixels = np.stack(waves, axis=2) + RNG.integers(0, 9, (height, width, 3))
    return (pixels % 256).astype(np.uint8)


def png(pixels: np.ndarray, **options: object) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **options)
    return stream.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def by_hand(
    pixels: np.ndarray, row_filter: int, *, kept: int | None = None, flipped: int | None = None
) -> bytes:
    """Write a PNG whose rows all use filter 0 or 1, every checksum right.

    With `kept` it holds only so many bytes of the filtered rows; `flipped` is a byte of the compressed data
    to spoil.
    """
    height, width = pixels.shape[:2]
    rows = pixels.astype(np.uint8).copy()
    if row_filter == 1:
        rows[:, 1:] -= pixels[:, :-1]
    flat = b"".join(bytes([row_filter]) + row.tobytes() for row in rows)[:kept]
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    packed = bytearray(zlib.compress(flat))
    if flipped is not None:
        packed[flipped] ^= 0x55
    body = chunk(b"IHDR", header) + chunk(b"IDAT", bytes(packed)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 1), (33, 20), (64, 150)])
def test_pixels_are_those_that_were_saved(size):
    pixels = smooth(*size)
    for options in ({}, {"optimize": True}, {"compress_level": 0}, {"icc_profile": b"x" * 100}):
        np.testing.assert_array_equal(decode_plain_png(png(pixels, **options), max_megapixels=1), pixels)
    for row_filter in (0, 1):
        np.testing.assert_array_equal(decode_plain_png(by_hand(pixels, row_filter), max_megapixels=1), pixels)


def test_what_is_not_plain_is_left_alone():
    pixels = smooth(6, 8)
    exif = Image.Exif()
    exif[0x0112] = 6
    interlaced = bytearray(png(pixels))
    interlaced[28] = 1
    others = [
        png(pixels[:, :, 0]),
        png(np.dstack([pixels, pixels[:, :, :1]])),
        png(pixels, exif=exif),
        png(pixels, transparency=(1, 2, 3)),
        bytes(interlaced),
        b"",
        b"\xff\xd8\xff",
    ]
    assert [decode_plain_png(data, max_megapixels=1) for data in others] == [None] * len(others)
    assert decode_plain_png(png(pixels), max_megapixels=47e-6) is None, "larger than allowed"
    assert decode_plain_png(png(pixels), max_megapixels=48e-6) is not None


def test_without_the_package_nothing_changes(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(png(smooth(20, 30)))
    with_it = [read_image(path), read_image(path, mode="L")]
    monkeypatch.setattr(fast_png, "_pyspng", lambda: None)
    for pixels, mode in zip(with_it, ("RGB", "L"), strict=True):
        np.testing.assert_array_equal(read_image(path, mode=mode), pixels)


def test_damage_is_judged_as_without_the_package(tmp_path: Path, monkeypatch):
    whole = png(smooth(20, 30))
    wrong_bytes = [bytearray(whole) for _ in range(60)]
    for number, data in enumerate(wrong_bytes):
        data[8 + number * (len(whole) - 9) // 60] ^= 1 + number
    cut = [whole[: len(whole) * part // 20] for part in range(1, 20)]
    rows_missing = [by_hand(smooth(9, 9), 0, kept=kept) for kept in (0, 1, 100, 9 * 28 - 1)]
    spoilt = [by_hand(smooth(9, 9), 1, flipped=place) for place in [*range(0, 60, 3), -4, -3, -2, -1]]
    paths = []
    for number, data in enumerate([*map(bytes, wrong_bytes), *cut, *rows_missing, *spoilt, whole + b"rest"]):
        paths.append(tmp_path / f"{number}.png")
        paths[-1].write_bytes(data)

    def outcome(path: Path) -> object:
        try:
            return read_image(path).tolist()
        except ImageError as error:
            return error.reason

    quick = [outcome(path) for path in paths]
    monkeypatch.setattr(fast_png, "_pyspng", lambda: None)
    assert quick == [outcome(path) for path in paths]
    assert sum(isinstance(result, str) for result in quick) > 60, "most of them are refused"
    assert not isinstance(quick[-1], str), "bytes behind the end do no harm"
