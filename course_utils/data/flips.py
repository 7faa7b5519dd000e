"""Mirror and turn by right angles: no resampling, so no value changes, only its place.

The only augmentations that lose nothing. Notebook 06 shows for which sets they are allowed.
"""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from course_utils.data.augmentation_step import Augmentation, per_picture


@dataclass(frozen=True)
class RandomFlip(Augmentation):
    """Mirror each picture with probability `p`, left to right or ("vertical") top to bottom."""

    name: ClassVar[str] = "flip"
    description: ClassVar[str] = "mirrors left to right, or top to bottom"
    label_effect: ClassVar[str] = (
        "wrong for digits and text; vertical only where there is no up, as from above"
    )
    num_random: ClassVar[int] = 1
    moves_only: ClassVar[bool] = True
    LIMITS: ClassVar[dict[str, tuple[float, float]]] = {"p": (0, 1)}
    CHOICES: ClassVar[dict[str, tuple[str, ...]]] = {"direction": ("horizontal", "vertical")}

    p: float = 0.5
    direction: str = "horizontal"

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, H, W); `randoms` is (B, 1)."""
        mirrored = images.flip(-1 if self.direction == "horizontal" else -2)
        return torch.where(per_picture(randoms[:, 0] < self.p), mirrored, images)


@dataclass(frozen=True)
class RandomQuarterTurns(Augmentation):
    """Turn each square picture by 0, 90, 180 or 270 degrees to the left, each equally likely."""

    name: ClassVar[str] = "quarter_turns"
    description: ClassVar[str] = "turns by 0, 90, 180 or 270 degrees"
    label_effect: ClassVar[str] = (
        "only where there is no up: satellite pictures and seedlings, not food or digits"
    )
    num_random: ClassVar[int] = 1
    moves_only: ClassVar[bool] = True

    def __call__(self, images: Tensor, randoms: Tensor) -> Tensor:
        """Apply it to images (B, C, S, S); `randoms` is (B, 1). ValueError unless they are square."""
        height, width = images.shape[-2:]
        if height != width:
            raise ValueError(
                f"quarter_turns got pictures of {height} x {width}; a turned one would be {width} x "
                f"{height}. Make them square, or take flip in both directions."
            )
        turns = (randoms[:, 0] * 4).floor()  # (B,) 0, 1, 2 or 3
        turned = images.clone()
        for number in (1, 2, 3):
            chosen = turns == number
            turned[chosen] = images[chosen].rot90(number, (-2, -1))
        return turned
