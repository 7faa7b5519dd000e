"""What test_training_distributed.py compares: run by one process, or by torchrun in several.

    python -m torch.distributed.run --standalone --nproc-per-node 2 tests/training/two_processes.py FOLDER

Every process writes `rank-R.json` to FOLDER.
"""

import hashlib
import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from course_utils.data.datasets import PictureSet
from course_utils.data.loaders import Batches
from course_utils.data.transforms import Augment, RandomAffine
from course_utils.evaluation.predict import predict
from course_utils.runs import RunFolder
from course_utils.training import checkpoint, distributed
from course_utils.training.assembly import assemble, loss_of
from course_utils.training.config import TrainingConfig
from course_utils.training.loop import fit
from course_utils.training.precision import Engine
from course_utils.training.steps import train_epoch

CASES = ("one batch", "four batches", "accumulated")


def pictures(num_images: int, seed: int = 0) -> PictureSet:
    """Three classes of noise that differ in brightness."""
    generator = np.random.default_rng(seed)
    targets = np.minimum(np.arange(num_images) % 6, 2)  # a sixth, a sixth, two thirds
    pixels = generator.integers(0, 156, (num_images, 1, 8, 8)) + 50 * targets[:, None, None, None]
    names = [f"{i}.png" for i in range(num_images)]
    return PictureSet(
        [None] * num_images,
        targets,
        names,
        class_names=("a", "b", "c"),
        size=(8, 8),
        mode="L",
        decoded=pixels.astype(np.uint8),
    )


def batches(num_images: int, batch_size: int, *, train: bool) -> Batches:
    """This process's share of every batch."""
    here = distributed.current()
    return Batches(
        pictures(num_images, seed=int(train)),
        batch_size=batch_size,
        mean=[0.5],
        std=[0.3],
        augment=Augment([RandomAffine(degrees=10, translate=0.1)], seed=0) if train else None,
        shuffle=train,
        rank=here.rank,
        world_size=here.world_size,
    )


def network(*, batch_norm: bool = False) -> nn.Module:
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4) if batch_norm else nn.Identity()
    return nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), norm, nn.Tanh(), nn.Flatten(), nn.Linear(256, 3))


def steps(case: str) -> list[float]:
    """Train with weighted classes, by the loop's own step: the loss of each epoch, then all weights.

    "one batch": a step per epoch, so each step's loss; 61 pictures, shares of 31 and 30. "four batches": of
    16, 15, 15, 15, so every odd one is shared unequally. "accumulated": the four in steps of 3 and 1.
    """
    batch_size = 61 if case == "one batch" else 20
    accumulation = 3 if case == "accumulated" else 1
    epochs = {"one batch": 20, "four batches": 5, "accumulated": 10}[case]  # 20 steps each
    given = batches(61, batch_size, train=True)
    config = TrainingConfig(
        epochs=epochs,
        learning_rate=5e-3,
        optimizer="sgd" if case == "one batch" else "adamw",
        schedule="cosine",
        class_weights="balanced",
        label_smoothing=0.1,
        accumulation_steps=accumulation,
    )
    model, cpu = network(), torch.device("cpu")
    parts = assemble(
        model,
        given,
        config=config,
        engine=Engine("float32", "contiguous", {}, ""),
        loss_function=loss_of(config, given),
        device=cpu,
    )
    runner = distributed.wrap(model).train()
    sums = [train_epoch(runner, given, parts, epoch=epoch, seed=0, device=cpu) for epoch in range(epochs)]
    weights = [value for parameter in model.parameters() for value in parameter.flatten().tolist()]
    return [one.mean_loss for one in sums] + weights


def counts(num_images: int) -> dict:
    """Predict, and say how many are right and what the rows are."""
    result = predict(network(), batches(num_images, 64, train=False))
    return {
        "correct": int((result.predicted == result.targets).sum()),
        "rows": len(result.logits),
        "digest": hashlib.sha256(result.logits.tobytes()).hexdigest(),
        "sums": result.logits.astype(np.float64).sum(axis=1).tolist(),
    }


def trained(folder: Path) -> dict:
    """Fit in one go, and in two parts: history and weights of both."""
    config = TrainingConfig(epochs=3, learning_rate=1e-2, seed=3, optimizer="sgd", schedule="cosine")
    options = {"config": config, "progress": False}
    results = {}
    for name, stops in (("whole", [None]), ("resumed", [2, None])):
        here = distributed.current()
        if here.is_main:
            RunFolder.create(name, root=folder)
        distributed.barrier()
        run = RunFolder(folder / name)
        for place, stop_after in enumerate(stops):
            train, val = batches(61, 20, train=True), batches(101, 20, train=False)
            result = fit(network(), train, val, run=run, stop_after=stop_after, resume=place > 0, **options)
            distributed.barrier()
        state = checkpoint.load_last(run.path / "last.pt")["model"]
        results[name] = {
            "history": [{**row, "seconds": 0} for row in result.history],
            "digest": hashlib.sha256(b"".join(t.numpy().tobytes() for t in state.values())).hexdigest(),
            "keys": list(state),
            "epochs_in_file": [row["epoch"] for row in run.read_metrics()],
        }
    return results


def talk() -> dict:
    """Use every collective once, with shares that differ."""
    here = distributed.current()
    buffers = network(batch_norm=True)
    buffers[1].running_mean.fill_(here.rank + 1)
    distributed.broadcast_buffers(buffers)
    return {
        "sum": distributed.all_sum([here.rank + 1, 0.5]),
        "rows": distributed.gather_arrays(np.full((here.rank * 2, 3), here.rank, np.int64)).tolist(),
        "value": distributed.broadcast_object({"from": here.rank}),
        "buffer": buffers[1].running_mean.tolist(),
    }


def main(folder: Path) -> None:
    """Do all of it and write what came out."""
    torch.set_num_threads(1)
    writes = watch_writes(folder / "runs")
    with distributed.session("cpu", timeout_s=120) as here:
        result = {"place": [here.rank, here.world_size, here.local_rank], "talk": talk()}
        result |= {f"steps, {case}": steps(case) for case in CASES}
        result |= {f"counts {number}": counts(number) for number in (1001, 1)}
        result["fit"] = trained(folder / "runs")
        result["writes"] = writes
    (folder / f"rank-{here.rank}.json").write_text(json.dumps(result))


def watch_writes(folder: Path) -> list[str]:
    """Give a list that grows with what this process writes, renames or makes below `folder`."""
    seen: list[str] = []

    def hook(event: str, arguments: tuple) -> None:
        written = event == "open" and (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR)
        if (written or event in ("os.rename", "os.mkdir")) and str(arguments[0]).startswith(str(folder)):
            seen.append(f"{event} {arguments[0]}")

    sys.addaudithook(hook)
    return seen


if __name__ == "__main__":
    main(Path(sys.argv[1]))
