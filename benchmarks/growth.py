"""How time and memory grow from 1x to 10x the pictures: statistics, split, audit, cache, epoch, prediction.

    python -m benchmarks.growth [--images 10000] [--rounds 1] [--quick] [--scratch DIR] [--record NAME]

Draws IMAGES pictures of 128 px in ten classes, and takes a tenth of them as the small set. Each step runs in
a process of its own. Its time is that of the work, without starting Python; its memory is the largest sum
over the process and its children (proportional set size, looked at every 50 ms, and never less than the
process's own highest mark), with Python, the libraries and mapped files in it. Limit: linear time, so that a
picture costs the same in both sets. Claims: within 2 GB, and at most 1.3 times the time per picture.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image

from benchmarks.growth_steps import NUM_CLASSES, SIDE, STEPS
from benchmarks.measuring import ratio, row, show_or_record, table
from benchmarks.provenance import tree_state
from course_utils import runtime

LIMIT_BYTES = 2_000_000_000
MOST_GROWTH = 1.3


def draw(place: tuple[Path, int]) -> None:
    """Draw one picture: a smooth random pattern with some noise, unlike every other."""
    folder, index = place
    rng = np.random.default_rng(index)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    pixels = np.asarray(coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC), dtype=np.int16)
    noisy = np.clip(pixels + rng.integers(-8, 9, pixels.shape), 0, 255).astype(np.uint8)
    path = folder / f"class {index % NUM_CLASSES}" / f"{index:06d}.png"
    Image.fromarray(noisy).save(path, compress_level=1)


def draw_sets(scratch: Path, num_images: int) -> dict[int, Path]:
    """Draw the large set, link its first tenth as the small one, and give the folders by their size."""
    sets = {num_images // 10: scratch / "small", num_images: scratch / "large"}
    for folder in sets.values():
        for number in range(NUM_CLASSES):
            (folder / f"class {number}").mkdir(parents=True)
    with ProcessPoolExecutor(runtime.cpu_count()) as pool:
        list(pool.map(draw, [(scratch / "large", index) for index in range(num_images)], chunksize=100))
    for path in (scratch / "large").glob("*/*.png"):
        if int(path.stem) < num_images // 10:
            (scratch / "small" / path.parent.name / path.name).hardlink_to(path)
    return sets


def memory_of_tree(process: psutil.Process) -> int:
    """Give the bytes of a process and its children, shared pages counted once; 0 when it is gone."""
    total = 0
    try:
        for one in [process, *process.children(recursive=True)]:
            facts = one.memory_full_info()
            total += getattr(facts, "pss", facts.rss)  # only Linux knows the proportional size
    except psutil.Error:  # one ended meanwhile: the next look counts again
        return 0
    return total


def run_step(name: str, folder: Path, scratch: Path) -> tuple[float, int]:
    """Run one step in a process of its own; give its seconds and the largest memory of the process tree."""
    command = [sys.executable, "-m", "benchmarks.growth_steps", name, str(folder), str(scratch)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        highest, watched = 0, psutil.Process(child.pid)
        while child.poll() is None:
            highest = max(highest, memory_of_tree(watched))
            time.sleep(0.05)
        lines = child.stdout.read().splitlines()
    if child.returncode:
        raise SystemExit(f"{name} on {folder.name} ended with exit code {child.returncode}")
    told = json.loads(lines[-1])
    return told["seconds"], max(highest, told["peak_bytes"])


def measure(num_images: int, rounds: int, place: Path | None) -> dict[str, dict[int, list[Any]]]:
    """Give (seconds, bytes) of each round, by step and number of pictures."""
    found: dict[str, dict[int, list[Any]]] = {name: {} for name in STEPS}
    with tempfile.TemporaryDirectory(dir=place) as folder:
        sets = draw_sets(Path(folder), num_images)
        for turn in range(rounds):
            for count, pictures in sets.items():
                scratch = Path(folder) / f"scratch {turn} {count}"
                for name in STEPS:
                    print(f"{name} of {count:,} pictures ...", flush=True)
                    found[name].setdefault(count, []).append(run_step(name, pictures, scratch))
                shutil.rmtree(scratch)
    return found


def report(found: dict[str, dict[int, list[Any]]]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Give rows (time per picture, large set / small set) and the table of times and memory."""
    rows, lines = [], []
    for name, sizes in found.items():
        (few, small), (many, large) = sizes.items()
        each = [[seconds / count for seconds, _ in runs] for count, runs in ((few, small), (many, large))]
        rows.append(ratio(f"{name}: time per picture, {many:,} / {few:,}", each[1], each[0]))
        seconds = [round(row("", [one for one, _ in runs])["median"], 3) for runs in (small, large)]
        peaks = [round(max(peak for _, peak in runs) / 1e6) for runs in (small, large)]
        lines.append([name, *seconds, *peaks])
    peak = max(bytes_ for sizes in found.values() for runs in sizes.values() for _, bytes_ in runs)
    rows.append(row("largest memory, <= 2", [peak / 1e9], "GB"))
    header = ["step", f"{few:,}: s", f"{many:,}: s", f"{few:,}: MB", f"{many:,}: MB"]
    return rows, table(header, lines)


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=10_000, help="of the large set")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--quick", action="store_true", help="3,000 pictures")
    parser.add_argument("--scratch", type=Path, help="where pictures are drawn; about 1.5 GB for 10,000")
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    num_images = 3_000 if given.quick else given.images
    if num_images < 10 * NUM_CLASSES or num_images % 10:
        parser.error(f"--images is {num_images}; expected a multiple of 10, at least {10 * NUM_CLASSES}")
    started = tree_state()
    rows, times = report(measure(num_images, given.rounds, given.scratch))
    show_or_record(
        given.record,
        command=f"python -m benchmarks.growth --images {num_images} --rounds {given.rounds}",
        what=f"Drawn pictures of {SIDE} px, each step in a process of its own, {runtime.cpu_count()} cores. "
        "Times are of the work, memory of the whole process tree. 1 would be linear growth; claims: at most "
        f"{MOST_GROWTH}, within 2 GB.",
        rows=rows,
        tables=[times],
        started=started,
    )
    if rows[-1]["high"] > LIMIT_BYTES / 1e9:
        raise SystemExit("more than 2 GB")


if __name__ == "__main__":
    main()
