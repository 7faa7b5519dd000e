"""Unpack a zip or tar that somebody else made, so that nothing of it can land outside the target folder.

`zipfile` and `tarfile` trust what the archive says: where a file goes, what a link points to, how large it
is. Here every name is checked first, only plain files and folders are taken, real bytes are counted while
they are written, and everything goes into a folder beside the target that is renamed at the end: a refused,
damaged or killed unpacking leaves nothing. Source: PKWARE APPNOTE 6.3, POSIX.1-2001 ustar and pax; the
attacks are those of Snyk's "zip slip" and of D. Fifield, "A better zip bomb" (2019).
"""

import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from course_utils import files
from course_utils.data.archive_members import BLOCK, members
from course_utils.data.member_names import NameRegister
from course_utils.data.progress import progress_bar

MAX_BYTES = 50 * 10**9
MAX_FILES = 1_000_000
_DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, tarfile.TarError, NotImplementedError,
    gzip.BadGzipFile,
)  # fmt: skip


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
        raise ValueError(f"{archive} is no file; expected a zip or tar archive")
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
                raise ValueError(
                    f"{archive} holds {num_files} files, but {written.files} were unpacked. "
                    "Was it changed meanwhile?"
                )
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
    with members(archive) as entries:
        for member in entries:
            if member.refusal:
                raise ValueError(
                    f"{archive}: the entry {member.name!r} {member.refusal}; nothing was unpacked"
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
    with members(archive) as entries:
        for member in entries:
            relative = names.add(member.name, is_folder=member.is_folder)
            if _is_marker(relative):
                continue
            path = partial / relative
            if member.is_folder:
                path.mkdir(parents=True, exist_ok=True)
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            with member.open() as source, path.open("xb") as sink:
                while block := source.read(BLOCK):
                    written.add(len(block))
                    sink.write(block)
            written.files += 1
            if on_file is not None:
                on_file(written.files, written.bytes)


def _is_marker(relative: Path) -> bool:
    return relative == Path(
        files.MARKER_NAME
    )  # a zipped folder of this course holds one; ours is there already


def _too_much(archive: Path, limit: str, parameter: str) -> str:
    return (
        f"{archive} holds more than {limit}; nothing was unpacked. If that is meant, unpack it yourself "
        f"or raise {parameter}."
    )
