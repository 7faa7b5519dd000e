"""Elastic distortion: the picture as if drawn on rubber. Notebook 09 trains its longer recipe with it.

A coarse grid of random displacements is smoothed to one for every pixel, and the picture is read there.
Source: Simard, Steinkraus and Platt 2003, "Best Practices for Convolutional Neural Networks Applied to Visual
Document Analysis", who blur a field of a random shift per pixel; a coarse grid gives fields as smooth for
a fraction of the random numbers.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.data.affine import grid_of
from course_utils.data.augmentation_step import FILLS, Augmentation

_KNOTS = 5  # displacements along each side


@dataclass(frozen=True)
class Elastic(Augmentation):
    """Bend each picture smoothly: its knots move by up to `strength` of width and height, each on its own.

    `fill`: what comes in from outside, "zeros", "border" or "reflection".
    """

    name: ClassVar[str] = "elastic"
    description: ClassVar[str] = "bends the picture smoothly, as if drawn on rubber"
    label_effect: ClassVar[str] = "none at small strength: handwriting varies so; rigid things do not bend"
    num_random: ClassVar[int] = 2 * _KNOTS**2
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"strength": (0, 0.5)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"fill": FILLS}

    strength: float = 0.08
    fill: str = "zeros"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 50)."""
        knots = (randoms.to(images) * 2 - 1) * 2 * self.strength  # the grid is 2 wide: from -1 to 1
        knots = knots.reshape(len(images), 2, _KNOTS, _KNOTS)
        moves = F.interpolate(knots, size=images.shape[-2:], mode="bicubic", align_corners=True)
        still = torch.eye(2, 3, dtype=images.dtype, device=images.device)[None]
        places = grid_of(still, *images.shape[-2:]) + moves.permute(0, 2, 3, 1)  # (B, H, W, 2)
        return F.grid_sample(images, places, padding_mode=self.fill, align_corners=False)
