"""Parts of a picture, and pictures in a frame: the size stays, what is seen changes.

Boxes are whole pixels, so the result equals cutting the box out and resizing it by bilinear interpolation,
as torchvision does. Source of the resized crop: Szegedy et al. 2014, arXiv 1409.4842. Notebook 06.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.data.augmentation_step import FILLS, Augmentation, between

_PAD_MODES = {"zeros": "constant", "border": "replicate", "reflection": "reflect"}


@dataclass(frozen=True)
class RandomResizedCrop(Augmentation):
    """Cut a box out and enlarge it to the full size.

    The box holds a part `scale` (low, high) of the area and has an aspect (width over height) in `ratio`,
    uniform in its logarithm; one that does not fit is made narrower or lower.
    """

    name: ClassVar[str] = "random_resized_crop"
    description: ClassVar[str] = "cuts out a box of random area and aspect and enlarges it to the full size"
    label_effect: ClassVar[str] = "the object may be outside the box; at 8 % of the area it often is"
    num_random: ClassVar[int] = 4
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"scale": (0.01, 1), "ratio": (0.05, 20)}

    scale: tuple[float, float] = (0.35, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)

    def boxes(self, height: int, width: int, randoms: Tensor) -> Tensor:
        """Give top, left, height and width of the boxes in pixels: int64 (B, 4)."""
        area = between(randoms[:, 0], *self.scale) * height * width
        ratio = torch.exp(between(randoms[:, 1], math.log(self.ratio[0]), math.log(self.ratio[1])))
        sides = torch.stack([(area / ratio).sqrt(), (area * ratio).sqrt()], dim=1)  # (B, 2) height, width
        limits = torch.tensor([height, width], device=randoms.device)
        sides = sides.round().long().clamp(min=1).minimum(limits)
        corners = (randoms[:, 2:4] * (limits - sides + 1)).floor().long().minimum(limits - sides)
        return torch.cat([corners, sides], dim=1)

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 4)."""
        height, width = images.shape[-2:]
        boxes = self.boxes(height, width, randoms).to(images.dtype)
        rows = _read_at(boxes[:, 0], boxes[:, 2], height)  # (B, H)
        columns = _read_at(boxes[:, 1], boxes[:, 3], width)  # (B, W)
        return _sample(images, rows, columns, "border")


@dataclass(frozen=True)
class RandomCrop(Augmentation):
    """Pad by `padding` pixels on every side and cut the old size out at a random place.

    That is a shift by whole pixels, the usual augmentation of CIFAR-10. `fill`: what the padding holds.
    """

    name: ClassVar[str] = "crop"
    description: ClassVar[str] = "pads on all sides and cuts the old size out at a random place"
    label_effect: ClassVar[str] = "none while the padding is small against the object"
    num_random: ClassVar[int] = 2
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"padding": (1, 4096)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"fill": FILLS}

    padding: int = 4
    fill: str = "zeros"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 2). ValueError where reflection cannot reach."""
        count, _, height, width = images.shape
        if self.fill == "reflection" and self.padding >= min(height, width):
            raise ValueError(
                f"crop has padding={self.padding} by reflection, but the pictures are {height} x {width}; "
                "pad by less than the shorter side, or take fill='border'"
            )
        padded = F.pad(images, [self.padding] * 4, mode=_PAD_MODES[self.fill])
        corners = (randoms * (2 * self.padding + 1)).floor().long().clamp(max=2 * self.padding)  # top, left
        rows = corners[:, :1] + torch.arange(height, device=images.device)  # (B, H)
        columns = corners[:, 1:] + torch.arange(width, device=images.device)  # (B, W)
        which = torch.arange(count, device=images.device)[:, None, None]  # (B, 1, 1)
        cut = padded[which, :, rows[:, :, None], columns[:, None, :]]  # (B, H, W, C)
        return cut.permute(0, 3, 1, 2).contiguous()


@dataclass(frozen=True)
class RandomPad(Augmentation):
    """Put each picture in a frame, up to `padding` of its side wide on each side, and shrink it back.

    The four widths are drawn one by one, so the aspect changes too. `fill`: what the frame holds.
    """

    name: ClassVar[str] = "pad"
    description: ClassVar[str] = "adds a frame of random widths and shrinks the whole back to size"
    label_effect: ClassVar[str] = "none; the object becomes smaller and narrower"
    num_random: ClassVar[int] = 4
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"padding": (0, 2)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"fill": FILLS}

    padding: float = 0.2
    fill: str = "zeros"

    def frame(self, height: int, width: int, randoms: Tensor) -> Tensor:
        """Give the widths of the frame in pixels, top, bottom, left, right: int64 (B, 4)."""
        sides = torch.tensor([height, height, width, width], device=randoms.device)
        return (randoms * (sides * self.padding + 1)).floor().long()

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 4)."""
        height, width = images.shape[-2:]
        top, bottom, left, right = self.frame(height, width, randoms).to(images.dtype).unbind(dim=1)
        rows = _read_at(-top, height + top + bottom, height)
        columns = _read_at(-left, width + left + right, width)
        return _sample(images, rows, columns, self.fill)


def _read_at(start: Tensor, length: Tensor, count: int) -> Tensor:
    """Give the `count` pixel centres of a line from `start` of `length` pixels, both (B,): (B, count).

    In pixels, 0 being the centre of the first; places beyond the outer centres are moved onto them.
    """
    steps = (torch.arange(count, dtype=start.dtype, device=start.device) + 0.5) / count  # (count,)
    places = start[:, None] + steps * length[:, None] - 0.5
    return places.clamp(start[:, None], (start + length - 1)[:, None])


def _sample(images: Tensor, rows: Tensor, columns: Tensor, fill: str) -> Tensor:
    """Read images (B, C, H, W) at `rows` (B, H) and `columns` (B, W), in pixels, bilinearly."""
    height, width = images.shape[-2:]
    down = (rows * 2 + 1) / height - 1  # to the grid's own measure, from -1 to 1
    across = (columns * 2 + 1) / width - 1
    size = (len(images), height, width)
    grid = torch.stack([across[:, None, :].expand(size), down[:, :, None].expand(size)], dim=-1)
    return F.grid_sample(images, grid, padding_mode=fill, align_corners=False)
