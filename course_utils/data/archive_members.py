"""The entries of a zip or tar, in order, each with what speaks against taking it.

The working part of `archives`: it reads headers and opens entries, and never writes.
"""

import bz2
import functools
import gzip
import lzma
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

BLOCK = 1 << 20
_MAX_TAR_HEADER = 16 << 20  # tarfile reads a header whole; a hostile one may claim gigabytes
_OPENERS: tuple[tuple[bytes, Callable[[Path], Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)


@dataclass(frozen=True)
class Member:
    """One entry. `open()` gives its bytes; `refusal` says why such an entry is not taken, or is empty."""

    name: str
    size: int
    is_folder: bool
    refusal: str
    open: Callable[[], Any]


@contextmanager
def members(archive: Path) -> Iterator[Iterator[Member]]:
    """Yield the entries in the order of the archive, each to be read before the next is asked for.

    ValueError naming the archive for one that is damaged or of no known kind.
    """
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield (_zip_member(opened, info) for info in opened.infolist())
        return
    with archive.open("rb") as stream:
        head = stream.read(6)
    opener = next((opener for magic, opener in _OPENERS if head.startswith(magic)), None)
    try:
        with opener(archive) if opener else archive.open("rb") as unpacked:
            limited = cast(IO[bytes], _LimitedReads(archive, unpacked))
            with tarfile.open(fileobj=limited, mode="r:") as tar:
                yield _tar_members(archive, tar)
    except tarfile.ReadError as error:
        raise ValueError(f"{archive} is no zip or tar archive, or is damaged ({error})") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{archive} is damaged ({error}). Fetch it again.") from error  # bz2's only type


def _zip_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> Member:
    mode = stat.S_IFMT(info.external_attr >> 16)
    refusal = ""
    if stat.S_ISLNK(mode):
        refusal = "is a symbolic link"
    elif mode not in (0, stat.S_IFREG, stat.S_IFDIR):
        refusal = "is a device or another special file"
    elif info.flag_bits & 0x1:
        refusal = "is encrypted; unpack the archive yourself with its password"
    # ZipInfo cuts a name at a NUL and turns separators; the original shows what was meant.
    name = info.orig_filename
    return Member(name, info.file_size, info.is_dir(), refusal, functools.partial(opened.open, info))


def _tar_members(archive: Path, tar: tarfile.TarFile) -> Iterator[Member]:
    for info in tar:
        refusal = ""
        if info.issym() or info.islnk():
            refusal = f"is a {'symbolic' if info.issym() else 'hard'} link to {info.linkname!r}"
        elif not (info.isreg() or info.isdir()):
            refusal = "is a device or another special file"
        elif info.size < 0:
            refusal = "has a negative size"
        yield Member(info.name, info.size, info.isdir(), refusal, functools.partial(tar.extractfile, info))
    # tarfile takes a header that it cannot read for the end; the true end is a block of zeros. Reading on to
    # the end of the stream lets gzip, bz2 and xz compare their checksums.
    stream = cast(IO[bytes], tar.fileobj)
    stream.seek(tar.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise ValueError(
            f"{archive} is cut off or damaged after {len(tar.getmembers())} entries. Fetch it again."
        )
    num_padding = 0
    while block := stream.read(BLOCK):
        num_padding += len(block)
        if num_padding > _MAX_TAR_HEADER:
            raise ValueError(f"{archive} goes on long after its last entry; it is refused")


class _LimitedReads:
    """A stream that refuses to hand out more at once than any honest header holds."""

    def __init__(self, archive: Path, stream: IO[bytes]) -> None:
        self._archive, self._stream = archive, stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _MAX_TAR_HEADER:
            raise ValueError(
                f"{self._archive}: a header of {size:,} bytes is refused; no honest archive has one"
            )
        return self._stream.read(size)
