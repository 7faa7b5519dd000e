"""Decode the idx format in which MNIST is published: a magic number, the sizes, then plain bytes.

Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits", section "File formats". Big-endian
header `00 00 TYPE NDIM`, NDIM sizes of 4 bytes, then the values. Whole files only: anything cut off, too long
or of another type is an error that names the file. See `notebooks/09_mobilenetv3_digits`.
"""

import gzip
import zlib
from pathlib import Path

import numpy as np

_UNSIGNED_BYTE = 0x08
_MAX_BYTES = 1 << 30  # MNIST's largest file holds 47 MB; more than 1 GB is a mistake or an attack


def read_idx(path: str | Path) -> np.ndarray:
    """Give the uint8 array that an idx file holds, gzip-compressed or not.

    Images have the shape (N, H, W), labels (N,). Raises ValueError naming the file when it is cut off,
    damaged, of another type than unsigned bytes, or longer than its header says.
    """
    path = Path(path)
    data = _read_bytes(path)
    if len(data) < 4 or data[:2] != b"\x00\x00":
        raise ValueError(
            f"{path}: no idx file (it starts with {data[:4].hex(' ') or 'nothing'}; expected 00 00)"
        )
    kind, num_dimensions = data[2], data[3]
    if kind != _UNSIGNED_BYTE:
        raise ValueError(f"{path}: values of type 0x{kind:02x}; only unsigned bytes (0x08) are read")
    start = 4 + 4 * num_dimensions
    if not 1 <= num_dimensions <= 4 or len(data) < start:
        raise ValueError(
            f"{path}: the header is cut off or wrong ({num_dimensions} dimensions). Download it again."
        )
    shape = tuple(int(size) for size in np.frombuffer(data, ">u4", num_dimensions, offset=4))
    expected = start + int(np.prod(shape, dtype=object))
    if len(data) != expected:
        state = "cut off" if len(data) < expected else "too long"
        raise ValueError(
            f"{path}: {state}: {len(data):,} bytes, but shape {shape} needs {expected:,}. Download it again."
        )
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape).copy()


def read_pair(images_path: str | Path, labels_path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Give images uint8 (N, H, W) and labels uint8 (N,) in [0, 9] from two idx files that belong together.

    ValueError naming the file for anything else.
    """
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3:
        raise ValueError(f"{images_path}: {images.ndim} dimensions; expected 3 (number, height, width)")
    if labels.ndim != 1:
        raise ValueError(f"{labels_path}: {labels.ndim} dimensions; expected 1 (number)")
    if len(images) != len(labels):
        raise ValueError(
            f"{images_path} holds {len(images)} images, {labels_path} {len(labels)} labels; "
            "they do not belong together"
        )
    if len(labels) and labels.max() > 9:
        raise ValueError(f"{labels_path}: label {labels.max()}; expected 0 to 9")
    return images, labels


def find_idx(folder: str | Path, part: str) -> tuple[Path, Path] | None:
    """Find the image and the label file of `part` ("train" or "t10k") below `folder`, else None.

    Known are `train-images-idx3-ubyte`, `train-images.idx3-ubyte`, and both with `.gz`.
    """
    found = []
    for stem in (f"{part}-images?idx3-ubyte", f"{part}-labels?idx1-ubyte"):
        files = sorted(
            path
            for pattern in (stem, f"{stem}.gz")
            for path in Path(folder).rglob(pattern)
            if path.is_file() and not path.name.startswith(".")
        )
        if not files:
            return None
        found.append(files[0])
    return found[0], found[1]


def _read_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            packed = stream.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as stream:
            data = stream.read(_MAX_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path}: damaged or cut off ({error}). Download it again.") from error
    if len(data) > _MAX_BYTES:
        raise ValueError(f"{path}: more than {_MAX_BYTES:,} bytes when unpacked; this is no MNIST file")
    return data
