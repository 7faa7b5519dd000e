"""How long the small things take: importing the package, starting the command line, naming one picture.

    python -m benchmarks.startup [--rounds 7] [--record NAME]

Each is a process of its own, as a reader starts it; they take turns. Beside a Python that imports our package
stand one that imports torch and torchvision, as a package does that has them at its top, and one that does
nothing, the limit. Beside `--help` stands a Python that only imports argparse, its limit. Beside `predict` of
one picture, cold, stand the script of tutorials (`plain_prediction`: the same network and weights) and a
Python that only imports torch, the limit of both. Warm, in one process: our prediction of a picture file,
the script's, and the network alone on a tensor. Claims: import under 0.05 s, help under 0.4 s, one picture
cold under 6 s.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.measuring import ratio, row, show_or_record, take_turns
from course_utils.recipes.recipe import Recipe, find_recipe

IMPORT = "import time; start = time.perf_counter(); import course_utils; print(time.perf_counter() - start)"
WARM_CALLS = 20
CLAIMS = {"import course_utils": 50.0, "--help": 0.4, "one picture, cold": 6.0}  # in the unit of the row
NETWORK = {
    "model.keep_resolution": 0,  # as torchvision has it
    "data.mode": "RGB",
    "data.image_size": 128,
    "data.max_images": 120,
    "data.augment": [],
    "data.cache": False,
    "training.epochs": 1,
}


def trained(folder: Path) -> Path:
    """Train MobileNetV3 small for a moment and give the run; what it has learnt does not matter."""
    from course_utils.recipes import train

    recipe = Recipe.load(find_recipe("digits_mobilenetv3_small"), NETWORK)
    return train(recipe, root=folder, device="cpu", progress=False).run.path


def python(*arguments: str) -> str:
    """Run a Python process to its end and give what it printed."""
    return subprocess.run([sys.executable, *arguments], check=True, capture_output=True, text=True).stdout


def import_rows(rounds: int) -> list[dict[str, Any]]:
    """Give the rows of the import: by its own clock, and as processes from start to end."""
    within = [1000 * float(python("-c", IMPORT)) for _ in range(rounds + 1)][1:]
    ways = {
        "Python with course_utils": lambda: python("-c", "import course_utils"),
        "Python with torch, torchvision": lambda: python("-c", "import torch, torchvision"),
        "Python alone": lambda: python("-c", "pass"),
    }
    seconds = take_turns(ways, rounds)
    ours, theirs, alone = seconds.values()
    return [
        row("import course_utils", within, "ms"),
        *(row(name, values, "s") for name, values in seconds.items()),
        ratio("with torch, torchvision / with course_utils", theirs, ours),
        ratio("with course_utils / Python alone", ours, alone),
    ]


def cold_rows(run: Path, picture: Path, rounds: int) -> list[dict[str, Any]]:
    """Give the rows of `--help` and of one picture, each in a process of its own."""
    from course_utils.recipes import open_run

    transform, out = open_run(run).transform, str(run / "answer.png")
    scaling = [",".join(str(value) for value in values) for values in (transform.mean, transform.std)]
    ours = ["course_utils", "predict", str(run), str(picture), "--output", out]
    usual = ["benchmarks.plain_prediction", str(run / "best.safetensors"), str(picture), *scaling]
    ways = {
        "--help": lambda: python("-m", "course_utils", "--help"),
        "Python with argparse": lambda: python("-c", "import argparse"),
        "one picture, cold": lambda: python("-m", *ours),
        "the usual script, cold": lambda: python("-m", *usual),
        "Python with torch": lambda: python("-c", "import torch"),
    }
    seconds = take_turns(ways, rounds)
    rows = [row(name, values, "s") for name, values in seconds.items()]
    cold = seconds["one picture, cold"]
    rows.append(ratio("--help / Python with argparse", seconds["--help"], seconds["Python with argparse"]))
    rows.append(ratio("the usual script, cold / ours", seconds["the usual script, cold"], cold))
    rows.append(ratio("one picture, cold / Python with torch", cold, seconds["Python with torch"]))
    return rows


def warm_rows(run: Path, picture: Path, rounds: int) -> list[dict[str, Any]]:
    """Give the rows of one picture in a process that is warm; both ways have to say the same."""
    import torch

    from benchmarks import plain_prediction
    from course_utils.recipes import open_run

    opened = open_run(run)
    scaling = opened.transform.mean, opened.transform.std
    plain = plain_prediction.load(run / "best.safetensors")
    ours = opened.predict([picture]).probabilities[0]
    theirs = plain_prediction.answer(plain, picture, *scaling).double().numpy()
    if np.abs(ours - theirs).max() > 0.02:
        raise SystemExit(f"the two ways answer differently: {ours} and {theirs}")
    image = next(opened.batches(opened.files([picture])).epoch()).images

    def alone() -> None:
        with torch.inference_mode():
            opened.model(image)

    def repeated(call: Callable[[], object]) -> Callable[[], None]:
        def calls() -> None:
            for _ in range(WARM_CALLS):
                call()

        return calls

    seconds = take_turns(
        {
            "one picture, warm": repeated(lambda: opened.predict([picture])),
            "the usual script, warm": repeated(lambda: plain_prediction.answer(plain, picture, *scaling)),
            "the network alone": repeated(alone),
        },
        rounds,
    )
    rows = [row(name, [1000 * one / WARM_CALLS for one in found], "ms") for name, found in seconds.items()]
    warm = seconds["one picture, warm"]
    rows.append(ratio("the usual script, warm / ours", seconds["the usual script, warm"], warm))
    rows.append(ratio("one picture, warm / the network alone", warm, seconds["the network alone"]))
    return rows


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    rows = import_rows(given.rounds)
    with tempfile.TemporaryDirectory() as folder:
        run, picture = trained(Path(folder)), Path(folder) / "picture.png"
        y, x = np.mgrid[:240, :320]
        Image.fromarray(np.stack([x % 256, y, (x + y) % 256], axis=-1).astype(np.uint8)).save(picture)
        rows += cold_rows(run, picture, given.rounds)
        rows += warm_rows(run, picture, given.rounds)
    what = (
        "Processes started anew but for the warm rows, with the system's file cache warm. Claims: import "
        "under 0.05 s, help under 0.4 s, one picture cold under 6 s. Network: MobileNetV3 small at 128 px."
    )
    command = f"python -m benchmarks.startup --rounds {given.rounds}"
    show_or_record(given.record, command=command, what=what, rows=rows)
    medians = {one["name"]: one["median"] for one in rows}
    missed = [name for name, most in CLAIMS.items() if medians[name] > most]
    if missed:
        raise SystemExit(f"longer than claimed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
