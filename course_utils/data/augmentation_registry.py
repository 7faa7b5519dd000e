"""Every augmentation by its name, and steps made from plain data such as a recipe file holds.

The classes are cut by concept: `affine`, `elastic`, `flips`, `crops`, `color`, `noise`, `erasing`, `cutout`,
`torchvision_steps`. Notebook 06 shows them all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import Tensor

from course_utils.data.affine import RandomAffine, Rotation, Scale, Shear, Translation
from course_utils.data.augmentation_step import Augmentation, per_picture
from course_utils.data.color import Brightness, ColorJitter, Contrast, Hue, Saturation
from course_utils.data.crops import RandomCrop, RandomPad, RandomResizedCrop
from course_utils.data.cutout import Cutout
from course_utils.data.elastic import Elastic
from course_utils.data.erasing import RandomErasing
from course_utils.data.flips import RandomFlip, RandomQuarterTurns
from course_utils.data.noise import GaussianBlur, GaussianNoise, SaltAndPepper
from course_utils.data.torchvision_steps import PREFIX, RandAugment, TorchvisionTransform, TrivialAugment
from course_utils.params import did_you_mean

_CLASSES: tuple[type[Augmentation], ...] = (
    *(RandomAffine, Rotation, Translation, Scale, Shear, Elastic, RandomFlip, RandomQuarterTurns),
    *(RandomResizedCrop, RandomCrop, RandomPad),
    *(Brightness, Contrast, Saturation, Hue, ColorJitter),
    *(GaussianNoise, SaltAndPepper, GaussianBlur, RandomErasing, Cutout, RandAugment, TrivialAugment),
)
REGISTRY: dict[str, type[Augmentation]] = {maker.name: maker for maker in _CLASSES}

Entry = str | Mapping[str, Any]


@dataclass(frozen=True)
class Sometimes:
    """Apply `step` to each picture with probability `p`, for the steps that have no `p` of their own."""

    step: Augmentation
    p: float

    def __post_init__(self) -> None:
        """Check `p`."""
        if isinstance(self.p, bool) or not isinstance(self.p, int | float) or not 0 <= self.p <= 1:
            raise ValueError(f"p of {self.step.name} is {self.p!r}; expected a number from 0 to 1")

    @property
    def num_random(self) -> int:
        """Give how many random numbers one picture needs."""
        return self.step.num_random + 1

    def entry(self) -> dict[str, Any]:
        """Give the step as a recipe has it."""
        return {**self.step.entry(), "p": self.p}

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, num_random), the last one decides."""
        chosen = per_picture(randoms[:, -1] < self.p)
        return torch.where(chosen, self.step(images, randoms[:, :-1]), images)


def build_step(entry: Entry) -> Augmentation | Sometimes:
    """Make one step of a name, or of {"name": ..., options}; "v2.X" is torchvision's transform X.

    Every step takes `p`, the probability that a picture is changed. Raises ValueError, with the nearest one,
    for an unknown name or option, and for an impossible value.
    """
    if isinstance(entry, str):
        entry = {"name": entry}
    if not isinstance(entry, Mapping) or not isinstance(entry.get("name"), str):
        raise ValueError(f'got {entry!r}; expected the name of an augmentation, or {{"name": ..., options}}')
    name, options = entry["name"], {key: value for key, value in entry.items() if key != "name"}
    if name.startswith(PREFIX):
        return TorchvisionTransform(name.removeprefix(PREFIX), options)
    if name not in REGISTRY:
        raise ValueError(
            f"there is no augmentation {name!r}; there are {', '.join(REGISTRY)}, and {PREFIX}X for "
            f"torchvision's X{did_you_mean(name, REGISTRY)}"
        )
    maker = REGISTRY[name]
    known = [field.name for field in fields(maker)]
    p = None if "p" in known else options.pop("p", None)
    for key in options:
        if key not in known:
            all_known = known if "p" in known else [*known, "p"]
            raise ValueError(
                f"{name} has no option {key!r}; it has {', '.join(all_known)}{did_you_mean(key, all_known)}"
            )
    step = maker(**options)
    return step if p is None else Sometimes(step, p)


def full_spec(spec: Sequence[Entry]) -> list[dict[str, Any]]:
    """Give the same steps with every option spelt out, as plain data to be saved with a run.

    A later change of a default then changes nothing for a run that is repeated.
    """
    return [build_step(entry).entry() for entry in check_list(spec)]


def check_list(spec: Sequence[Entry]) -> Sequence[Entry]:
    """Give `spec` back; ValueError unless it is a list."""
    if isinstance(spec, str | Mapping) or not isinstance(spec, Sequence):
        raise ValueError(f"got {spec!r}; expected a list of augmentations, such as ['flip', 'rotation']")
    return spec


def describe() -> list[dict[str, Any]]:
    """Give a row per augmentation: name, description, label_effect, options with their defaults."""
    return [
        {
            "name": name,
            "description": maker.description,
            "label_effect": maker.label_effect,
            "options": maker().options(),
        }
        for name, maker in REGISTRY.items()
    ]
