"""Unpack a zip or tar that somebody else made, so that nothing of it can land outside the target folder.

`zipfile` and `tarfile` trust what the archive says: where a file goes, what a link points to, how large it
is. Here every name is checked first, only plain files and folders are taken, real bytes are counted while
they are written, and everything goes into a folder beside the target that is renamed at the end: a refused,
damaged or killed unpacking leaves nothing. Source: PKWARE APPNOTE 6.3, POSIX.1-2001 ustar and pax; the
attacks are those of Snyk's "zip slip" and of D. Fifield, "A better zip bomb" (2019).
"""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, cast

from course_utils import files
from course_utils.data.member_names import NameRegister
from course_utils.data.progress import progress_bar

MAX_BYTES = 50 * 10**9
MAX_FILES = 1_000_000
_BLOCK = 1 << 20
_MAX_TAR_HEADER = 16 << 20  # tarfile reads a header whole; a hostile one may claim gigabytes
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, tarfile.TarError, NotImplementedError,
    gzip.BadGzipFile,
)  # fmt: skip
_OPENERS: tuple[tuple[bytes, Callable[[Path], Any]], ...] = (
    (b"\x1f\x8b", gzip.open),
    (b"BZh", bz2.open),
    (b"\xfd7zXZ\x00", lzma.open),
)


@dataclass(frozen=True)
class _Member:
    name: str
    size: int
    is_folder: bool
    refusal: str  # why an entry of this kind is not taken, or ""
    handle: Any  # what the archive needs to open it


def safe_extract(
    archive: str | Path,
    target: str | Path,
    *,
    max_bytes: int = MAX_BYTES,
    max_files: int = MAX_FILES,
    progress: bool = False,
    on_file: Callable[[int, int], None] | None = None,
) -> Path:
    """Unpack a zip, tar, tar.gz, tar.bz2 or tar.xz into the folder `target` and give it back.

    `target` must not exist or be empty. `on_file(files, bytes)` is called after each file. Raises ValueError
    for an archive that is damaged, encrypted, holds more than `max_files` files or `max_bytes` bytes (counted
    as they are written, whatever the headers say), an absolute path or one with '..', a link, a device, or
    two names that are one on some systems; OSError when the disk has too little room. Nothing is left then.
    """
    archive, target = Path(archive), Path(target)
    if not archive.is_file():
        raise ValueError(f"{archive} is no file; expected a zip or tar archive.")
    try:
        num_files, num_bytes, on_disk = _inspect(archive, max_bytes, max_files)
        files.require_space(target, on_disk)
        with (
            files.atomic_folder(target) as partial,
            progress_bar(num_bytes, "unpacking", shown=progress, unit="B") as bar,
        ):
            written = _Counter(archive, max_bytes, bar.update)
            _write_all(archive, partial, written, on_file)
            if written.files != num_files:
                raise ValueError(f"{archive} holds {num_files} files, but {written.files} were unpacked.")
    except _DAMAGE as error:
        raise ValueError(f"{archive} is damaged or cut off ({error}). Fetch it again.") from error
    return target


def unpack_once(archive: str | Path, target: str | Path, *, progress: bool = False) -> Path:
    """Give `target` with the content of `archive`: unpacked now, or complete from an earlier call."""
    if files.is_ours(target):
        return Path(target)
    return safe_extract(archive, target, progress=progress)


@dataclass
class _Counter:
    """Counts what is really written and stops at the limit."""

    archive: Path
    max_bytes: int
    report: Callable[[int], object]
    files: int = 0
    bytes: int = 0

    def add(self, num_bytes: int) -> None:
        self.bytes += num_bytes
        if self.bytes > self.max_bytes:
            raise ValueError(_too_much(self.archive, f"{self.max_bytes:,} bytes", "max_bytes"))
        self.report(num_bytes)


