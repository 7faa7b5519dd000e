"""How long an epoch of input takes: from the decode-once cache, and from the files by a DataLoader.

    python -m benchmarks.input_epoch FOLDER [--side 128] [--rounds 5] [--record NAME]

Both ways give every picture once, in a shuffled order, as float batches of 64 at SIDE x SIDE, without
augmentation. The usual way is the tutorial's: a DataLoader (as many workers as cores, or none: the faster of
the two counts) on files, with `Resize` and `ToTensor`. The limit is to take the bytes in the same order out
of memory and turn them into floats. Claim: from the cache at least 10 times faster.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import Compose, Resize, ToTensor

from benchmarks.measuring import ratio, row, show_or_record, take_turns
from course_utils import runtime
from course_utils.data.datasets import PictureSet
from course_utils.data.images import list_images
from course_utils.data.loaders import Batches


class PlainPictures(Dataset):
    """Pictures as a tutorial reads them: Pillow, RGB, `Resize`, `ToTensor`."""

    def __init__(self, paths: list[Path], side: int) -> None:
        self.paths = paths
        self.transform = Compose([Resize((side, side)), ToTensor()])

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        """Give the picture as float32 (3, side, side) in [0, 1]."""
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert("RGB"))


def usual(paths: list[Path], side: int, num_workers: int) -> int:
    """Go once through the files."""
    loader = DataLoader(PlainPictures(paths, side), batch_size=64, shuffle=True, num_workers=num_workers)
    return sum(len(images) for images in loader)


def gather_alone(stored: torch.Tensor, order: torch.Tensor) -> int:
    """Take uint8 pictures (N, C, H, W) in this order in batches of 64, as floats."""
    return sum(len(stored[part].float()) for part in order.split(64))


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=128)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    paths = list_images(given.folder)
    with tempfile.TemporaryDirectory() as scratch:
        names, size = [path.name for path in paths], (given.side, given.side)
        plain = PictureSet(paths, [0] * len(paths), names, class_names=("any",), size=size)
        pictures = plain.cached(folder=scratch)
        batches = Batches(pictures, batch_size=64, mean=[0.0] * 3, std=[1.0] * 3, shuffle=True)
        assert sum(len(batch.images) for batch in batches.epoch()) == usual(paths, given.side, 0)
        stored = pictures.pixels(np.arange(len(pictures)))  # uint8 (N, C, H, W)
        order = torch.randperm(len(pictures), generator=torch.Generator().manual_seed(0))
        seconds = take_turns(
            {
                "from the cache": lambda: sum(len(batch.images) for batch in batches.epoch()),
                "gathering the bytes alone": lambda: gather_alone(stored, order),
                "DataLoader, no worker": lambda: usual(paths, given.side, 0),
                "DataLoader, a worker per core": lambda: usual(paths, given.side, runtime.cpu_count()),
                "making the cache": lambda: plain.cached(folder=tempfile.mkdtemp(dir=scratch)),
            },
            given.rounds,
        )
    rows = [row(name, values, "s") for name, values in seconds.items()]
    faster = np.minimum(seconds["DataLoader, no worker"], seconds["DataLoader, a worker per core"]).tolist()
    rows.append(ratio("faster DataLoader / from the cache", faster, seconds["from the cache"]))
    alone = seconds["gathering the bytes alone"]
    rows.append(ratio("from the cache / gathering the bytes alone", seconds["from the cache"], alone))
    command = f"python -m benchmarks.input_epoch FOLDER --side {given.side} --rounds {given.rounds}"
    what = f"One epoch of input, {len(paths)} PNG files of the folder at {given.side} x {given.side}."
    show_or_record(given.record, command=command, what=what, rows=rows)


if __name__ == "__main__":
    main()
