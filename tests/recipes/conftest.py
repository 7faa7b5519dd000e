"""A set of pictures that a tiny network learns in an epoch or two, a recipe for it, and a finished run."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from course_utils.recipes import DataConfig, ModelConfig, Recipe, TrainedRun, train
from course_utils.training.config import TrainingConfig

COLOURS = {"green": (40, 200, 60), "red": (210, 40, 50), "blue and 蓝": (30, 60, 220)}


@pytest.fixture(scope="session")
def colours(tmp_path_factory) -> Path:
    """Class folders of noisy colours, 16 pictures each of three classes."""
    root = tmp_path_factory.mktemp("colours")
    for position, (name, colour) in enumerate(COLOURS.items()):
        (root / name).mkdir()
        for number in range(16):
            random = np.random.default_rng(100 * position + number)
            noise = random.integers(-40, 40, (24, 20, 3))
            pixels = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(root / name / f"{number:02}.png")
    return root


@pytest.fixture(scope="session")
def recipe(colours) -> Recipe:
    """A recipe with everything on that could tell a resumed run from one that never stopped."""
    return Recipe(
        name="tiny",
        data=DataConfig(
            name="colours",
            source=str(colours),
            image_size=32,
            batch_size=8,
            val_fraction=0.2,
            test_fraction=0.25,
            augment=("flip", "rotation"),
            mixing={"mixup_alpha": 0.4, "prob": 0.5},
        ),
        model=ModelConfig(name="simple_cnn", width_factor=0.125, drop_rate=0.1),
        training=TrainingConfig(
            epochs=3, learning_rate=3e-3, ema_decay=0.9, metric="ema_val_loss", label_smoothing=0.05, seed=3
        ),
    )


@pytest.fixture(scope="session")
def lines() -> list[str]:
    """What the finished run said."""
    return []


@pytest.fixture(scope="session")
def finished(recipe, lines, tmp_path_factory) -> TrainedRun:
    """The recipe trained to its end. Tests that change the folder work on a copy."""
    root = tmp_path_factory.mktemp("runs")
    return train(recipe, root=root, device="cpu", progress=False, say=lines.append)