def _inspect(archive: Path, max_bytes: int, max_files: int) -> tuple[int, int, int]:
    """Check every entry before anything is written; give files, bytes, and bytes on disk in 4 KiB blocks."""
    names = NameRegister(str(archive))
    num_files = num_bytes = on_disk = 0
    with _members(archive) as members:
        for member in members:
            if member.refusal:
                raise ValueError(
                    f"{archive}: the entry {member.name!r} {member.refusal}; nothing was unpacked."
                )
            relative = names.add(member.name, is_folder=member.is_folder)
            on_disk += 4096
            num_entries = len(names)
            if num_entries > max_files:
                raise ValueError(_too_much(archive, f"{max_files:,} files", "max_files"))
            if member.is_folder or _is_marker(relative):
                continue
            num_files += 1
            num_bytes += member.size
            on_disk += member.size
            if num_bytes > max_bytes:
                raise ValueError(_too_much(archive, f"{max_bytes:,} bytes", "max_bytes"))
    return num_files, num_bytes, on_disk


def _write_all(
    archive: Path, partial: Path, written: _Counter, on_file: Callable[[int, int], None] | None
) -> None:
    names = NameRegister(str(archive))
    with _members(archive) as members:
        for member in members:
            relative = names.add(member.name, is_folder=member.is_folder)
            if _is_marker(relative):
                continue
            path = partial / relative
            if member.is_folder:
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with member.handle() as source, path.open("xb") as sink:
                while block := source.read(_BLOCK):
                    written.add(len(block))
                    sink.write(block)
            written.files += 1
            if on_file is not None:
                on_file(written.files, written.bytes)


@contextmanager
def _members(archive: Path) -> Iterator[Iterator[_Member]]:
    """Yield the entries in the order of the archive, each to be read before the next is asked for."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            yield (_zip_member(opened, info) for info in opened.infolist())
        return
    with archive.open("rb") as stream:
        head = stream.read(6)
    opener = next((opener for magic, opener in _OPENERS if head.startswith(magic)), None)
    try:
        with opener(archive) if opener else archive.open("rb") as unpacked:
            limited = cast(IO[bytes], _LimitedReads(unpacked))
            with tarfile.open(fileobj=limited, mode="r:") as tar:
                yield _tar_members(archive, tar)
    except tarfile.ReadError as error:
        raise ValueError(f"{archive} is no zip or tar archive, or is damaged ({error}).") from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise ValueError(f"{archive} is damaged ({error}). Fetch it again.") from error  # bz2's only type


def _zip_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo) -> _Member:
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
    return _Member(name, info.file_size, info.is_dir(), refusal, lambda: opened.open(info))


def _tar_members(archive: Path, tar: tarfile.TarFile) -> Iterator[_Member]:
    for info in tar:
        refusal = ""
        if info.issym() or info.islnk():
            refusal = f"is a {'symbolic' if info.issym() else 'hard'} link to {info.linkname!r}"
        elif not (info.isreg() or info.isdir()):
            refusal = "is a device or another special file"
        elif info.size < 0:
            refusal = "has a negative size"
        yield _Member(info.name, info.size, info.isdir(), refusal, lambda info=info: tar.extractfile(info))
    # tarfile takes a header that it cannot read for the end; the true end is a block of zeros. Reading on to
    # the end of the stream lets gzip, bz2 and xz compare their checksums.
    stream = cast(IO[bytes], tar.fileobj)
    stream.seek(tar.offset)
    if stream.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):
        raise ValueError(
            f"{archive} is cut off or damaged after {len(tar.getmembers())} entries. Fetch it again."
        )
    num_padding = 0
    while block := stream.read(_BLOCK):
        num_padding += len(block)
        if num_padding > _MAX_TAR_HEADER:
            raise ValueError(f"{archive} goes on long after its last entry; it is refused.")


class _LimitedReads:
    """A stream that refuses to hand out more at once than any honest header holds."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        if size < 0 or size > _MAX_TAR_HEADER:
            raise ValueError(f"a header of {size:,} bytes is refused; no honest archive has one.")
        return self._stream.read(size)


def _is_marker(relative: Path) -> bool:
    return relative == Path(
        files.MARKER_NAME
    )  # a zipped folder of this course holds one; ours is there already


def _too_much(archive: Path, limit: str, parameter: str) -> str:
    return (
        f"{archive} holds more than {limit}; nothing was unpacked. If that is meant, unpack it yourself "
        f"or raise {parameter}."
    )
