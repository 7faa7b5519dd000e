"""Messages on a pipe: eight bytes of length, then the message."""

import struct
from typing import BinaryIO

from course_utils.classroom.values import MAX_BYTES

_LENGTH = struct.Struct(">Q")


def write_message(stream: BinaryIO, message: bytes) -> None:
    """Write one message; the stream is unbuffered, and a pipe may take it in parts."""
    rest = memoryview(_LENGTH.pack(len(message)) + message)
    while rest:
        rest = rest[stream.write(rest) or 0 :]


def read_message(stream: BinaryIO) -> bytes | None:
    """Give the next message, or None at the end; ValueError for one that is cut off or too long."""
    head = _read(stream, _LENGTH.size)
    if not head:
        return None
    if len(head) < _LENGTH.size:
        raise ValueError("a message was cut off")
    (length,) = _LENGTH.unpack(head)
    if length > MAX_BYTES:
        raise ValueError(f"a message of {length:,} bytes; at most {MAX_BYTES:,}")
    message = _read(stream, length)
    if len(message) < length:
        raise ValueError("a message was cut off")
    return message


def _read(stream: BinaryIO, length: int) -> bytes:
    parts, missing = [], length
    while missing:
        part = stream.read(min(missing, 1 << 20))
        if not part:
            break
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)
