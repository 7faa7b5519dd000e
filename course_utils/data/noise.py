"""Noise and blur: what a poor camera adds, so that a network does not rest on single pixels.

Noise takes a number per pixel from a generator made for that picture alone. Salt is white (1.0), pepper is
black, and both fall anywhere, the border included: known tutorials draw salt at 1 on a scale of 255, and
positions that never reach the last row. Notebook 06.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from course_utils.data.augmentation_step import Augmentation, between, pixel_uniforms, seeds


@dataclass(frozen=True)
class GaussianNoise(Augmentation):
    """Add independent normal noise of standard deviation `std` (of values in [0, 1]), then clip."""

    name: ClassVar[str] = "gaussian_noise"
    description: ClassVar[str] = "adds independent normal noise to every value, then clips to [0, 1]"
    label_effect: ClassVar[str] = "none until the noise hides the object"
    num_random: ClassVar[int] = 2
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"std": (0, 1)}

    std: float = 0.05

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 2)."""
        shape = images.shape[1:]
        rows = [torch.randn(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds(randoms)]
        noise = torch.stack(rows).to(images.device, images.dtype)  # (B, C, H, W)
        return (images + noise * self.std).clamp(0, 1)


@dataclass(frozen=True)
class SaltAndPepper(Augmentation):
    """Make each pixel white or black with probability `amount`; a part `salt` of those is white.

    All channels of a pixel change together. White is 1.0, black 0.
    """

    name: ClassVar[str] = "salt_and_pepper"
    description: ClassVar[str] = "makes single pixels white or black"
    label_effect: ClassVar[str] = "none until the object is hidden; small objects first"
    num_random: ClassVar[int] = 2
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"amount": (0, 1), "salt": (0, 1)}

    amount: float = 0.03
    salt: float = 0.5

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 2)."""
        draws = pixel_uniforms(images, randoms, channels=1)  # (B, 1, H, W)
        salted = images.masked_fill(draws < self.amount * self.salt, 1.0)
        return salted.masked_fill((draws >= self.amount * self.salt) & (draws < self.amount), 0.0)


@dataclass(frozen=True)
class GaussianBlur(Augmentation):
    """Blur each picture by a normal kernel with a standard deviation between the two of `sigma`, in pixels.

    The kernel reaches three times the largest sigma, the picture is reflected at its border.
    """

    name: ClassVar[str] = "gaussian_blur"
    description: ClassVar[str] = "blurs by a normal kernel of random width"
    label_effect: ClassVar[str] = "none until fine structure that tells classes apart is gone"
    num_random: ClassVar[int] = 1
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"sigma": (0.05, 50)}

    sigma: tuple[float, float] = (0.1, 1.5)

    def radius(self, height: int, width: int) -> int:
        """Give how many pixels the kernel reaches to each side: at most one less than the shorter side."""
        return min(math.ceil(3 * self.sigma[1]), height - 1, width - 1)

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        radius = self.radius(*images.shape[-2:])
        offsets = torch.arange(-radius, radius + 1, dtype=images.dtype, device=images.device)
        sigma = between(randoms[:, :1], *self.sigma)  # (B, 1)
        kernels = torch.exp(-0.5 * (offsets / sigma) ** 2)  # (B, 2 radius + 1)
        kernels = kernels / kernels.sum(dim=1, keepdim=True)
        padded = F.pad(images, [radius] * 4, mode="reflect")
        return _along(_along(padded, kernels, dim=-1), kernels, dim=-2)


def _along(images: Tensor, kernels: Tensor, dim: int) -> Tensor:
    """Slide the kernel of each picture, (B, K), along one axis: that axis gets K - 1 shorter.

    A sum of K shifted copies: unlike a grouped convolution it rounds the same whatever the batch is.
    """
    length = images.shape[dim] - kernels.shape[1] + 1
    result = torch.zeros_like(images.narrow(dim, 0, length))
    for number, weights in enumerate(kernels.unbind(dim=1)):
        result.addcmul_(images.narrow(dim, number, length), weights[:, None, None, None])
    return result
