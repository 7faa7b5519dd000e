"""How long exact channel statistics take: ours, decoding alone, and the usual loop, in one run.

    python -m benchmarks.channel_statistics FOLDER [--rounds 5] [--record NAME]

FOLDER holds pictures, for example a prepared set. The three take turns, so a busy machine hits all of them;
medians and ratios are printed. The usual loop is the tutorial's: a DataLoader with batch size 1, `ToTensor`,
mean and standard deviation picture by picture. Claims: ours at most 1.3 times decoding alone on the same
cores, and at least 4 times faster than the usual loop.
"""

import argparse
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import ToTensor

from benchmarks.measuring import ratio, row, show_or_record, take_turns
from course_utils import runtime
from course_utils.data.images import list_images
from course_utils.data.stats import channel_statistics


class PlainPictures(Dataset):
    """Pictures as the tutorial reads them: Pillow, RGB, `ToTensor`."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths, self.to_tensor = paths, ToTensor()

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> torch.Tensor:
        """Give the picture as float32 (3, H, W) in [0, 1]."""
        with Image.open(self.paths[index]) as image:
            return self.to_tensor(image.convert("RGB"))


def decode_alone(paths: list[Path]) -> int:
    """Decode every picture on all cores and throw it away."""

    def one(path: Path) -> int:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB")).nbytes

    with ThreadPoolExecutor(runtime.cpu_count()) as pool:
        return sum(pool.map(one, paths))


def usual_loop(paths: list[Path]) -> tuple[torch.Tensor, torch.Tensor]:
    """Average the mean and the standard deviation of each picture."""
    mean, std = torch.zeros(3), torch.zeros(3)
    for images in DataLoader(PlainPictures(paths), batch_size=1, shuffle=False, num_workers=0):
        for channel in range(3):
            mean[channel] += images[:, channel, :, :].mean()
            std[channel] += images[:, channel, :, :].std()
    return mean / len(paths), std / len(paths)


def main() -> int:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--record", metavar="NAME")
    arguments = parser.parse_args()
    paths = list_images(arguments.folder)
    ours = channel_statistics(paths)
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: channel_statistics(paths),
        "decoding alone": lambda: decode_alone(paths),
        "the usual loop": lambda: usual_loop(paths),
    }
    seconds = take_turns(ways, arguments.rounds)
    rows = [row(name, values, "s") for name, values in seconds.items()]
    rows.append(ratio("ours / decoding alone", seconds["ours"], seconds["decoding alone"]))
    rows.append(ratio("the usual loop / ours", seconds["the usual loop"], seconds["ours"]))
    print(ours)
    command = f"python -m benchmarks.channel_statistics FOLDER --rounds {arguments.rounds}"
    what = f"Mean and standard deviation per channel of {len(paths)} pictures, all cores."
    show_or_record(arguments.record, command=command, what=what, rows=rows)
    return 0


if __name__ == "__main__":
    sys.exit(main())
