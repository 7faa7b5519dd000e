"""Cutout: a box of each picture is painted with one random grey, or with random pixels.

Source: DeVries and Taylor 2017, arXiv 1708.04552. `Cutout` takes the arguments of torchtoolbox's class of
that name and has none of its four defects; `torchtoolbox_cutout` gives the library's own, so that the
notebook on augmentation can show them side by side: the library's changes a PIL picture even with
`inplace=False`, paints its one value into the red channel only, fails on pictures that are not square, and
draws from Python's and NumPy's global generators, so seeding torch has no effect.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from course_utils.data.augmentation_step import Augmentation, between, per_picture, pixel_uniforms
from course_utils.data.erasing import fitted_boxes, inside


@dataclass(frozen=True)
class Cutout(Augmentation):
    """Paint a box of each picture with probability `p`.

    The box covers a share `scale` (low, high) of the picture, its height over width lies in `ratio`. Its grey
    is a whole number between the two of `value` (0 to 255, both included), the same in all channels; with
    `pixel_level` every value in the box is drawn anew. `inplace` paints into the images that were passed.
    """

    name: ClassVar[str] = "cutout"
    description: ClassVar[str] = "paints a box with one random grey, or with random pixels"
    label_effect: ClassVar[str] = "the object may be hidden when it is smaller than the box"
    num_random: ClassVar[int] = 8
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {
        "p": (0, 1),
        "scale": (0, 1),
        "ratio": (0.05, 20),
        "value": (0, 255),
    }

    p: float = 0.5
    scale: tuple[float, float] = (0.02, 0.4)
    ratio: tuple[float, float] = (0.4, 1 / 0.4)
    value: tuple[int, int] = (0, 255)
    pixel_level: bool = False
    inplace: bool = False

    def boxes(self, height: int, width: int, randoms: Tensor) -> Tensor:
        """Give top, left, height and width of the boxes in pixels: int64 (B, 4)."""
        area, ratio = between(randoms[:, 1], *self.scale), between(randoms[:, 2], *self.ratio)
        return fitted_boxes(area, ratio, randoms[:, 3:5], height, width)

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W) in [0, 1]; `randoms` is (B, 8)."""
        height, width = images.shape[-2:]
        chosen = per_picture(randoms[:, 0] < self.p)
        mask = inside(self.boxes(height, width, randoms), height, width) & chosen  # (B, 1, H, W)
        if self.pixel_level:
            draws = pixel_uniforms(images, randoms[:, 6:8], images.shape[1])  # (B, C, H, W)
        else:
            draws = per_picture(randoms[:, 5])
        low, high = self.value
        fill = (low + (draws * (high - low + 1)).floor()).clamp(max=high) / 255
        painted = torch.where(mask, fill, images)
        return images.copy_(painted) if self.inplace else painted


def torchtoolbox_cutout(
    *,
    p: float = 0.5,
    scale: tuple[float, float] = (0.02, 0.4),
    ratio: tuple[float, float] = (0.4, 1 / 0.4),
    value: tuple[int, int] = (0, 255),
    pixel_level: bool = False,
    inplace: bool = False,
) -> Callable[[Any], Any]:
    """Give torchtoolbox's own `Cutout`, for PIL pictures and uint8 arrays (H, W, C).

    torchtoolbox 0.1.8.2 uses `np.int`, which NumPy took away in version 1.24; the name is supplied while the
    library is imported and removed again. Raises ImportError when torchtoolbox is not installed.
    """
    missing = "int"
    supplied = not hasattr(np, missing)
    try:
        if supplied:
            setattr(np, missing, int)
        transform = importlib.import_module("torchtoolbox.transform")
    except ModuleNotFoundError as error:
        raise ImportError(
            f"torchtoolbox cannot be imported: {error}. Install it (`pip install torchtoolbox==0.1.8.2`), "
            "or take course_utils.data.cutout.Cutout, which needs nothing."
        ) from error
    finally:
        if supplied:
            delattr(np, missing)
    return transform.Cutout(
        p=p, scale=scale, ratio=ratio, value=value, pixel_level=pixel_level, inplace=inplace
    )
