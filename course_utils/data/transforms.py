"""Augmentation on whole batches, every picture with random numbers of its own.

A step takes images and the random numbers it may use, one row per picture, and nothing else: so the same
(seed, epoch, index) gives the same picture whoever asks, and a batch of 64 small pictures costs one call
instead of 64. Notebook 06 shows each step by picture.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.data.randomness import uniforms


class Step(Protocol):
    """What an augmentation step is: `num_random` numbers in [0, 1) per picture decide what it does."""

    @property
    def num_random(self) -> int:
        """Give how many random numbers one picture needs."""

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Map images (B, C, H, W) in [0, 1] and `randoms` (B, num_random) to images of the same shape."""


@dataclass(frozen=True)
class RandomAffine:
    """Turn, shift, scale and shear each picture by random amounts, all in one resampling.

    `degrees`: largest angle. `translate`: largest shift as a fraction of width and height. `scale`: (low,
    high) factor. `shear`: largest horizontal shear in degrees. `fill`: what comes in from outside, "zeros",
    "border" or "reflection".
    """

    degrees: float = 0.0
    translate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0
    fill: str = "zeros"
    num_random: int = 5

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 5)."""
        signed = randoms * 2 - 1  # (B, 5) in [-1, 1)
        angle = signed[:, 0] * math.radians(self.degrees)
        shear = torch.tan(signed[:, 1] * math.radians(self.shear))
        low, high = self.scale
        zoom = 1 / (low + randoms[:, 2] * (high - low))  # a picture twice as large samples half as far
        height, width = images.shape[-2:]
        cosine, sine, aspect = torch.cos(angle) * zoom, torch.sin(angle) * zoom, height / width
        matrices = torch.zeros(len(images), 2, 3, dtype=images.dtype, device=images.device)
        matrices[:, 0, 0] = cosine - sine * shear  # from the place in the result to the place to read at
        matrices[:, 0, 1] = (cosine * shear + sine) * aspect
        matrices[:, 1, 0], matrices[:, 1, 1] = -sine / aspect, cosine
        matrices[:, :, 2] = signed[:, 3:5] * 2 * self.translate  # the grid is 2 wide: from -1 to 1
        grid = F.affine_grid(matrices, list(images.shape), align_corners=False)  # (B, H, W, 2)
        return F.grid_sample(images, grid, padding_mode=self.fill, align_corners=False)


@dataclass(frozen=True)
class RandomFlip:
    """Mirror each picture with probability `p`, left to right or ("vertical") top to bottom."""

    p: float = 0.5
    direction: str = "horizontal"
    num_random: int = 1

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        mirrored = images.flip(-1 if self.direction == "horizontal" else -2)
        chosen = (randoms[:, 0] < self.p)[:, None, None, None]  # (B,) -> (B, 1, 1, 1)
        return torch.where(chosen, mirrored, images)


@dataclass(frozen=True)
class Augment:
    """Apply `steps` one after the other, with random numbers made from (seed, step, epoch, index)."""

    steps: Sequence[Step]
    seed: int = 0

    def __call__(self, images: Tensor, *, epoch: int, indices: np.ndarray) -> Tensor:
        """Map images (B, C, H, W) in [0, 1], at places `indices` (B,) of the set, to changed ones."""
        for number, step in enumerate(self.steps):
            kind = f"augment {number} {type(step).__name__}"
            randoms = uniforms(self.seed, kind, epoch, indices, step.num_random)
            images = step(images, torch.from_numpy(randoms).to(images.dtype).to(images.device))
        return images


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Give (images - mean) / std per channel, for images (B, C, H, W) in [0, 1]."""
    shape = (1, len(mean), 1, 1)
    centre = torch.tensor(mean, dtype=images.dtype, device=images.device).view(shape)
    spread = torch.tensor(std, dtype=images.dtype, device=images.device).view(shape)
    return (images - centre) / spread
