"""Augmentation on whole batches, every picture with random numbers of its own, and normalisation.

The same (seed, epoch, index) gives the same picture whoever asks, and a batch of 64 small pictures costs one
call instead of 64. The steps themselves are cut by concept (`affine`, `elastic`, `flips`, `crops`, `color`,
`noise`, `erasing`, `cutout`); `augmentations` makes them from a recipe. Notebook 06 shows each by picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from course_utils.data.affine import RandomAffine
from course_utils.data.augmentation_step import Step
from course_utils.data.flips import RandomFlip
from course_utils.data.randomness import uniforms

__all__ = ["Augment", "RandomAffine", "RandomFlip", "Step", "normalise", "normalise_", "scaled"]


@dataclass(frozen=True)
class Augment:
    """Apply `steps` one after the other, with random numbers made from (seed, step, epoch, index)."""

    steps: Sequence[Step]
    seed: int = 0

    def __call__(self, images: Tensor, *, epoch: int, indices: np.ndarray) -> Tensor:
        """Map images (B, C, H, W) at places `indices` (B,) of the set to changed ones.

        Images are floats in [0, 1], or uint8: then the steps that only move pixels work on bytes, a quarter
        of the memory, and the first other step gets floats. The values are the same either way; only a list
        of nothing but moves gives uint8 back.
        """
        for number, step in enumerate(self.steps):
            if not getattr(step, "moves_only", False):
                images = scaled(images)
            dtype = images.dtype if images.is_floating_point() else torch.float32
            below_one = 1 - torch.finfo(dtype).eps / 2  # rounding to float32 may reach 1 else
            kind = f"augment {number} {type(step).__name__}"
            randoms = torch.from_numpy(uniforms(self.seed, kind, epoch, indices, step.num_random))
            images = step(images, randoms.to(dtype).clamp_(max=below_one).to(images.device))
        return images


def scaled(images: Tensor) -> Tensor:
    """Give uint8 images as float32 in [0, 1], in new memory; floats are given back as they are."""
    return images.to(torch.float32).div_(255) if images.dtype == torch.uint8 else images


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Give (images - mean) / std per channel, for images (B, C, H, W) in [0, 1]."""
    return normalise_(images.clone(), mean, std)


def normalise_(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Do what `normalise` does in place: a batch of floats is not copied twice more; give `images`."""
    shape = (1, len(mean), 1, 1)
    centre = torch.tensor(mean, dtype=images.dtype, device=images.device).view(shape)
    spread = torch.tensor(std, dtype=images.dtype, device=images.device).view(shape)
    return images.sub_(centre).div_(spread)
