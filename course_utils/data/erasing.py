"""Random erasing: a box of each picture is painted over, so that no single part decides the class.

Source: Zhong et al. 2017, arXiv 1708.04896. The boxes serve `cutout` too. Notebook 06.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from course_utils.data.augmentation_step import Augmentation, between, per_picture, pixel_uniforms


def fitted_boxes(area: Tensor, ratio: Tensor, places: Tensor, height: int, width: int) -> Tensor:
    """Give top, left, height and width in pixels of boxes inside the picture: int64 (B, 4).

    `area` (B,) is a share of the picture, `ratio` (B,) height over width, `places` (B, 2) in [0, 1) where
    between the borders. A box too high (or wide) for the picture keeps its area and is made wider (higher).
    """
    tall = (area * ratio * height * width).sqrt()
    tall = tall.clamp(max=height).maximum(area * height)  # lower than area x height would be wider than W
    wide = area * height * width / tall.clamp(min=1e-6)
    limits = torch.tensor([height, width], device=area.device)
    sides = torch.stack([tall, wide], dim=1).floor().long().minimum(limits)  # (B, 2)
    corners = (places * (limits - sides + 1)).floor().long().minimum(limits - sides)
    return torch.cat([corners, sides], dim=1)


def inside(boxes: Tensor, height: int, width: int) -> Tensor:
    """Give which pixels lie in the box of each picture: bool (B, 1, H, W)."""
    top, left, tall, wide = (column[:, None] for column in boxes.unbind(dim=1))  # (B, 1) each
    rows, columns = torch.arange(height, device=boxes.device), torch.arange(width, device=boxes.device)
    vertical = (rows >= top) & (rows < top + tall)  # (B, H)
    horizontal = (columns >= left) & (columns < left + wide)  # (B, W)
    return (vertical[:, :, None] & horizontal[:, None, :])[:, None]


@dataclass(frozen=True)
class RandomErasing(Augmentation):
    """Paint a box of each picture over with probability `p`.

    The box covers a share `scale` (low, high) of the picture; its height over width lies in `ratio`, uniform
    in the logarithm. It is filled with `value`, or (`pixel_level`) with uniform noise.
    """

    name: ClassVar[str] = "random_erasing"
    description: ClassVar[str] = "paints a box over with one value or with noise"
    label_effect: ClassVar[str] = "the object may be hidden when it is smaller than the box"
    num_random: ClassVar[int] = 7
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {
        "p": (0, 1),
        "scale": (0, 1),
        "ratio": (0.05, 20),
        "value": (0, 1),
    }

    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.33)
    ratio: tuple[float, float] = (0.3, 3.3)
    value: float = 0.0
    pixel_level: bool = False

    def boxes(self, height: int, width: int, randoms: Tensor) -> Tensor:
        """Give top, left, height and width of the boxes in pixels: int64 (B, 4)."""
        ratio = torch.exp(between(randoms[:, 2], math.log(self.ratio[0]), math.log(self.ratio[1])))
        return fitted_boxes(between(randoms[:, 1], *self.scale), ratio, randoms[:, 3:5], height, width)

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 7)."""
        height, width = images.shape[-2:]
        boxes = self.boxes(height, width, randoms)
        mask = inside(boxes, height, width) & per_picture(randoms[:, 0] < self.p)
        if not self.pixel_level:
            return images.masked_fill(mask, self.value)
        return torch.where(mask, pixel_uniforms(images, randoms[:, 5:7], images.shape[1]), images)
