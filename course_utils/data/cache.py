"""Decode once: pictures of one size in a memory-mapped file of bytes.

Decoding a PNG takes far longer than reading its pixels, and training reads each picture once per epoch. The
cache is keyed by the content of the files, the size and the version of the reader, so a changed picture or
reader gives another file, and a copied folder finds its old one. A file is complete or not there; its
checksum is compared when it is opened, and what is damaged is made again. Notebook 15 measures the gain.
"""

import errno
import json
import os
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from course_utils import files, runtime
from course_utils.data.duplicates import hash_files
from course_utils.data.images import read_image
from course_utils.data.parallel import map_chunks

CODE_VERSION = 1  # raise it whenever `images.read_image` gives other pixels for the same file


class CachedPixels:
    """Rows of a cache file: `pixels[indices]` gives uint8 (B, C, H, W).

    The file is opened when first read and only its name is sent to worker processes, so a hundred workers
    share one copy in the system's memory. Rows are read, not mapped, where the system can: mapped pages count
    as the process's own, and an epoch would grow to the size of the file.
    """

    def __init__(self, path: Path, rows: np.ndarray) -> None:
        self.path = path
        self.rows = rows  # int64 (N,): where picture i stands in the file
        self._mapped: np.memmap | None = None  # for shape and place; its pages are touched on Windows only
        self._file: int | None = None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, indices: Any) -> np.ndarray:
        if self._mapped is None:
            self._mapped = np.load(self.path, mmap_mode="r")
        rows = self.rows[indices]
        if not hasattr(os, "preadv"):
            return np.asarray(self._mapped[rows])
        if self._file is None:
            self._file = os.open(self.path, os.O_RDONLY)
            weakref.finalize(self, os.close, self._file)
        pixels = np.empty((*np.shape(rows), *self._mapped.shape[1:]), np.uint8)
        each = int(np.prod(self._mapped.shape[1:]))
        for row, part in zip(np.ravel(rows).tolist(), pixels.reshape(-1, each), strict=True):
            if os.preadv(self._file, [part.data], self._mapped.offset + row * each) != each:
                raise OSError(f"{self.path} ends before row {row}; delete it, it is made again")
        return pixels

    def subset(self, indices: np.ndarray) -> "CachedPixels":
        """Give the pictures `indices` of these, in that order, from the same file."""
        return CachedPixels(self.path, self.rows[indices])

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_mapped": None, "_file": None}


def cached_pixels(
    paths: Sequence[str | Path],
    *,
    size: tuple[int, int],
    mode: str = "RGB",
    fit: str = "squash",
    interpolation: str = "bilinear",
    folder: str | Path | None = None,
    num_workers: int | None = None,
    progress: bool = False,
) -> CachedPixels:
    """Give the pictures at `paths` at `size` (height, width), decoded now or by an earlier call.

    `fit` and `interpolation` are those of `resizing`. Files with equal bytes share a row. `folder` (default:
    `cache` in the data folder) may be shared by several processes: each writes beside and renames, and equal
    content makes it the same who comes last.
    Raises ImageError for a picture that cannot be read and OSError naming the missing bytes on a full disk.
    """
    digests = hash_files(paths, num_workers=num_workers)
    first_of: dict[str, Path] = {}
    for digest, path in zip(digests, paths, strict=True):
        first_of.setdefault(digest, Path(path))
    order = sorted(first_of)  # by content, so that neither names nor their order matter
    place = {digest: row for row, digest in enumerate(order)}
    rows = np.array([place[digest] for digest in digests], dtype=np.int64)

    shape = (len(order), 3 if mode == "RGB" else 1, *size)
    recipe = {"code": CODE_VERSION, "mode": mode, "shape": shape, "contents": order}
    if (fit, interpolation) != ("squash", "bilinear"):  # the usual rule stays out: older caches are found
        recipe |= {"fit": fit, "interpolation": interpolation}
    rule = {"mode": mode, "size": size, "fit": fit, "interpolation": interpolation}
    base = runtime.data_dir() / "cache" if folder is None else Path(folder)
    path = base / f"{files.sha256_text(files.to_json(recipe))[:32]}.npy"
    files.clean_stale(path.with_suffix(".json"))  # of a writer killed before its very last step
    if not _is_whole(path, shape):
        _write(path, [first_of[digest] for digest in order], shape, rule, num_workers, progress)
    return CachedPixels(path, rows)


def _is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Tell whether the file is there, of the right shape, and holds the bytes that were written."""
    try:
        known = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        mapped = np.load(path, mmap_mode="r")
        same = mapped.shape == shape and mapped.dtype == np.uint8
        return bool(same and files.sha256_file(path) == known["sha256"])
    except (OSError, EOFError, ValueError, KeyError, TypeError):  # not there, cut off, or not what we wrote
        return False


def _write(
    path: Path,
    pictures: list[Path],
    shape: tuple[int, ...],
    rule: dict[str, Any],
    num_workers: int | None,
    progress: bool,
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    files.require_space(path.parent, int(np.prod(shape)) + 4096)
    with files.atomic_path(path) as partial:
        _decode_into(partial, pictures, shape, rule, num_workers, progress)
        digest = files.sha256_file(partial)
    files.write_json(path.with_suffix(".json"), {"sha256": digest, "shape": shape, **rule})


def _decode_into(
    path: Path,
    pictures: list[Path],
    shape: tuple[int, ...],
    rule: dict[str, Any],
    num_workers: int | None,
    progress: bool,
) -> None:
    mapped = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    _take_room(path)
    with path.open("rb+", buffering=0) as file:

        def fill(start: int, chunk: Sequence[Path]) -> None:
            for row, picture in enumerate(chunk, start):
                pixels = read_image(picture, **rule).transpose(2, 0, 1)  # (H, W, C) -> (C, H, W)
                if hasattr(os, "pwrite"):  # a map would keep every page that it touches
                    data = pixels.tobytes()
                    if os.pwrite(file.fileno(), data, mapped.offset + row * len(data)) != len(data):
                        raise OSError(errno.ENOSPC, "the disk is full", str(path))
                else:
                    mapped[row] = pixels

        map_chunks(fill, pictures, num_workers=num_workers, progress=progress, description="decoding once")
    mapped.flush()


def _take_room(path: Path) -> None:
    """Let the disk set the bytes aside: writing to a map on a full disk ends the process (SIGBUS)."""
    if hasattr(os, "posix_fallocate"):  # not on Windows and macOS
        with path.open("rb+") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
