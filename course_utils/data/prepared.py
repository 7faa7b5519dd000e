"""Folders of pictures that this course writes: made once, whole or not at all, checked when used again.

Beside the pictures lies `dataset.json` with what they are, their counts, and a fingerprint over all files. A
folder that no longer matches it was changed by somebody, so it is neither used nor overwritten.
"""

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from course_utils import files
from course_utils.data.layouts import FACTS_NAME, read_layout
from course_utils.data.listing import is_junk

_IDENTITY = ("name", "source", "version", "seed")


def keep(target: Path, facts: Mapping[str, Any], write: Callable[[Path], None]) -> Path:
    """Give `target`, written by `write(folder)` first unless it is there already, whole and as in `facts`.

    `facts` holds at least name, source, version, seed and class_names. A folder of an older version is made
    anew. Raises ValueError when the folder was changed since it was written, FileExistsError when it holds
    something else.
    """
    if _is_current(target, facts):
        return target
    is_older = target.exists() and files.is_ours(target)
    try:
        with files.atomic_folder(target, replace_ours=is_older) as partial:
            write(partial)
            files.write_json(partial / FACTS_NAME, _complete(partial, facts))
    except OSError:  # another process may have made the same folder in the meantime
        if not _is_current(target, facts):
            raise
    return target


def read_facts(folder: str | Path) -> dict[str, Any]:
    """Give what the folder's `dataset.json` says, {} without one. Raises ValueError when unreadable."""
    path = Path(folder) / FACTS_NAME
    if not path.is_file():
        return {}
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path} is no valid JSON ({error}); remove the folder and prepare it again"
        ) from None
    return facts if isinstance(facts, dict) else {}


def fingerprint(folder: str | Path) -> str:
    """Give one SHA-256 over the relative path and the SHA-256 of every file, in sorted order."""
    root = Path(folder)
    digest = hashlib.sha256()
    for relative in sorted(path.relative_to(root).as_posix() for path in _data_files(root)):
        digest.update(f"{relative}\0{files.sha256_file(root / relative)}\n".encode())
    return digest.hexdigest()


def _is_current(target: Path, facts: Mapping[str, Any]) -> bool:
    """Whether `target` holds what `facts` ask for. Raises ValueError when somebody changed it."""
    if not files.is_ours(target):
        return False
    stored = read_facts(target)
    num_files, num_bytes = _measure(target)
    if (stored.get("num_files"), stored.get("num_bytes")) != (num_files, num_bytes):
        raise ValueError(
            f"{target} was changed since it was written: {num_files:,} files with {num_bytes:,} bytes, "
            f"expected {stored.get('num_files', 0):,} with {stored.get('num_bytes', 0):,}. Remove the folder "
            "to have it made again (take out first what you put there)."
        )
    return all(stored.get(key) == facts[key] for key in _IDENTITY)


def _complete(folder: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    layout = read_layout(folder, class_names=facts["class_names"])
    num_files, num_bytes = _measure(folder)
    return {
        **facts,
        "counts": layout.counts,
        "num_files": num_files,
        "num_bytes": num_bytes,
        "fingerprint": fingerprint(folder),
    }


def _measure(folder: Path) -> tuple[int, int]:
    """Number of files and of bytes."""
    sizes = [path.stat().st_size for path in _data_files(folder)]
    return len(sizes), sum(sizes)


def _data_files(folder: Path) -> list[Path]:
    """Every file but what systems leave behind, our marker, and `dataset.json` itself."""
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not is_junk(name)]
        found += [Path(parent, name) for name in names if not is_junk(name)]
    return [path for path in found if path != folder / FACTS_NAME]
