"""A training small enough for a test: two classes of noise, a network of 560 numbers."""

from typing import Any

import numpy as np
import torch
from torch import nn

from course_utils.data.datasets import PictureSet
from course_utils.data.loaders import Batches
from course_utils.data.mixing import Mixing
from course_utils.data.transforms import Augment, RandomAffine
from course_utils.training.config import TrainingConfig


def bright_or_dark(num_images: int, seed: int = 0) -> PictureSet:
    """Two classes that a small network learns in a few steps: dark and bright noise."""
    generator = np.random.default_rng(seed)
    targets = np.arange(num_images) % 2
    pixels = generator.integers(0, 156, (num_images, 1, 8, 8)) + 100 * targets[:, None, None, None]
    names = [f"{i}.png" for i in range(num_images)]
    return PictureSet(
        [None] * num_images,
        targets,
        names,
        class_names=("dark", "bright"),
        size=(8, 8),
        mode="L",
        decoded=pixels.astype(np.uint8),
    )


def batches(
    num_images: int = 40,
    *,
    train: bool = True,
    num_workers: int = 0,
    batch_size: int = 16,
    mix: bool = False,
    augment: bool = True,
) -> Batches:
    return Batches(
        bright_or_dark(num_images, seed=0 if train else 1),
        batch_size=batch_size,
        mean=[0.5],
        std=[0.3],
        augment=Augment([RandomAffine(degrees=10, translate=0.1)], seed=0) if train and augment else None,
        mix=Mixing(num_classes=2) if mix else None,
        shuffle=train,
        num_workers=num_workers,
    )


def small_network(seed: int = 0, dropout: float = 0.3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(256, 2),
    )


def config(**changes: Any) -> TrainingConfig:
    return TrainingConfig(**{"epochs": 3, "learning_rate": 1e-2, "seed": 3, **changes})
