"""Files and folders that are either complete or not there.

Everything is written to a temporary sibling `.NAME.partial-PID-TAG` and renamed at the end, so a reader, or
a program that starts again after `kill -9`, finds the complete target or nothing under the final name. What
a killed process left behind is removed by the next call for the same target. Used by everything that writes;
no notebook derives it.
"""

import errno
import hashlib
import json
import math
import os
import re
import secrets
import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

MARKER_NAME = ".course-made.json"
MARKER_TEXT = (
    json.dumps({"made_by": "course_utils", "note": "This folder is made by code and may be made again."})
    + "\n"
)
_FOREIGN_STALE_S = 24 * 3600  # a partial of another machine (shared disk) is left alone for a day


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what is written there becomes `path` when the block ends well.

    The temporary name keeps the ending of `path`, since many writers choose the format by it. When the block
    raises, the temporary file is removed and `path` stays as it was. Missing parent folders are made.
    """
    target = Path(path)
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a folder; a file cannot be written there. Choose another name.")
    target.parent.mkdir(parents=True, exist_ok=True)
    clean_stale(target)
    partial = _partial_path(target, suffix=target.suffix)
    try:
        yield partial
        _flush_to_disk(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(path: str | Path, data: bytes) -> None:
    """Write `data` to `path`, atomically."""
    with atomic_path(path) as partial:
        partial.write_bytes(data)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` as UTF-8 with the line ends it has, atomically."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: str | Path, value: object, *, nan_as_null: bool = False) -> None:
    """Write `value` as indented JSON, atomically; keys keep their order.

    NumPy scalars and arrays and paths are written as numbers, lists and text. NaN and infinity are no JSON:
    they raise ValueError, or become `null` with `nan_as_null=True`.
    """
    write_text(path, to_json(value, nan_as_null=nan_as_null))


def to_json(value: object, *, nan_as_null: bool = False) -> str:
    """Give the text that `write_json` writes."""
    if nan_as_null:
        value = _without_nan(value)
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False, default=_plain) + "\n"


@contextmanager
def atomic_folder(path: str | Path, *, replace_ours: bool = False) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it becomes `path` when the block ends well.

    The folder holds the marker file `.course-made.json` from the start. An existing `path` is refused
    (FileExistsError) unless it is empty or, with `replace_ours=True`, holds that marker: nothing that
    somebody else made is ever removed. When the block raises, the temporary folder is removed and `path`
    stays as it was.
    """
    target = Path(path).resolve()
    _refuse_foreign(target, replace_ours=replace_ours)
    target.parent.mkdir(parents=True, exist_ok=True)
    clean_stale(target)
    partial = _partial_path(target)
    partial.mkdir()
    try:
        (partial / MARKER_NAME).write_text(MARKER_TEXT, encoding="utf-8")
        yield partial
        _put_in_place(partial, target, replace_ours=replace_ours)
    finally:
        if partial.exists():
            _remove_ours(partial)


def is_ours(folder: str | Path) -> bool:
    """Tell whether `folder` was made by `atomic_folder`."""
    return (Path(folder) / MARKER_NAME).is_file()


def clean_stale(target: str | Path) -> list[Path]:
    """Remove what killed processes left beside `target`; give the removed paths.

    Only names of our own pattern whose process is gone; a folder also needs our marker (or to be empty).
    """
    target = Path(target)
    pattern = re.compile(
        re.escape(f".{_short(target.name)}.partial-") + r"(\d+)-([0-9a-f]{6})[0-9a-f]{10}(\.[^.]*)?"
    )
    removed = []
    for candidate in _siblings(target):
        match = pattern.fullmatch(candidate.name)
        if match is None or candidate.is_symlink() or not _is_stale(candidate, int(match[1]), match[2]):
            continue
        if candidate.is_file():
            candidate.unlink(missing_ok=True)
        elif is_ours(candidate):
            with suppress(OSError):
                _remove_ours(candidate)
        else:  # killed between making the folder and writing the marker: it is empty, or it is not ours
            with suppress(OSError):
                candidate.rmdir()
        if not candidate.exists():
            removed.append(candidate)
    return removed


def sha256_file(path: str | Path) -> str:
    """Give the SHA-256 of the file's bytes as 64 hexadecimal digits."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """Give the SHA-256 of the text's UTF-8 bytes as 64 hexadecimal digits."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def require_space(path: str | Path, num_bytes: int) -> None:
    """Raise OSError (ENOSPC) naming the missing bytes when the disk of `path` has fewer than `num_bytes`
    free.
    """
    existing = Path(path).resolve()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < num_bytes:
        needed = f"{num_bytes:,} bytes are needed and {free:,} are free"
        raise OSError(errno.ENOSPC, f"{needed}: {num_bytes - free:,} bytes are missing", str(path))


def _partial_path(target: Path, *, suffix: str = "") -> Path:
    tag = _host_tag() + secrets.token_hex(5)
    return target.with_name(f".{_short(target.name)}.partial-{os.getpid()}-{tag}{suffix}")


def _short(name: str) -> str:
    """Keep the temporary name below the 255 bytes of the usual file systems."""
    return name if len(name.encode("utf-8")) <= 180 else sha256_text(name)[:32]


def _host_tag() -> str:
    return sha256_text(socket.gethostname())[:6]


def _siblings(target: Path) -> list[Path]:
    try:
        with os.scandir(target.parent) as entries:
            return [target.parent / entry.name for entry in entries if ".partial-" in entry.name]
    except OSError:  # no such folder, or not ours to read: nothing to clean
        return []


def _is_stale(partial: Path, pid: int, host_tag: str) -> bool:
    if host_tag == _host_tag():
        import psutil

        return not psutil.pid_exists(pid)
    try:
        return time.time() - partial.stat().st_mtime > _FOREIGN_STALE_S
    except FileNotFoundError:
        return False


def _flush_to_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _refuse_foreign(target: Path, *, replace_ours: bool) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise FileExistsError(
            f"{target} exists and is a file; a folder cannot be made there. Choose another name."
        )
    if not any(target.iterdir()) or (replace_ours and is_ours(target)):
        return
    what = "was made by an earlier run" if is_ours(target) else "holds files that this course did not make"
    raise FileExistsError(
        f"{target} exists and {what}; it is left alone. Remove it yourself or choose another folder."
    )


def _put_in_place(partial: Path, target: Path, *, replace_ours: bool) -> None:
    _refuse_foreign(target, replace_ours=replace_ours)  # another process may have made it meanwhile
    if target.exists():
        # Aside under a name that the next call cleans, if this process dies before it can.
        aside = _partial_path(target)
        target.rename(aside)
        partial.rename(target)
        _remove_ours(aside)
    else:
        partial.rename(target)


def _remove_ours(folder: Path) -> None:
    """Remove a folder with our marker, the marker last: killed in between, it is still known as ours."""
    for entry in folder.iterdir():
        if entry.name == MARKER_NAME:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    shutil.rmtree(folder)


def _plain(value: Any) -> Any:
    """Turn what NumPy, torch scalars and pathlib give into what JSON knows."""
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(
        f"{type(value).__name__} cannot be written as JSON; turn it into numbers, text, lists and dicts first"
    )


def _without_nan(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    return value
