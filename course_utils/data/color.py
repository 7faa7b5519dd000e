"""Brightness, contrast, saturation and hue: the light of another day, on the same object.

Formulas as in `torchvision.transforms.v2.functional`, to which the tests compare; factors are drawn uniformly
from 1 - strength to 1 + strength. Pictures of one channel have no saturation and no hue: they stay as they
are, as in torchvision. Notebook 06.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from course_utils.data.augmentation_step import Augmentation, per_picture

_GREY_WEIGHTS = (0.2989, 0.587, 0.114)  # ITU-R BT.601, with the digits torchvision uses


def grey(images: Tensor) -> Tensor:
    """Give the brightness of images (B, C, H, W) as the eye weighs it: (B, 1, H, W)."""
    if images.shape[1] == 1:
        return images
    weights = images.new_tensor(_GREY_WEIGHTS)[:, None, None]
    return (images * weights).sum(dim=1, keepdim=True)


def _blend(images: Tensor, others: Tensor | float, factors: Tensor) -> Tensor:
    factors = per_picture(factors)
    return (images * factors + others * (1 - factors)).clamp(0, 1)


def _factors(randoms: Tensor, strength: float) -> Tensor:
    return 1 + (randoms * 2 - 1) * strength


def adjust_brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply images (B, C, H, W) by `factors` (B,): 0 is black."""
    return (images * per_picture(factors)).clamp(0, 1)


def adjust_contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Move images (B, C, H, W) away from their mean grey by `factors` (B,): 0 is that grey everywhere."""
    return _blend(images, per_picture(grey(images).flatten(1).mean(dim=1)), factors)


def adjust_saturation(images: Tensor, factors: Tensor) -> Tensor:
    """Move images (B, C, H, W) away from their own grey copy by `factors` (B,): 0 is that copy."""
    return images if images.shape[1] == 1 else _blend(images, grey(images), factors)


def adjust_hue(images: Tensor, turns: Tensor) -> Tensor:
    """Turn the colour circle of images (B, C, H, W) by `turns` (B,) in [-0.5, 0.5]: 0.5 is the other side."""
    from torchvision.transforms.v2 import functional

    if images.shape[1] == 1:
        return images
    turned = [functional.adjust_hue(image, by) for image, by in zip(images, turns.tolist(), strict=True)]
    return torch.stack(turned)


@dataclass(frozen=True)
class Brightness(Augmentation):
    """Multiply each picture by a factor from 1 - `strength` to 1 + `strength`."""

    name: ClassVar[str] = "brightness"
    description: ClassVar[str] = "makes the whole picture lighter or darker"
    label_effect: ClassVar[str] = "none, unless brightness is the class, as with clouds"
    num_random: ClassVar[int] = 1
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"strength": (0, 1)}

    strength: float = 0.2

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        return adjust_brightness(images, _factors(randoms[:, 0], self.strength))


@dataclass(frozen=True)
class Contrast(Augmentation):
    """Stretch or squeeze each picture about its mean grey by a factor from 1 - to 1 + `strength`."""

    name: ClassVar[str] = "contrast"
    description: ClassVar[str] = "stretches or squeezes the values about the mean grey"
    label_effect: ClassVar[str] = "none"
    num_random: ClassVar[int] = 1
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"strength": (0, 1)}

    strength: float = 0.2

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        return adjust_contrast(images, _factors(randoms[:, 0], self.strength))


@dataclass(frozen=True)
class Saturation(Augmentation):
    """Make the colours of each picture stronger or paler by a factor from 1 - to 1 + `strength`."""

    name: ClassVar[str] = "saturation"
    description: ClassVar[str] = "makes colours stronger or paler; nothing on grey pictures"
    label_effect: ClassVar[str] = "matters where colour is the class, as with desert and green area"
    num_random: ClassVar[int] = 1
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"strength": (0, 1)}

    strength: float = 0.2

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        return adjust_saturation(images, _factors(randoms[:, 0], self.strength))


@dataclass(frozen=True)
class Hue(Augmentation):
    """Turn the colour circle of each picture by up to `strength` turns either way; 0.5 reaches every hue."""

    name: ClassVar[str] = "hue"
    description: ClassVar[str] = "turns all colours round the colour circle; nothing on grey pictures"
    label_effect: ClassVar[str] = "changes it where colour is the class: blue grass is no green area"
    num_random: ClassVar[int] = 1
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"strength": (0, 0.5)}

    strength: float = 0.05

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        return adjust_hue(images, (randoms[:, 0] * 2 - 1) * self.strength)


@dataclass(frozen=True)
class ColorJitter(Augmentation):
    """Brightness, contrast, saturation and hue one after the other, each with its own strength; 0 is off."""

    name: ClassVar[str] = "color_jitter"
    description: ClassVar[str] = "brightness, contrast, saturation and hue, in this order"
    label_effect: ClassVar[str] = "as its parts: keep hue small where colour is the class"
    num_random: ClassVar[int] = 4
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {
        "brightness": (0, 1),
        "contrast": (0, 1),
        "saturation": (0, 1),
        "hue": (0, 0.5),
    }

    brightness: float = 0.2
    contrast: float = 0.2
    saturation: float = 0.2
    hue: float = 0.0

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 4)."""
        if self.brightness:
            images = adjust_brightness(images, _factors(randoms[:, 0], self.brightness))
        if self.contrast:
            images = adjust_contrast(images, _factors(randoms[:, 1], self.contrast))
        if self.saturation:
            images = adjust_saturation(images, _factors(randoms[:, 2], self.saturation))
        if self.hue:
            images = adjust_hue(images, (randoms[:, 3] * 2 - 1) * self.hue)
        return images
