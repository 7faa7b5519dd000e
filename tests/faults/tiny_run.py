"""A whole training run of a second's fraction, and what it ends with when nothing happens to it."""

import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.data.datasets import PictureSet
from course_utils.data.loaders import Batches
from course_utils.data.mixing import Mixing
from course_utils.runs import RunFolder
from course_utils.training import checkpoint
from course_utils.training.config import TrainingConfig
from course_utils.training.loop import fit

ALL_FILES = {
    *("best.safetensors", "best.safetensors.sha256", "engine.json"),
    *("last.pt", "metrics.csv", "per_class.csv"),
}
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """A forked child must not wait for threads that were not forked with it. For each test of a file that
    imports it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Network(nn.Module):
    """A small network with batch norm and dropout that calls `at_forward` before each training batch."""

    def __init__(self, seed: int = 0, at_forward: Callable[[], object] | None = None) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.layers = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(144, 2)
        self.at_forward = at_forward

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training and self.at_forward is not None:
            self.at_forward()
        return self.fc(self.dropout(self.layers(images)))


def make_batches(
    num_images: int = 22, *, batch_size: int = 4, train: bool = True, workers: int = 0
) -> Batches:
    generator = np.random.default_rng(int(train))
    targets = np.arange(num_images) % 2
    pixels = generator.integers(0, 156, (num_images, 1, 8, 8)) + 100 * targets[:, None, None, None]
    pictures = PictureSet(
        [None] * num_images,
        targets,
        [f"{number}.png" for number in range(num_images)],
        class_names=("dark", "bright"),
        size=(8, 8),
        mode="L",
        decoded=pixels.astype(np.uint8),
    )
    mix = Mixing(num_classes=2) if train else None
    return Batches(
        pictures, batch_size=batch_size, mean=[0.5], std=[0.3], mix=mix, shuffle=train, num_workers=workers
    )


def settings(**changes: Any) -> TrainingConfig:
    usual = {"epochs": 3, "learning_rate": 0.01, "ema_decay": 0.9, "accumulation_steps": 2}
    return TrainingConfig(**{**usual, **changes})


def train(run: RunFolder, model: nn.Module | None = None, *, workers: int = 0, **options: Any) -> nn.Module:
    model = Network() if model is None else model
    data, val = make_batches(workers=workers), make_batches(9, train=False)
    options = {"config": settings(), "progress": False, **options}
    try:
        fit(model, data, val, run=run, **options)
    finally:
        data.close()
    return model


def last_of(run: RunFolder) -> dict[str, Any]:
    return checkpoint.load_last(run.path / "last.pt")


def names_in(run: RunFolder) -> set[str]:
    return {path.name for path in run.path.iterdir()}


@cache
def uninterrupted() -> tuple[str, bytes]:
    """The digest of the last state of a run that nothing happened to, and its best weights."""
    with tempfile.TemporaryDirectory() as root:
        run = RunFolder.create("whole", root=root)
        train(run)
        return checkpoint.digest(last_of(run)), (run.path / "best.safetensors").read_bytes()


def assert_same_end(run: RunFolder) -> None:
    assert checkpoint.digest(last_of(run)) == uninterrupted()[0]
    assert (run.path / "best.safetensors").read_bytes() == uninterrupted()[1]
    assert names_in(run) == ALL_FILES
