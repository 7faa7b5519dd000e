"""How long a split takes: ours by link and by copy, and the usual script, in one run.

    python -m benchmarks.splits FOLDER [--rounds 5] [--scratch DIR] [--record NAME]

FOLDER holds class folders. The usual script shuffles each class and copies file by file with `shutil.copy2`;
ours also reads every file (sha256, so that copies stay on one side), stratifies, writes the manifest, and
renames the tree into place at the end. The ways take turns, so a busy machine hits all of them; medians and
ratios are printed. The limit is the least that does the job, in one plain loop: read each file once for its
sha256, then link or write it. Claim: the whole split by hard link is faster than the usual script.
"""

import argparse
import hashlib
import os
import random
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from benchmarks.measuring import ratio, row, show_or_record, take_turns
from course_utils.data.images import class_folders
from course_utils.data.materialise import How, materialise
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


def least(paths: list[Path], target: Path, how: How) -> None:
    """Read each file once for its sha256 and link it, or write its copy, into one folder."""
    target.mkdir()
    for number, path in enumerate(paths):
        data = path.read_bytes()
        hashlib.sha256(data).digest()
        if how == "hardlink":
            os.link(path, target / str(number))
        else:
            (target / str(number)).write_bytes(data)


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--scratch", type=Path, help="where trees are made; the disk of FOLDER, for links")
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    source, plan = given.folder, plan_split(given.folder)
    paths = [plan.root / one.path for one in plan.manifest.rows]
    with tempfile.TemporaryDirectory(dir=given.scratch) as scratch:
        target = Path(scratch) / "target"

        def whole(how: How) -> Callable[[], object]:
            return lambda: split_folder(source, target, how=how)

        def tree_only(how: How) -> Callable[[], object]:
            return lambda: materialise(plan.manifest, target, root=plan.root, how=how)

        ways = {
            "the usual script": lambda: usual_script(source, target),
            "ours, hardlink": whole("hardlink"),
            "ours, symlink": whole("symlink"),
            "ours, copy": whole("copy"),
            "tree only, hardlink": tree_only("hardlink"),
            "tree only, copy": tree_only("copy"),
            "hash and link alone": lambda: least(paths, target, "hardlink"),
            "hash and copy alone": lambda: least(paths, target, "copy"),
        }
        seconds = take_turns(ways, given.rounds, after=lambda: shutil.rmtree(target))
    rows = [row(name, values, "s") for name, values in seconds.items()]
    usual = seconds["the usual script"]
    ours = {name: values for name, values in seconds.items() if name.startswith(("ours", "tree only"))}
    rows += [ratio(f"the usual script / {name}", usual, values) for name, values in ours.items()]
    for how, limit in (("hardlink", "hash and link alone"), ("copy", "hash and copy alone")):
        rows.append(ratio(f"ours, {how} / {limit}", seconds[f"ours, {how}"], seconds[limit]))
    megabytes = sum(path.stat().st_size for path in paths) / 1e6
    command = f"python -m benchmarks.splits FOLDER --rounds {given.rounds}"
    what = f"A split of {len(plan.manifest.rows)} pictures, {megabytes:.1f} MB, 70 % and 30 %."
    show_or_record(given.record, command=command, what=what, rows=rows)


if __name__ == "__main__":
    main()
