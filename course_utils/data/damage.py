"""Damage that a decoder does not notice, and what a file that is no picture really is.

PNG carries a CRC-32 with each chunk that Pillow skips for the pixel data; JPEG has an end marker that a file
filled up with zeros lacks. Both are checked here, without decoding. A changed byte in the middle of a JPEG,
BMP or GIF leaves no trace: these formats carry no checksum. Source: ISO 15948 (5.3, PNG chunks), ITU T.81
(annex B, JPEG markers).
"""

import zlib
from pathlib import Path
from typing import BinaryIO

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_BLOCK = 1 << 20


def check_container(stream: BinaryIO, file_format: str | None) -> None:
    """Raise ValueError when the file's own structure is damaged. The stream's position is not kept."""
    stream.seek(0)
    if file_format == "PNG":
        _check_png(stream)
    elif file_format in ("JPEG", "MPO"):
        _check_jpeg(stream.read())


def _check_png(stream: BinaryIO) -> None:
    """Walk the chunks up to IEND and compare each CRC-32."""
    stream.seek(len(_PNG_SIGNATURE))
    while True:
        head = stream.read(8)
        if len(head) < 8:
            raise ValueError("is cut off (no end chunk)")
        remaining, kind = int.from_bytes(head[:4], "big"), head[4:]
        crc = zlib.crc32(kind)
        while remaining:
            block = stream.read(min(remaining, _BLOCK))
            if not block:
                raise ValueError(f"is cut off (in chunk {_printable(kind)})")
            crc = zlib.crc32(block, crc)
            remaining -= len(block)
        stored = stream.read(4)
        if len(stored) < 4:
            raise ValueError(f"is cut off (in chunk {_printable(kind)})")
        if int.from_bytes(stored, "big") != crc:
            raise ValueError(f"is damaged (wrong checksum in chunk {_printable(kind)})")
        if kind == b"IEND":
            return


def _check_jpeg(data: bytes) -> None:
    """Find the first scan, then an end-of-image marker behind it (inside a scan, 0xFF is followed by 0)."""
    position = 2
    while position + 4 <= len(data):
        if data[position] != 0xFF:
            raise ValueError("is damaged (broken JPEG segment)")
        marker = data[position + 1]
        if marker == 0xFF:  # fill byte
            position += 1
        elif marker == 0x01 or 0xD0 <= marker <= 0xD8:  # markers without a length
            position += 2
        elif marker == 0xDA:  # start of scan
            if data.rfind(b"\xff\xd9") <= position:
                raise ValueError("is cut off (no end-of-image marker)")
            return
        else:
            position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    raise ValueError("is cut off (no picture data)")


def describe_content(path: Path) -> str | None:
    """Say what a file that does not decode is, where its first bytes tell; else None."""
    with path.open("rb") as stream:
        head = stream.read(512)
    if not head:
        return "is empty (0 bytes)"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype html", b"<html", b"<head", b"<?xml")):
        return "is a web page, not a picture (a failed download?)"
    if text.startswith(b"version https://git-lfs"):
        return "is a Git LFS pointer, not the picture itself (run `git lfs pull`)"
    if head.startswith(b"\x00\x05\x16\x07"):
        return "is an AppleDouble file (macOS metadata), not a picture"
    if head.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        return "is an archive, not a picture"
    if head[4:12] in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftypheif"):
        return "is a HEIC picture, which the reader does not know; save it as JPEG or PNG first"
    if not any(head):
        return "starts with zeros only, not with a picture (an interrupted copy?)"
    return None


def _printable(kind: bytes) -> str:
    return kind.decode("ascii", "replace")
