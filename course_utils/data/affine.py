"""Turn, shift, scale and shear: every picture with its own matrix, one resampling for the whole batch.

A matrix maps a place in the result to the place in the picture where its value is read, so its entries are
those of the inverse map. Source: the matrix of `torchvision.transforms.v2.functional.affine`, to which the
tests compare. Notebook 06 draws the grids.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.data.augmentation_step import FILLS, Augmentation, between


def warp(images: Tensor, angle: Tensor, shear: Tensor, scale: Tensor, shift: Tensor, fill: str) -> Tensor:
    """Resample images (B, C, H, W) by a matrix each; bilinear, the centre of the picture stays fixed.

    `angle` and `shear` (B,) in radians, `scale` (B,) larger than 0, `shift` (B, 2) how far to the right and
    down the place *read* lies, as a fraction of width and height: the content moves the other way.
    """
    zoom, slope = 1 / scale, torch.tan(shear)  # a picture twice as large samples half as far
    height, width = images.shape[-2:]
    cosine, sine, aspect = torch.cos(angle) * zoom, torch.sin(angle) * zoom, height / width
    matrices = torch.zeros(len(images), 2, 3, dtype=images.dtype, device=images.device)
    matrices[:, 0, 0] = cosine - sine * slope  # from the place in the result to the place to read at
    matrices[:, 0, 1] = (cosine * slope + sine) * aspect
    matrices[:, 1, 0], matrices[:, 1, 1] = -sine / aspect, cosine
    matrices[:, :, 2] = shift * 2  # the grid is 2 wide: from -1 to 1
    return F.grid_sample(images, grid_of(matrices, height, width), padding_mode=fill, align_corners=False)


def grid_of(matrices: Tensor, height: int, width: int) -> Tensor:
    """Give the places that `matrices` (B, 2, 3) read at: (B, height, width, 2), each x and then y.

    The numbers of `F.affine_grid(..., align_corners=False)`. That one multiplies every pixel by the matrix; a
    linear map is a term of its column plus a term of its row, so one addition is enough.
    """
    columns, rows = (
        (2 * torch.arange(size, dtype=matrices.dtype, device=matrices.device) + 1) / size - 1
        for size in (width, height)
    )
    grid = matrices.new_empty(len(matrices), height, width, 2)
    for axis in (0, 1):
        by_column, by_row, shift = (matrices[:, axis, place, None] for place in range(3))  # (B, 1) each
        down = (by_row * rows + shift)[:, :, None]  # (B, H, 1)
        torch.add(down, (by_column * columns)[:, None, :], out=grid[..., axis])
    return grid


@dataclass(frozen=True)
class RandomAffine(Augmentation):
    """Turn, shift, scale and shear each picture by random amounts, all in one resampling.

    `degrees`: largest angle. `translate`: largest shift as a fraction of width and height. `scale`: (low,
    high) factor. `shear`: largest horizontal shear in degrees. `fill`: what comes in from outside, "zeros",
    "border" or "reflection".
    """

    name: ClassVar[str] = "affine"
    description: ClassVar[str] = "turns, shifts, scales and shears in one resampling"
    label_effect: ClassVar[str] = "as rotation and translation: small amounts keep the class"
    num_random: ClassVar[int] = 5
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {
        "degrees": (0, 180),
        "translate": (0, 1),
        "scale": (0.05, 20),
        "shear": (0, 80),
    }
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"fill": FILLS}

    degrees: float = 0.0
    translate: float = 0.0
    scale: tuple[float, float] = (1.0, 1.0)
    shear: float = 0.0
    fill: str = "zeros"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 5)."""
        signed = randoms * 2 - 1  # (B, 5) in [-1, 1)
        return warp(
            images,
            signed[:, 0] * math.radians(self.degrees),
            signed[:, 1] * math.radians(self.shear),
            between(randoms[:, 2], *self.scale),
            signed[:, 3:5] * self.translate,
            self.fill,
        )


@dataclass(frozen=True)
class Rotation(Augmentation):
    """Turn each picture about its centre by up to `degrees` either way."""

    name: ClassVar[str] = "rotation"
    description: ClassVar[str] = "turns about the centre by a random angle"
    label_effect: ClassVar[str] = "large angles change digits and letters: a 6 turned half round is a 9"
    num_random: ClassVar[int] = 1
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"degrees": (0, 180)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"fill": FILLS}

    degrees: float = 15.0
    fill: str = "zeros"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        angle, zero = (randoms[:, 0] * 2 - 1) * math.radians(self.degrees), torch.zeros_like(randoms[:, 0])
        return warp(images, angle, zero, zero + 1, torch.zeros_like(randoms[:, :1]), self.fill)


@dataclass(frozen=True)
class Translation(Augmentation):
    """Shift each picture by up to the fraction `translate` of its width and height."""

    name: ClassVar[str] = "translation"
    description: ClassVar[str] = "shifts sideways and up or down"
    label_effect: ClassVar[str] = "none while the object stays inside the frame"
    num_random: ClassVar[int] = 2
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"translate": (0, 1)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"fill": FILLS}

    translate: float = 0.1
    fill: str = "zeros"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 2)."""
        zero = torch.zeros_like(randoms[:, 0])
        return warp(images, zero, zero, zero + 1, (randoms * 2 - 1) * self.translate, self.fill)


@dataclass(frozen=True)
class Scale(Augmentation):
    """Make the content larger or smaller by a factor between the two numbers of `scale`."""

    name: ClassVar[str] = "scale"
    description: ClassVar[str] = "makes the content larger or smaller; the picture keeps its size"
    label_effect: ClassVar[str] = "matters where size tells the classes apart, as with seedlings of one age"
    num_random: ClassVar[int] = 1
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"scale": (0.05, 20)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"fill": FILLS}

    scale: tuple[float, float] = (0.8, 1.2)
    fill: str = "zeros"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        zero = torch.zeros_like(randoms[:, 0])
        factor = between(randoms[:, 0], *self.scale)
        return warp(images, zero, zero, factor, torch.zeros_like(randoms[:, :1]), self.fill)


@dataclass(frozen=True)
class Shear(Augmentation):
    """Lean each picture over by up to `degrees`, "horizontal" (rows slide) or "vertical" (columns slide)."""

    name: ClassVar[str] = "shear"
    description: ClassVar[str] = "slides rows or columns against each other: upright becomes italic"
    label_effect: ClassVar[str] = "none at small angles; strong shear turns a 1 into a 7"
    num_random: ClassVar[int] = 1
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"degrees": (0, 80)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"direction": ("horizontal", "vertical"), "fill": FILLS}

    degrees: float = 10.0
    direction: str = "horizontal"
    fill: str = "zeros"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        upright = images if self.direction == "horizontal" else images.transpose(-1, -2)
        angle, zero = (randoms[:, 0] * 2 - 1) * math.radians(self.degrees), torch.zeros_like(randoms[:, 0])
        leaning = warp(upright, zero, angle, zero + 1, torch.zeros_like(randoms[:, :1]), self.fill)
        return leaning if self.direction == "horizontal" else leaning.transpose(-1, -2).contiguous()
