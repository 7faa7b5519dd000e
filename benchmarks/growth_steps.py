"""The steps whose growth `growth` measures; as a program, one of them in a process of its own.

    python -m benchmarks.growth_steps STEP FOLDER SCRATCH

prints the seconds of the work and the highest memory of this process as JSON. What a step needs is imported
and opened before the clock starts. FOLDER holds class folders; SCRATCH is for what the steps make: the
epoch finds the cache there.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from course_utils import runtime

SIDE, NUM_CLASSES = 128, 10
LOADING: dict[str, Any] = {"batch_size": 64, "mean": [0.5] * 3, "std": [0.25] * 3}
Work = Callable[[], object]


def statistics_step(folder: Path, scratch: Path) -> Work:
    """Mean and standard deviation per channel of all files."""
    from course_utils.data.images import list_images
    from course_utils.data.stats import channel_statistics

    return lambda: channel_statistics(list_images(folder))


def split_step(folder: Path, scratch: Path) -> Work:
    """A split into train and val by hard link."""
    from course_utils.data.splitting import split_folder

    return lambda: split_folder(folder, scratch / "split", how="hardlink")


def audit_step(folder: Path, scratch: Path) -> Work:
    """The audit of a set, with the search for near copies."""
    from course_utils.data.audit import audit

    return lambda: audit(folder)


def cache_step(folder: Path, scratch: Path) -> Work:
    """Decode once into the cache."""
    pictures = _pictures(folder)
    return lambda: pictures.cached(folder=scratch / "cache")


def epoch_step(folder: Path, scratch: Path) -> Work:
    """One epoch of training from the cache with augmentation, a tenth of the pictures as validation."""
    from course_utils.data.augmentations import build_augment
    from course_utils.data.loaders import Batches
    from course_utils.runs import RunFolder
    from course_utils.training.config import TrainingConfig
    from course_utils.training.loop import fit

    pictures = _pictures(folder).cached(folder=scratch / "cache")
    train = Batches(pictures, augment=build_augment(["flip"], seed=0), shuffle=True, **LOADING)
    val = Batches(pictures.subset(range(0, len(pictures), 10)), **LOADING)
    run = RunFolder.create("run", scratch)
    return lambda: fit(_network(), train, val, config=TrainingConfig(epochs=1), run=run, progress=False)


def prediction_step(folder: Path, scratch: Path) -> Work:
    """The logits of every picture, decoded from the files."""
    from course_utils.data.loaders import Batches
    from course_utils.evaluation.predict import predict

    model, batches = _network(), Batches(_pictures(folder), **LOADING)
    return lambda: predict(model, batches)


STEPS: dict[str, Callable[[Path, Path], Work]] = {
    "statistics": statistics_step,
    "split": split_step,
    "audit": audit_step,
    "cache": cache_step,
    "epoch": epoch_step,  # after the cache, which it finds
    "prediction": prediction_step,
}


def _pictures(folder: Path) -> Any:
    from course_utils.data.datasets import labelled
    from course_utils.data.layouts import read_layout

    layout = read_layout(folder)
    return labelled(layout.records, class_names=layout.class_names, size=(SIDE, SIDE))


def _network() -> Any:
    """A quarter of MobileNetV3 small: what grows is the handling of pictures, not the network."""
    from course_utils.models.mobilenet_v3 import mobilenet_v3_small

    return mobilenet_v3_small(num_classes=NUM_CLASSES, width_factor=0.25)


def main() -> None:
    """Do the step and print its figures."""
    name, folder, scratch = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    work = STEPS[name](folder, scratch)
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "peak_bytes": runtime.peak_memory_bytes()}))


if __name__ == "__main__":
    main()
