"""Augmentation on whole batches, every picture with random numbers of its own, and normalisation.

The same (seed, epoch, index) gives the same picture whoever asks, and a batch of 64 small pictures costs one
call instead of 64. The steps themselves are cut by concept (`affine`, `flips`, `crops`, `color`, `noise`,
`erasing`, `cutout`); `augmentations` makes them from a recipe. Notebook 06 shows each step by picture.
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

__all__ = ["Augment", "RandomAffine", "RandomFlip", "Step", "normalise", "normalise_"]


@dataclass(frozen=True)
class Augment:
    """Apply `steps` one after the other, with random numbers made from (seed, step, epoch, index)."""

    steps: Sequence[Step]
    seed: int = 0

    def __call__(self, images: Tensor, *, epoch: int, indices: np.ndarray) -> Tensor:
        """Map images (B, C, H, W) in [0, 1], at places `indices` (B,) of the set, to changed ones."""
        below_one = 1 - torch.finfo(images.dtype).eps / 2  # rounding to float32 may reach 1 else
        for number, step in enumerate(self.steps):
            kind = f"augment {number} {type(step).__name__}"
            randoms = torch.from_numpy(uniforms(self.seed, kind, epoch, indices, step.num_random))
            images = step(images, randoms.to(images.dtype).clamp_(max=below_one).to(images.device))
        return images


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Give (images - mean) / std per channel, for images (B, C, H, W) in [0, 1]."""
    return normalise_(images.clone(), mean, std)


def normalise_(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Do what `normalise` does in place: a batch of floats is not copied twice more; give `images`."""
    shape = (1, len(mean), 1, 1)
    centre = torch.tensor(mean, dtype=images.dtype, device=images.device).view(shape)
    spread = torch.tensor(std, dtype=images.dtype, device=images.device).view(shape)
    return images.sub_(centre).div_(spread)
