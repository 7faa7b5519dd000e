"""Whether the drawn sample sets are hard enough to teach with: held-out accuracy of several ways to learn.

    python -m benchmarks.drawn_sets [--sets seedlings food11 satellite] [--seeds 0 1 2] [--epochs 45]
                                    [--ways NAME ...] [--record NAME]

Claims, for each set: logistic regression on 32 px pixels stays below 0.60 (its best over three strengths of
fit), the course's `SimpleCNN` (a quarter of its width, 64 px) gets over 0.85 with augmentation, and
augmentation, EMA and depth make a difference. (After 15 epochs the augmented networks are still behind.)
EMA is measured at a constant learning rate: there the weights still swing at the end, while one-cycle goes to
zero by itself. A set with a validation folder is measured on that, else a quarter is held out, files with
equal bytes on one side; the split is the same for all seeds, which decide the first weights, the order of
the pictures and the augmentation.
"""

import argparse
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from benchmarks.measuring import RECORDED
from benchmarks.provenance import origin, tree_state
from course_utils import files, runtime
from course_utils.data import catalog, sources
from course_utils.data.augmentations import build_augment
from course_utils.data.datasets import PictureSet, labelled
from course_utils.data.duplicates import hash_files
from course_utils.data.layouts import read_layout
from course_utils.data.loaders import Batches
from course_utils.data.splits import stratified_split
from course_utils.evaluation.metrics import accuracy
from course_utils.evaluation.predict import predict
from course_utils.models.simple_cnn import SimpleCNN
from course_utils.training.ema import ModelEma
from course_utils.training.optim import build_optimizer
from course_utils.training.schedules import build_schedule

SETS = ("seedlings", "food11", "satellite")
SIDE, BATCH_SIZE, LEARNING_RATE = 64, 32, 2e-3
AUGMENTATION = (
    "flip",
    {"name": "flip", "direction": "vertical"},
    {"name": "affine", "degrees": 180, "translate": 0.08, "scale": [0.8, 1.2], "fill": "reflection"},
    {"name": "color_jitter", "brightness": 0.2, "contrast": 0.2, "saturation": 0.1},
)


@dataclass(frozen=True)
class Way:
    """How a network is trained; what is not said is the same for all."""

    channels: tuple[int, ...] = (16, 32, 64, 128, 128)
    augmented: bool = True
    schedule: str = "one_cycle"
    ema_decay: float = 0.0


WAYS = {
    "with augmentation": Way(),
    "without augmentation": Way(augmented=False),
    "three blocks instead of five": Way(channels=(16, 32, 64)),
    "constant rate": Way(schedule="constant", ema_decay=0.99),
}
LINEAR = "logistic regression"


def learnt_and_held_out(name: str) -> tuple[PictureSet, PictureSet]:
    """Give the drawn set's pictures to learn from and those to measure on, decoded."""
    info = catalog.get(name)
    layout = read_layout(sources.prepare(name, progress=True), class_names=info.class_names)
    records = [record for record in layout.records if record.label is not None]
    rule = {"class_names": layout.class_names, "size": (SIDE, SIDE)}
    if any(record.split == "val" for record in records):
        train, val = (labelled(records, split=part, **rule) for part in ("train", "val"))
        return train.in_memory(), val.in_memory()
    whole = labelled(records, **rule)
    parts = stratified_split(whole.targets, fractions=(0.75, 0.25), seed=0, groups=hash_files(whole.paths))
    whole = whole.in_memory()
    return whole.subset(parts[0]), whole.subset(parts[1])


def linear_accuracy(train: PictureSet, val: PictureSet) -> float:
    """Give the best held-out accuracy of a linear model on 32 x 32 pixels, over three strengths of fit."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    def pixels(pictures: PictureSet) -> np.ndarray:
        images = pictures.pixels(np.arange(len(pictures))).float() / 255
        return F.avg_pool2d(images, SIDE // 32).flatten(1).numpy()  # (N, 3 * 32 * 32)

    scores = []
    for strength in (1e-4, 1e-2, 1.0):
        model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, max_iter=100))
        scores.append(model.fit(pixels(train), train.targets).score(pixels(val), val.targets))
    return float(max(scores))


def train_one(way: Way, train: PictureSet, val: PictureSet, *, epochs: int, seed: int) -> dict[str, float]:
    """Train a network and give its held-out accuracy: of its weights, and of their EMA if it has one."""
    torch.manual_seed(runtime.derive_seed(seed, "weights"))
    model = SimpleCNN(
        num_classes=train.num_classes, image_size=SIDE, channels=way.channels, hidden=(256, 128), dropout=0.3
    )
    normal = {"mean": [0.45] * 3, "std": [0.25] * 3}
    augment = build_augment(AUGMENTATION, seed=seed) if way.augmented else None
    batches = Batches(train, batch_size=BATCH_SIZE, augment=augment, shuffle=True, seed=seed, **normal)
    optimizer = build_optimizer("adamw", model, learning_rate=LEARNING_RATE, weight_decay=0.01)
    schedule = build_schedule(way.schedule, optimizer, total_steps=epochs * len(batches))
    ema = ModelEma(model, decay=way.ema_decay) if way.ema_decay else None
    for epoch in range(epochs):
        model.train()
        for images, targets, _ in batches.epoch(epoch):
            loss = F.cross_entropy(model(images), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if ema is not None:
                ema.update(model)
    held_out = Batches(val, batch_size=256, **normal)
    result = {"": accuracy(predict(model, held_out).predicted, val.targets)}
    if ema is not None:
        result = {
            ", raw": result[""],
            ", EMA": accuracy(predict(ema.module, held_out).predicted, val.targets),
        }
    return result


def measure(sets: Sequence[str], ways: Sequence[str], epochs: int, seed: int) -> dict[str, Any]:
    """Give one seed's accuracies, by "SET: WAY", printing each as soon as it is there."""
    run: dict[str, Any] = {"seed": seed}
    for name in sets:
        train, val = learnt_and_held_out(name)
        for way in ways:
            start = time.perf_counter()
            if way == LINEAR:
                found = {"": linear_accuracy(train, val)}
            else:
                found = train_one(WAYS[way], train, val, epochs=epochs, seed=seed)
            seconds = time.perf_counter() - start
            for which, value in found.items():
                run[f"{name}: {way}{which}"] = value
                print(f"seed {seed}  {name}: {way}{which}  {value:.3f}  ({seconds:.0f} s)", flush=True)
    return run


def main() -> None:
    """Measure, print mean and spread over the seeds, record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--ways", nargs="+", choices=[LINEAR, *WAYS], default=[LINEAR, *WAYS])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=45)
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    started = tree_state()
    runs = [measure(given.sets, given.ways, given.epochs, seed) for seed in given.seeds]
    keys = [key for key in runs[0] if key != "seed"]
    mean = {key: statistics.mean(run[key] for run in runs) for key in keys}
    spread = {key: statistics.stdev([run[key] for run in runs]) for key in keys if len(runs) > 1}
    for key in keys:
        print(f"{key:<50} {mean[key]:.3f} ± {spread.get(key, 0.0):.3f}")
    if given.record is None:
        return
    flags = f"--sets {' '.join(given.sets)} --epochs {given.epochs}"
    values = {
        "name": given.record,
        "command": f"python -m benchmarks.drawn_sets {flags} --seeds {' '.join(map(str, given.seeds))}",
        "seeds": given.seeds,
        "runs": runs,
        "mean": mean,
        "spread": spread,
        **origin(started),
    }
    files.write_json(RECORDED / f"{given.record}.json", values)


if __name__ == "__main__":
    main()
