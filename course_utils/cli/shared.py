"""What several commands share: where a run lies, on which device it works, how a table is printed.

An option has one name in all commands: `--data` for pictures, `--output` for what is written, `--part` for
train, val or test.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

DEVICES = ("auto", "cpu", "cuda", "mps")


def find_run(text: str) -> Path:
    """Give the folder of a run by its path, or by its name in the runs folder."""
    from course_utils import runtime

    path = Path(text)
    named = runtime.runs_dir() / text
    return named if not path.is_dir() and named.is_dir() else path


def add_device(parser: argparse.ArgumentParser, *, default: str = "auto") -> None:
    """Add `--device` and `--quiet`."""
    parser.add_argument("--device", default=default, choices=DEVICES, help=f"default: {default}")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")


def print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns as wide as their widest text, two spaces between them."""
    widths = [max(len(row[column]) for row in (heads, *rows)) for column in range(len(heads))]
    for row in (heads, *rows):
        print("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())
