"""torchvision's transforms as steps: one call per picture, its generator seeded for that picture alone.

torchvision draws from torch's global generator. Here the generator gets a seed made of (seed, epoch, index)
before each picture and its old state back at the end, so what else draws from it sees nothing. Sources:
RandAugment, Cubuk et al. 2019, arXiv 1909.13719; TrivialAugment, Müller and Hutter 2021, arXiv 2103.10158.
Slower than the batched steps: one or two milliseconds per picture of 128 px.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from torch import Tensor

from course_utils.data.augmentation_step import Augmentation, seeds
from course_utils.params import did_you_mean

PREFIX = "v2."
_INTERPOLATIONS = ("nearest", "bilinear")
_NOT_FOR_PICTURES = {  # they take or give something else than one picture of floats in [0, 1]
    *("Transform", "Compose", "RandomApply", "RandomChoice", "RandomOrder", "Lambda", "MixUp", "CutMix"),
    *("Normalize", "LinearTransformation", "ToDtype", "ConvertImageDtype", "ToImage", "ToPILImage"),
    *("ToPureTensor", "ToTensor", "PILToTensor", "FiveCrop", "TenCrop", "UniformTemporalSubsample"),
    *("ClampBoundingBoxes", "ClampKeyPoints", "ConvertBoundingBoxFormat", "SanitizeBoundingBoxes"),
    *("SanitizeKeyPoints", "SetClampingMode", "RandomIoUCrop", "AutoAugmentPolicy", "InterpolationMode"),
}
_ON_BYTES = {"JPEG"}  # works on uint8 only


def per_picture_seeded(
    transform: Callable[[Tensor], Tensor], images: Tensor, randoms: Tensor, name: str
) -> Tensor:
    """Give `transform` of each of images (B, C, H, W); torch's generator is seeded by `randoms` (B, 2).

    Values that leave [0, 1] are clipped. Raises ValueError when a picture changes its shape or type.
    """
    generator, results = torch.default_generator, []
    before = generator.get_state()
    try:
        for image, seed in zip(images.cpu(), seeds(randoms), strict=True):
            generator.manual_seed(seed)
            result = transform(image)
            if result.shape != image.shape or result.dtype != image.dtype:
                raise ValueError(
                    f"{name} made a picture of {tuple(result.shape)}, {result.dtype} out of one of "
                    f"{tuple(image.shape)}, {image.dtype}; a step must keep both. Give it the size it gets."
                )
            results.append(result)
    finally:
        generator.set_state(before)
    return torch.stack(results).clamp_(0, 1).to(images.device)


@dataclass(frozen=True)
class RandAugment(Augmentation):
    """Apply `num_ops` operations from a list of 14, at strength `magnitude` of `num_magnitude_bins`."""

    name: ClassVar[str] = "rand_augment"
    description: ClassVar[str] = "a few operations drawn from a list of 14, all at one strength"
    label_effect: ClassVar[str] = "as its operations: colour and shape change strongly"
    num_random: ClassVar[int] = 2
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {
        "num_ops": (1, 14),
        "magnitude": (0, 1000),
        "num_magnitude_bins": (2, 1000),
    }
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"interpolation": _INTERPOLATIONS}

    num_ops: int = 2
    magnitude: int = 9
    num_magnitude_bins: int = 31
    interpolation: str = "nearest"

    def __post_init__(self) -> None:
        """Check the options."""
        super().__post_init__()
        if self.magnitude >= self.num_magnitude_bins:
            raise ValueError(
                f"magnitude of {self.name} is {self.magnitude}; expected less than num_magnitude_bins, "
                f"{self.num_magnitude_bins}"
            )

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 2)."""
        from torchvision.transforms import InterpolationMode, v2

        transform = v2.RandAugment(
            self.num_ops, self.magnitude, self.num_magnitude_bins, InterpolationMode(self.interpolation)
        )
        return per_picture_seeded(transform, images, randoms, self.name)


@dataclass(frozen=True)
class TrivialAugment(Augmentation):
    """Apply one operation, drawn from a list of 14, at a random strength: nothing to tune."""

    name: ClassVar[str] = "trivial_augment"
    description: ClassVar[str] = "one operation drawn from a list of 14, at a random strength"
    label_effect: ClassVar[str] = "as its operations: the strongest hide or turn the object"
    num_random: ClassVar[int] = 2
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"num_magnitude_bins": (2, 1000)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"interpolation": _INTERPOLATIONS}

    num_magnitude_bins: int = 31
    interpolation: str = "nearest"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 2)."""
        from torchvision.transforms import InterpolationMode, v2

        transform = v2.TrivialAugmentWide(self.num_magnitude_bins, InterpolationMode(self.interpolation))
        return per_picture_seeded(transform, images, randoms, self.name)


@dataclass(frozen=True)
class TorchvisionTransform(Augmentation):
    """Any transform of `torchvision.transforms.v2` that maps a picture to one of equal size.

    `transform` is its name, `arguments` what its constructor takes. In recipes: {"name": "v2.RandomInvert",
    "p": 0.3}, where `p` and all else goes to torchvision.
    """

    name: ClassVar[str] = "torchvision"
    description: ClassVar[str] = "any transform of torchvision.transforms.v2, by its name"
    label_effect: ClassVar[str] = "depends on the transform"
    num_random: ClassVar[int] = 2

    transform: str = "RandomPerspective"
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Build the transform: ValueError for an unknown name or argument, with the nearest one."""
        from torchvision.transforms import v2

        known = transform_names()
        if self.transform not in known:
            raise ValueError(
                f"{PREFIX}{self.transform} is no transform of torchvision.transforms.v2 for a single picture"
                f"{did_you_mean(self.transform, known)}"
            )
        maker = getattr(v2, self.transform)
        options = list(inspect.signature(maker).parameters)
        for key in self.arguments:
            if key not in options:
                raise ValueError(
                    f"{PREFIX}{self.transform} has no option {key!r}; it has "
                    f"{', '.join(options) or 'none'}{did_you_mean(key, options)}"
                )
        try:
            object.__setattr__(self, "_made", maker(**self.arguments))
        except (TypeError, ValueError) as error:
            raise ValueError(f"{PREFIX}{self.transform} refuses {dict(self.arguments)}: {error}") from error

    def options(self) -> dict[str, Any]:
        """Give the arguments that were given, as plain data; the others are torchvision's defaults."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in self.arguments.items()
        }

    def entry(self) -> dict[str, Any]:
        """Give the step as a recipe has it."""
        return {"name": PREFIX + self.transform, **self.options()}

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 2)."""
        made = self._made  # type: ignore[attr-defined]
        transform = _through_bytes(made) if self.transform in _ON_BYTES else made
        return per_picture_seeded(transform, images, randoms, PREFIX + self.transform)


def transform_names() -> list[str]:
    """Give the names of torchvision's v2 transforms that may be used as a step."""
    from torchvision.transforms import v2

    return sorted(
        name
        for name, value in vars(v2).items()
        if isinstance(value, type) and issubclass(value, v2.Transform) and name not in _NOT_FOR_PICTURES
    )


def _through_bytes(transform: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    def on_bytes(image: Tensor) -> Tensor:
        return transform((image * 255).round().to(torch.uint8)).to(image.dtype) / 255

    return on_bytes
