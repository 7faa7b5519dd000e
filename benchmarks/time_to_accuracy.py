"""How long it takes to name 97 % of the digits: the course's recipe, and the loop of tutorials, in one run.

    python -m benchmarks.time_to_accuracy [--target 0.97] [--at-most 6] [--seeds 0 1 2] [--record NAME]

Both train the same MobileNetV3 small from the same random weights on the same pictures, and look at the same
validation part after every epoch; the clock stops at the end of the epoch that reaches the target, validation
and preparation included. Ours is the recipe `digits_mobilenetv3_small` as it stands. The usual loop is
`plain_training`: a DataLoader on files with torchvision's augmentation, torch's own layers, AdamW with its
default settings. It is given at most AT_MOST times ours; what it has not reached by then counts as that, and
is said. The limit is the network's own pace: the recipe's epochs up to the target on tensors in memory.
"""

import argparse
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader
from torchvision import transforms

from benchmarks.measuring import ratio, row, show_or_record
from benchmarks.plain_training import PlainPictures, plain_loop, with_plain_layers
from benchmarks.provenance import tree_state
from course_utils.data.datasets import PictureSet
from course_utils.data.ranks import Processes
from course_utils.evaluation.metrics import accuracy
from course_utils.recipes import train
from course_utils.recipes.building import build
from course_utils.recipes.plan import make_plan
from course_utils.recipes.prepared import Prepared, prepare
from course_utils.recipes.recipe import Recipe, find_recipe

RECIPE = "digits_mobilenetv3_small"
AUGMENT = (transforms.RandomAffine(12, translate=(0.08, 0.08), scale=(0.9, 1.1), shear=6),)


@dataclass(frozen=True)
class Reached:
    """What one way came to: `seconds` until then, the accuracy, the epochs."""

    seconds: float
    accuracy: float
    epochs: int


def ours(recipe: Recipe, target: float) -> Reached:
    """Train the recipe; the clock stops with the first epoch that reaches the target."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        trained = train(recipe, root=folder, device="cpu", progress=False)
        rows = trained.run.read_metrics()
        whole = time.perf_counter() - start
    through = [row["val_accuracy"] for row in rows]
    epochs = next((n for n, value in enumerate(through, 1) if value >= target), 0)
    if not epochs:
        raise SystemExit(f"the recipe reached {max(through):.4f} in {len(rows)} epochs, not {target}")
    later = sum(row["seconds"] for row in rows[epochs:])
    return Reached(whole - later, through[epochs - 1], epochs)


def usual(recipe: Recipe, prepared: Prepared, target: float, most_s: float) -> Reached:
    """Train as tutorials do, until the target or the end of the time."""
    start = time.perf_counter()
    torch.manual_seed(recipe.training.seed)
    model = build(recipe, num_classes=prepared.train.num_classes)
    model = with_plain_layers(model) or model
    size = recipe.data.batch_size
    data = DataLoader(PlainPictures(prepared.train, AUGMENT), batch_size=size, shuffle=True)
    val = DataLoader(PlainPictures(prepared.val, ()), batch_size=size)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    epochs, best = 0, 0.0
    while best < target and time.perf_counter() - start < most_s:
        plain_loop(model, data, optimizer)
        best = max(best, plain_accuracy(model, val))
        epochs += 1
    return Reached(time.perf_counter() - start, best, epochs)


def plain_accuracy(model: nn.Module, loader: DataLoader) -> float:
    """Give the share of right answers, as tutorials count it."""
    model.eval()
    predicted, targets = [], []
    with torch.no_grad():
        for images, labels in loader:
            predicted.append(model(images).argmax(1))
            targets.append(labels)
    return accuracy(torch.cat(predicted).numpy(), torch.cat(targets).numpy())


def pure_pace(recipe: Recipe, prepared: Prepared, epochs: int) -> float:
    """Give the seconds of `epochs` of forward, backward and step alone, by one epoch's."""
    torch.manual_seed(recipe.training.seed)
    model = build(recipe, num_classes=prepared.train.num_classes).train()
    stored = [(batch.images, batch.targets) for batch in prepared.train_batches(recipe, Processes()).epoch()]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    start = time.perf_counter()
    for images, targets in stored:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), targets).backward()
        optimizer.step()
    return epochs * (time.perf_counter() - start)


def from_files(pictures: PictureSet) -> PictureSet:
    """Give the set, checked to be read from files by the plain way."""
    assert all(path is not None and Path(path).is_file() for path in pictures.paths)
    return pictures


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--target", type=float, default=0.97)
    parser.add_argument("--at-most", type=float, default=6.0, help="times ours, for the usual loop")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    started = tree_state()
    found: dict[str, list[Reached]] = {"ours": [], "the usual loop": []}
    pace = []
    for seed in given.seeds:
        recipe = Recipe.load(find_recipe(RECIPE), {"training.seed": seed}).resolved()
        prepared = prepare(recipe, make_plan(recipe.data))
        from_files(prepared.train)
        first = ours(recipe, given.target)
        pace.append(pure_pace(recipe, prepared, first.epochs))
        other = usual(recipe, prepared, given.target, given.at_most * first.seconds)
        for name, one in zip(found, (first, other), strict=True):
            found[name].append(one)
            print(f"seed {seed}, {name}: {one.accuracy:.4f} after {one.epochs} epochs, {one.seconds:.1f} s")
    seconds = {name: [one.seconds for one in ones] for name, ones in found.items()}
    missed = sum(one.accuracy < given.target for one in found["the usual loop"])
    rows = [row(f"{name}: time", values, "s") for name, values in seconds.items()]
    rows += [row(f"{name}: epochs", [one.epochs for one in ones], "epochs") for name, ones in found.items()]
    rows += [row(f"{name}: accuracy", [one.accuracy for one in ones], "of 1") for name, ones in found.items()]
    rows.append(ratio("the usual loop / ours", seconds["the usual loop"], seconds["ours"]))
    rows.append(ratio("ours / the network's own pace", seconds["ours"], pace))
    seeds = " ".join(map(str, given.seeds))
    reached = (
        f"The usual loop was stopped short of {given.target:g} in {missed} of {len(given.seeds)} runs, at "
        f"{given.at_most:g} times ours: there the ratio is larger than said."
        if missed
        else "Both reached it with every seed."
    )
    show_or_record(
        given.record,
        command=f"python -m benchmarks.time_to_accuracy --target {given.target:g} "
        f"--at-most {given.at_most:g} --seeds {seeds}",
        what=f"Time to the validation accuracy {given.target:g} on the 5,000 digits, by {RECIPE}. {reached}",
        rows=rows,
        started=started,
    )


if __name__ == "__main__":
    main()
