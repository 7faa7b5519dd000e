"""From a plan to the pictures of each part, ready for batches, and the transform that goes with the run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from course_utils.data.augmentations import build_augment
from course_utils.data.datasets import PictureSet
from course_utils.data.eval_transform import EvalTransform
from course_utils.data.loaders import Batches
from course_utils.data.mixing import Mixing
from course_utils.data.ranks import Processes
from course_utils.data.splits import stratified_split
from course_utils.data.stats import channel_statistics
from course_utils.recipes.plan import Plan
from course_utils.recipes.recipe import Recipe
from course_utils.recipes.stored import picture_set

_IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
_MAX_WATCHED = 200  # pictures of the training part that stand in where there is no validation part


@dataclass(frozen=True)
class Prepared:
    """The pictures of each part; without a validation part `val` is a sample of `train`. `transform` reads
    and normalises.
    """

    train: PictureSet
    val: PictureSet
    test: PictureSet | None
    transform: EvalTransform

    def train_batches(self, recipe: Recipe, processes: Processes) -> Batches:
        """Give the batches to train on: shuffled, augmented, mixed, all from the recipe's training seed."""
        data, seed = recipe.data, recipe.training.seed
        mix = None
        if data.mixing is not None:
            mix = Mixing(num_classes=self.train.num_classes, seed=seed, **data.mixing)
        return Batches(
            self.train,
            batch_size=data.batch_size,
            mean=self.transform.mean,
            std=self.transform.std,
            augment=build_augment(data.augment, seed=seed) if data.augment else None,
            mix=mix,
            shuffle=True,
            seed=seed,
            num_workers=data.num_workers,
            rank=processes.rank,
            world_size=processes.world_size,
        )

    def plain_batches(self, pictures: PictureSet, recipe: Recipe, processes: Processes) -> Batches:
        """Give the batches to evaluate on: in order, as the pictures are."""
        return Batches(
            pictures,
            batch_size=2 * recipe.data.batch_size,  # no gradients, so twice as many fit
            mean=self.transform.mean,
            std=self.transform.std,
            rank=processes.rank,
            world_size=processes.world_size,
        )


def prepare(
    recipe: Recipe, plan: Plan, *, transform: EvalTransform | None = None, progress: bool = False
) -> Prepared:
    """Read the pictures of `plan`; `transform` is that of the run to go on with (None: from the recipe)."""
    data = recipe.data
    size = (data.image_size, data.image_size)
    rule = {"size": size, "mode": data.mode, "fit": data.fit, "interpolation": data.interpolation}
    rows = plan.manifest.rows
    everything = picture_set(rows, plan.root, plan.manifest.class_names, rule)
    if data.cache:
        everything = everything.cached(progress=progress)
    parts = {
        part: everything.subset([i for i, row in enumerate(rows) if row.split == part])
        for part in plan.manifest.splits
    }
    train = parts["train"]
    if transform is None:
        mean, std = _mean_and_std(recipe, train)
        transform = EvalTransform(
            mean=mean, std=std, size=size, fit=data.fit, interpolation=data.interpolation
        )
    val = parts["val"] if "val" in parts else _watched(train, data.split_seed)
    return Prepared(train, val, parts.get("test"), transform)


def _mean_and_std(recipe: Recipe, train: PictureSet) -> tuple[tuple[float, ...], tuple[float, ...]]:
    channels = train.num_channels
    if recipe.data.normalisation == "data":
        statistics = channel_statistics(_Arrays(train))
        return statistics.mean, statistics.std
    if recipe.data.normalisation == "model":
        from course_utils.models.expected_input import normalisation

        expected = normalisation(recipe.model.name, in_channels=channels)
        return expected.mean, expected.std
    mean, std = ((0.5,) * 3, (0.5,) * 3) if recipe.data.normalisation == "half" else _IMAGENET
    if channels == 1:
        return (sum(mean) / 3,), (sum(std) / 3,)
    return mean, std


def _watched(train: PictureSet, seed: int) -> PictureSet:
    """Give some training pictures, stratified, to follow where nothing is held out for validation."""
    if len(train) <= _MAX_WATCHED:
        return train
    share = _MAX_WATCHED / len(train)
    chosen = stratified_split(
        train.targets, fractions=(share, 1 - share), seed=seed, keys=train.ids, rare="train"
    )[0]
    return train.subset(chosen)


class _Arrays(Sequence):
    """The pixels of a set as arrays (H, W, C), read in slices, so that a large set is never held at once."""

    def __init__(self, pictures: PictureSet) -> None:
        self.pictures = pictures

    def __len__(self) -> int:
        return len(self.pictures)

    def __getitem__(self, where: Any) -> Any:
        chosen = np.arange(len(self))[where]
        pixels = self.pictures.pixels(np.atleast_1d(chosen)).permute(0, 2, 3, 1).numpy()  # (B, H, W, C)
        return list(pixels) if isinstance(where, slice) else pixels[0]
