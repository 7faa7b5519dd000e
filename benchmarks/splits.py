"""How long a split takes: ours by link and by copy, and the usual script, in one run.

    python -m benchmarks.splits FOLDER [--rounds 5] [--json OUT]

FOLDER holds class folders. The usual script shuffles each class and copies file by file with `shutil.copy2`;
ours also reads every file (sha256, so that copies stay on one side), stratifies, writes the manifest, and
renames the tree into place at the end. The ways take turns, so a busy machine hits all of them; medians and
ratios are printed. Claim: the whole split by hard link is faster than the usual script.
"""

import argparse
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from course_utils import files, runtime
from course_utils.data.images import class_folders
from course_utils.data.materialise import materialise
from course_utils.data.splitting import plan_split, split_folder


def usual_script(source: Path, target: Path) -> None:
    """Shuffle each class folder with seed 42 and copy 70 % to train/ and the rest to val/."""
    generator = random.Random(42)
    for name, paths in class_folders(source).items():
        shuffled = list(paths)
        generator.shuffle(shuffled)
        number = int(len(shuffled) * 0.7)
        for part, chosen in (("train", shuffled[:number]), ("val", shuffled[number:])):
            folder = target / part / name
            folder.mkdir(parents=True, exist_ok=True)
            for path in chosen:
                shutil.copy2(path, folder / path.name)


def measure(ways: dict[str, Callable[[Path], object]], rounds: int, scratch: Path) -> dict[str, list[float]]:
    """Give the seconds of each way in each round, the ways taking turns; the first round is thrown away."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            target = scratch / "target"
            start = time.perf_counter()
            way(target)
            elapsed = time.perf_counter() - start
            shutil.rmtree(target)
            if turn:
                seconds[name].append(elapsed)
    return seconds


def main() -> int:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--scratch", type=Path, help="where trees are made; the disk of FOLDER, for links")
    arguments = parser.parse_args()
    source, plan = arguments.folder, plan_split(arguments.folder)
    ways: dict[str, Callable[[Path], object]] = {
        "usual script": lambda target: usual_script(source, target),
        "ours, hardlink": lambda target: split_folder(source, target, how="hardlink"),
        "ours, symlink": lambda target: split_folder(source, target, how="symlink"),
        "ours, copy": lambda target: split_folder(source, target, how="copy"),
        "tree only, hardlink": lambda target: materialise(
            plan.manifest, target, root=plan.root, how="hardlink"
        ),
        "tree only, copy": lambda target: materialise(plan.manifest, target, root=plan.root, how="copy"),
    }
    with tempfile.TemporaryDirectory(dir=arguments.scratch) as scratch:
        seconds = measure(ways, arguments.rounds, Path(scratch))
    median = {name: statistics.median(values) for name, values in seconds.items()}
    megabytes = sum((plan.root / row.path).stat().st_size for row in plan.manifest.rows) / 1e6
    print(
        f"{len(plan.manifest.rows)} files, {megabytes:.1f} MB, {runtime.cpu_count()} cores, "
        f"{arguments.rounds} rounds; beside the seconds: how many times as fast as the usual script"
    )
    ratios = {name: median["usual script"] / value for name, value in median.items()}
    for name, values in seconds.items():
        spread = f"({min(values):.3f} to {max(values):.3f})"
        print(f"{name:<20} {median[name]:7.3f} s  {spread:<18} {ratios[name]:6.2f}")
    if arguments.json:
        result = {
            "files": len(plan.manifest.rows), "megabytes": megabytes, "seconds": seconds, "ratios": ratios,
            "hardware": runtime.hardware(), "versions": runtime.library_versions(),
        }  # fmt: skip
        files.write_json(arguments.json, result)
    return 0


if __name__ == "__main__":
    sys.exit(main())
