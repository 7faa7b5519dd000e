"""A short training that leaves nothing on disk: for experiments that compare settings over several seeds.

One trial says little; `over_seeds` repeats it with other weights, another order and other random pictures,
and gives the spread that a difference has to be held against. Notebooks 05 and 06 compare with it.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn

from course_utils.data.augmentation_registry import Entry
from course_utils.data.augmentations import build_augment
from course_utils.data.datasets import PictureSet
from course_utils.data.loaders import Batches
from course_utils.data.mixing import Mixing
from course_utils.runs import RunFolder, find_finished
from course_utils.training.assembly import assemble, loss_of
from course_utils.training.config import TrainingConfig
from course_utils.training.memory import memory_kept
from course_utils.training.precision import Engine
from course_utils.training.steps import train_epoch
from course_utils.training.validation import evaluate


@dataclass(frozen=True)
class Trial:
    """What one short training reached, accuracies in [0, 1].

    `train_accuracy` is that of the last epoch, on the pictures as they were trained on: augmented or mixed.
    """

    model: nn.Module
    train_accuracy: float
    val_accuracy: float
    val_loss: float


@memory_kept()
def trial(
    build: Callable[[], nn.Module],
    train: PictureSet,
    val: PictureSet,
    *,
    config: TrainingConfig,
    mean: Sequence[float],
    std: Sequence[float],
    batch_size: int = 32,
    augment: Sequence[Entry] = (),
    mix: Mixing | None = None,
) -> Trial:
    """Train what `build` makes on the CPU for `config.epochs`; evaluate once, after the last epoch.

    Weights, order, augmentation and mixing follow from `config.seed`. `augment` lists steps as
    `augmentations.build_augment` takes them. There is no best epoch and no early stopping: keeping the best
    of many validations would favour the noisiest setting.
    """
    torch.manual_seed(config.seed)
    model = build().to(memory_format=torch.channels_last)  # a quarter faster, the same rounding for all
    device = torch.device("cpu")
    batches = Batches(
        train,
        batch_size=batch_size,
        mean=mean,
        std=std,
        augment=build_augment(augment, seed=config.seed) if augment else None,
        mix=None if mix is None else replace(mix, seed=config.seed),
        shuffle=True,
        seed=config.seed,
    )
    engine = Engine("float32", "channels_last", {}, "fixed, so that trials compare")
    loss = loss_of(config, batches)
    parts = assemble(model, batches, config=config, engine=engine, loss_function=loss, device=device)
    model.train()
    for epoch in range(config.epochs):
        sums = train_epoch(
            model,
            batches,
            parts,
            epoch=epoch,
            seed=config.seed,
            device=device,
            memory_format=engine.torch_format,
        )
    val_loss, val_accuracy = evaluate(model, Batches(val, batch_size=250, mean=mean, std=std))
    return Trial(model.eval(), sums.accuracy, val_accuracy, val_loss)


@dataclass(frozen=True)
class Spread:
    """Values of one setting over seeds."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Give the mean."""
        return sum(self.values) / len(self.values)

    def __str__(self) -> str:
        return f"{self.mean:.3f} ({min(self.values):.3f} to {max(self.values):.3f})"


def over_seeds(measure: Callable[[int], float], seeds: Sequence[int]) -> Spread:
    """Give `measure(seed)` for each of the `seeds`. Raises ValueError without any."""
    if len(seeds) == 0:
        raise ValueError("over_seeds got no seeds; give at least one, better three")
    return Spread(tuple(float(measure(seed)) for seed in seeds))


def recorded(
    name: str,
    asked: Mapping[str, Any],
    measure: Callable[[], Mapping[str, Any]],
    *,
    data_fingerprint: str,
    reuse: bool = True,
) -> dict[str, Any]:
    """Give the figures of `measure()`, or those of a finished run `name` with the same settings and data.

    So an experiment of many trials is made once. `asked` holds all that the figures depend on, and `measure`
    gives plain data (texts, numbers, lists); both stand in the run's folder. `reuse=False` measures anew.
    """
    run = find_finished(asked, name, data_fingerprint=data_fingerprint) if reuse else None
    if run is None:
        started = time.perf_counter()
        figures = dict(measure())
        run = RunFolder.create(name)
        run.write_card(
            config=asked,
            metrics=figures,
            data_fingerprint=data_fingerprint,
            seed=int(asked.get("seed", 0)),
            seconds=time.perf_counter() - started,
        )
    return dict(run.card()["metrics"])
