"""Record what a recipe reaches, over several seeds or folds: the source of RESULTS.md.

    python -m benchmarks.record_recipe seedlings_efficientnet_lite0 --data PATH --seeds 0 1 2 \\
        [--folds 0 1 2 3 4] [--name NAME] [--set training.epochs=10]

Runs `python -m course_utils train` once for each seed (or each fold, with the first seed), one by one,
each in a runs folder of its own, and keeps what the cards say in `benchmarks/recorded/NAME.json`. The data
are named by their folder only.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import RECORDED
from benchmarks.provenance import tree_state
from benchmarks.record_notebook import summary
from course_utils import files

KEYS = {
    "test_accuracy": "accuracy",
    "test_balanced_accuracy": "balanced accuracy",
    "test_f1_macro": "macro F1",
}


def run_once(recipe: str, *, data: Path, seed: int, fold: int | None, overrides: list[str]) -> dict[str, Any]:
    """Train once and give accuracy, balanced accuracy, macro F1 and the minutes of the whole command."""
    command = [
        sys.executable,
        "-m",
        "course_utils",
        "train",
        recipe,
        "--data",
        str(data),
    ]
    command += ["--seed", str(seed), "--quiet"] + [part for text in overrides for part in ("--set", text)]
    command += [] if fold is None else ["--fold", str(fold)]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        subprocess.run(command, check=True, env={**os.environ, "COURSE_RUNS": folder})
        minutes = (time.perf_counter() - started) / 60
        card = json.loads(next(Path(folder).glob("*/card.json")).read_text(encoding="utf-8"))
    metrics = card["metrics"]
    reached = {label: metrics[key] for key, label in KEYS.items()}
    return {**reached, "minutes": minutes, "of them training batches": metrics["training_s"] / 60}


def main() -> None:
    """Read the command line, run, write the record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("recipe")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--name", help="name of the record; default: the recipe's")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--folds", type=int, nargs="+", help="instead of several seeds")
    parser.add_argument("--set", dest="overrides", action="append", default=[], metavar="KEY=VALUE")
    given = parser.parse_args()
    started = tree_state()
    name = given.name or given.recipe
    options = {"data": given.data, "overrides": given.overrides}
    runs = []
    for number in given.folds or given.seeds:
        if given.folds:
            run = run_once(given.recipe, seed=given.seeds[0], fold=number, **options)
        else:
            run = run_once(given.recipe, seed=number, fold=None, **options)
        runs.append({"seed": number, **run})
    changes = "".join(f" --set {text}" for text in given.overrides)
    which = f"--seed {given.seeds[0]} --fold FOLD" if given.folds else "--seed SEED"
    command = f"python -m course_utils train {given.recipe} --data {given.data.name} {which}{changes}"
    record = summary(name, command, runs, started=started) | {"kind": "fold" if given.folds else "seed"}
    threads = os.environ.get("OMP_NUM_THREADS")
    record["threads"] = threads or "all"
    RECORDED.mkdir(exist_ok=True)
    files.write_json(RECORDED / f"{name}.json", record)
    print(files.to_json({"mean": record["mean"], "spread": record["spread"]}))


if __name__ == "__main__":
    main()
