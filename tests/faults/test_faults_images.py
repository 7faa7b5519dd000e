"""Bad pictures, made here: each is found, named with its path, and nothing is changed.

F1 and F3 of the fault list; F4 and F5 in test_faults_reading.
"""

import functools
import random
import struct
import subprocess
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageFile
from planted import encoded

from course_utils.data import decode
from course_utils.data.images import ImageError, list_images, read_image, scan
from course_utils.data.stats import channel_statistics


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png_header(width: int, height: int, bits: int = 8) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))


def flip(data: bytes, position: int) -> bytes:
    return data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :]


def damage(kind: str, rng: random.Random) -> tuple[bytes, str, str]:
    """Give the bytes of a damaged file, its ending, and what the message must say."""
    png, jpeg = encoded("PNG", rng.randrange(999)), encoded("JPEG", rng.randrange(999), quality=90)
    body = png.index(b"IDAT") + 4
    if kind == "truncated png":
        return png[: rng.randrange(body, len(png) - 1)], ".png", "cut off"
    if kind == "truncated jpeg":
        return jpeg[: rng.randrange(len(jpeg) // 2, len(jpeg) - 1)], ".jpg", "cut off"
    if kind == "empty":
        return b"", rng.choice([".png", ".jpg", ".gif"]), "empty"
    if kind == "web page":
        return b"<!DOCTYPE html><html><body>404</body></html>", ".jpg", "web page"
    if kind == "AppleDouble":
        return b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        " + bytes(60), ".jpg", "AppleDouble"
    if kind == "bad crc":
        length = int.from_bytes(png[body - 8 : body - 4], "big")
        return flip(png, body + length + rng.randrange(4)), ".png", "wrong checksum in chunk IDAT"
    if kind == "zeros at the end":
        half = rng.randrange(len(jpeg) // 2, len(jpeg) * 3 // 4)
        return jpeg[:half] + bytes(len(jpeg) - half), ".jpg", "no end-of-image marker"
    assert kind == "not a picture"
    return rng.randbytes(500), ".png", "is not a picture"


KINDS = (
    "truncated png", "truncated jpeg", "empty", "web page", "AppleDouble", "bad crc", "zeros at the end",
    "not a picture",
)  # fmt: skip


def test_F1_24_faults_of_8_kinds_among_200_good_files(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    rng = random.Random(0)
    good_formats = [("PNG", ".png"), ("JPEG", ".jpg"), ("GIF", ".gif"), ("WEBP", ".webp"), ("BMP", ".BMP")]
    for number in range(200):
        file_format, ending = good_formats[number % 5]
        (tmp_path / f"good {number}{ending}").write_bytes(encoded(file_format, number))
    planted = {}
    for number in range(24):
        data, ending, words = damage(KINDS[number % 8], rng)
        path = tmp_path / f"picture {number}{ending}"
        path.write_bytes(data)
        planted[path] = words
    nothing_changes()

    report = scan(list_images(tmp_path))
    assert {path for path, _ in report.bad} == set(planted)  # 24 found
    assert len(report.good) == 200  # and no false alarm
    for path, reason in report.bad:
        assert planted[path] in reason, (path, reason)
        assert f"{path}: {reason}" in report.message(limit=24)
        with pytest.raises(ImageError) as caught:
            read_image(path)
        assert str(caught.value) == f"{path}: {reason}"
    with pytest.raises(ValueError, match="24 of 224 pictures cannot be read"):
        report.raise_if_bad()
    with pytest.raises(ValueError, match="24 of 224 pictures cannot be read"):
        channel_statistics(list_images(tmp_path))
    left_out = channel_statistics(list_images(tmp_path), on_bad="leave_out")
    assert left_out.num_images == 200 and len(left_out.left_out) == 24


@pytest.mark.filterwarnings("ignore:Corrupt EXIF", "ignore:Truncated File Read")
@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "WEBP", "BMP", "TIFF", "PPM"])
def test_F1_a_file_cut_off_anywhere_is_found(tmp_path: Path, file_format: str) -> None:
    data = encoded(file_format)
    path = tmp_path / "picture.png"
    for length in sorted({*range(0, len(data), max(1, len(data) // 60)), len(data) - 2, len(data) - 1}):
        path.write_bytes(data[:length])
        with pytest.raises(ImageError, match=r"picture\.png: "):
            read_image(path)
    path.write_bytes(data)
    read_image(path)


def test_F1_a_progressive_jpeg_cut_off_anywhere_is_found(tmp_path: Path) -> None:
    data = encoded("JPEG", progressive=True, quality=90)
    for length in range(10, len(data) - 1, 97):
        (tmp_path / "x.jpg").write_bytes(data[:length])
        with pytest.raises(ImageError):
            read_image(tmp_path / "x.jpg")


def test_F1_every_flipped_bit_of_a_png_is_found(tmp_path: Path) -> None:
    data = encoded("PNG")
    path = tmp_path / "x.png"
    for position in range(8, len(data), 11):
        path.write_bytes(flip(data, position))
        with pytest.raises(ImageError):
            read_image(path)


def test_F1_jpegs_with_bytes_after_the_end_or_with_a_thumbnail_are_whole(tmp_path: Path) -> None:
    plain = encoded("JPEG")
    exif = b"Exif\0\0" + bytes(20) + encoded("JPEG", 3)  # holds an end marker of its own
    with_thumbnail = plain[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + plain[2:]
    for number, data in enumerate((plain + b"trailing bytes", plain + bytes(1000), with_thumbnail)):
        (tmp_path / f"{number}.jpg").write_bytes(data)
    (tmp_path / "extra.png").write_bytes(encoded("PNG") + b"more")
    scan(list_images(tmp_path)).raise_if_bad()
    (tmp_path / "cut.jpg").write_bytes(with_thumbnail[: len(exif) + len(plain) * 4 // 5] + bytes(2000))
    assert [path.name for path, _ in scan(list_images(tmp_path)).bad] == ["cut.jpg"]


def test_F1_others_that_are_no_pictures_are_named_for_what_they_are(
    tmp_path: Path, nothing_changes: Callable[..., None]
) -> None:
    cases = {
        "lfs.png": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "Git LFS pointer"),
        "zip.png": (b"PK\x03\x04" + bytes(50), "an archive"),
        "heic.jpg": (b"\0\0\0\x18ftypheic" + bytes(50), "HEIC"),
        "zeros.jpg": (bytes(5000), "zeros only"),
        "eps.png": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    }
    for name, (data, _) in cases.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "folder.png").mkdir()
    nothing_changes()
    for name, (_, words) in cases.items():
        with pytest.raises(ImageError, match=words) as caught:
            read_image(tmp_path / name)
        assert str(tmp_path / name) in str(caught.value)
    with pytest.raises(ImageError, match="is a folder"):
        read_image(tmp_path / "folder.png")
    with pytest.raises(ImageError, match="does not exist"):
        read_image(tmp_path / "nowhere.png")


def test_F1_large_files_are_checked_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = {file_format: encoded(file_format) for file_format in ("PNG", "JPEG", "GIF", "TIFF")}
    for file_format, whole in data.items():
        (tmp_path / f"{file_format}.png").write_bytes(whole)
        (tmp_path / f"cut {file_format}.png").write_bytes(whole[: len(whole) * 3 // 4])
    small = scan(list_images(tmp_path))
    monkeypatch.setattr(decode, "_MAX_IN_MEMORY", 100)  # from now on read piece by piece
    large = scan(list_images(tmp_path))
    assert len(large.bad) == 4 and large == small


def test_F1_the_setting_that_hides_truncation_does_not_hide_it_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)  # other libraries set it, for everybody
    for file_format in ("PNG", "JPEG"):
        data = encoded(file_format)
        (tmp_path / "x.png").write_bytes(data[: len(data) * 2 // 3])
        with pytest.raises(ImageError, match="cut off"):
            read_image(tmp_path / "x.png")


@functools.cache
def bomb() -> bytes:
    """10,000 x 10,000 pixels of one bit in some 12 KB, well-formed."""
    data = zlib.compress(bytes(1_251 * 10_000), 9)
    return png_header(10_000, 10_000, bits=1) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.filterwarnings("ignore:Image size")
def test_F3_a_bomb_is_refused_before_anything_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(bomb())
    assert len(bomb()) < 13_000
    decode._formats()  # the plugins are loaded once
    monkeypatch.setattr(Image.Image, "load", lambda _self: pytest.fail("decoded"))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _self: pytest.fail("decoded"))
    monkeypatch.setattr(decode, "check_container", lambda *_: pytest.fail("read whole"))
    seconds = []
    for _ in range(5):  # another process may take the core meanwhile
        start = time.perf_counter()
        with pytest.raises(ImageError, match=r"bomb\.png: is 10000 x 10000 pixels, more than the limit"):
            read_image(path, max_megapixels=99)
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 0.1
    assert path.read_bytes() == bomb()
    # With Pillow's own limit passed as well:
    path.write_bytes(png_header(60_000, 60_000) + chunk(b"IEND", b""))
    with pytest.raises(ImageError, match=r"bomb\.png: is far too large"):
        read_image(path)


def test_F3_a_bomb_takes_less_than_50_mb(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    (tmp_path / "bomb.png").write_bytes(bomb())
    (tmp_path / "good.png").write_bytes(encoded("PNG"))
    program = (
        "import resource, sys; from course_utils.data.images import scan\n"
        "unit = 1024 if sys.platform == 'darwin' else 1\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit\n"
        "scan([sys.argv[2]]); before = peak(); report = scan([sys.argv[1]])\n"
        "print(len(report.bad), peak() - before)"
    )
    arguments = [str(tmp_path / name) for name in ("bomb.png", "good.png")]
    command = [sys.executable, "-c", program, *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    num_bad, kilobytes = map(int, result.stdout.split())
    assert num_bad == 1 and kilobytes < 50_000
    assert result.stderr == ""  # no warning of Pillow's either
