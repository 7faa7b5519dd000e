"""What an augmentation is: options that are checked, and a pure function of pictures and random numbers.

A step takes images and the random numbers it may use, one row per picture, and nothing else: so the same
(seed, epoch, index) gives the same picture whoever asks. Its class says its name in a recipe, what it does,
and what it may do to a label. Notebook 06 shows each step by picture.
"""

import math
import numbers
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor

from course_utils.params import check_choice

FILLS = ("zeros", "border", "reflection")


class Step(Protocol):
    """What an augmentation step is: `num_random` numbers in [0, 1) per picture decide what it does."""

    @property
    def num_random(self) -> int:
        """Give how many random numbers one picture needs."""

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Map images (B, C, H, W) in [0, 1] and `randoms` (B, num_random) to images of the same shape."""


@dataclass(frozen=True)
class Augmentation(ABC):
    """A step of the course. Its fields are its options, and every one is checked when the step is made.

    `name` stands in recipes, `description` says what happens, `label_effect` what it may do to the class of a
    picture. `moves_only` tells that no value changes, only its place, so that bytes will do. `LIMITS` holds
    (lowest, highest) of the numbers, `CHOICES` the words an option may be. A pair is (low, high) and may come
    as a list, as TOML has no tuples.
    """

    name: ClassVar[str] = ""
    description: ClassVar[str] = ""
    label_effect: ClassVar[str] = ""
    num_random: ClassVar[int] = 0
    moves_only: ClassVar[bool] = False
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {}

    def __post_init__(self) -> None:
        """Raise ValueError, naming the option, for a value of the wrong type or out of range."""
        for field in fields(self):
            value, where = getattr(self, field.name), f"{field.name} of {self.name}"
            if isinstance(field.default, tuple):
                value = _as_pair(value, where)
                object.__setattr__(self, field.name, value)
                whole = isinstance(field.default[0], int)
                for number in value:
                    _check_number(number, where, self.LIMITS.get(field.name), whole=whole)
            elif isinstance(field.default, bool):
                if not isinstance(value, bool):
                    raise ValueError(f"{where} is {value!r}; expected true or false")
            elif isinstance(field.default, int | float):
                _check_number(value, where, self.LIMITS.get(field.name), whole=isinstance(field.default, int))
            elif field.name in self.CHOICES:
                check_choice(where, value, self.CHOICES[field.name])

    def options(self) -> dict[str, Any]:
        """Give every option with its value, as plain data: pairs as lists."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in values.items()}

    def entry(self) -> dict[str, Any]:
        """Give the step as a recipe has it: its name and every option."""
        return {"name": self.name, **self.options()}

    @abstractmethod
    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Map images (B, C, H, W) in [0, 1] and `randoms` (B, num_random) to images of the same shape."""


def between(randoms: Tensor, low: float, high: float) -> Tensor:
    """Stretch numbers in [0, 1) to [low, high)."""
    return low + randoms * (high - low)


def per_picture(values: Tensor) -> Tensor:
    """Give (B,) values the shape (B, 1, 1, 1), to meet images (B, C, H, W)."""
    return values[:, None, None, None]


def seeds(randoms: Tensor) -> Iterator[int]:
    """Make one whole-number seed per row of `randoms` (B, 2): 24 bits from each number, which float32 holds.

    For steps that need as many numbers as there are pixels, or a library that has its own generator.
    """
    halves = (randoms[:, :2].double() * 2**24).to(torch.int64)  # (B, 2)
    return iter((halves[:, 0] * 2**24 + halves[:, 1]).tolist())


def pixel_uniforms(images: Tensor, randoms: Tensor, channels: int) -> Tensor:
    """Give independent numbers in [0, 1) for each pixel: (B, channels, H, W), seeded by `randoms` (B, 2).

    A generator per picture, made on the CPU, so that neither the batch nor the device matters.
    """
    shape = (channels, *images.shape[-2:])
    rows = [torch.rand(shape, generator=torch.Generator().manual_seed(seed)) for seed in seeds(randoms)]
    return torch.stack(rows).to(images.device, images.dtype)


def _as_pair(value: object, where: str) -> tuple[Any, Any]:
    if not isinstance(value, list | tuple) or len(value) != 2:
        raise ValueError(f"{where} is {value!r}; expected two numbers, (low, high)")
    low, high = value
    if isinstance(low, numbers.Real) and isinstance(high, numbers.Real) and low > high:
        raise ValueError(f"{where} is {value!r}; expected (low, high), the lower number first")
    return low, high


def _check_number(value: Any, where: str, limits: tuple[float, float] | None, whole: bool = False) -> None:
    kind = numbers.Integral if whole else numbers.Real
    fits = isinstance(value, kind) and not isinstance(value, bool) and math.isfinite(value)
    if fits and limits is not None:
        fits = limits[0] <= value <= limits[1]
    if not fits:
        span = "" if limits is None else f" from {limits[0]:g} to {limits[1]:g}"
        raise ValueError(f"{where} is {value!r}; expected a {'whole ' if whole else ''}number{span}")
