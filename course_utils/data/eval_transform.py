"""What a picture goes through before a network sees it, as plain data that is saved with the run.

Size, resize rule, interpolation, mean and std have to be those of training (or of the pretrained network), or
accuracy is lost in silence: notebook 08 shows how much. `as_dict` goes into the run's folder, `from_dict`
brings it back for prediction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from course_utils.data.images import read_image
from course_utils.data.resizing import check_rule
from course_utils.data.transforms import normalise
from course_utils.params import did_you_mean


@dataclass(frozen=True, kw_only=True)
class EvalTransform:
    """Read, resize by a rule, normalise: no chance in it.

    `size` is (height, width); `fit` and `interpolation` are those of `resizing`; `mean` and `std` per
    channel, of values in [0, 1]: one number each reads grey pictures, three read colour.
    """

    size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "squash"
    interpolation: str = "bilinear"

    def __post_init__(self) -> None:
        """Check every field."""
        check_rule(self.fit, self.interpolation)
        for name in ("size", "mean", "std"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if len(self.size) != 2 or min(self.size) < 1:
            raise ValueError(f"size is {self.size}; expected (height, width) of at least 1 pixel each")
        if len(self.mean) not in (1, 3) or len(self.mean) != len(self.std):
            raise ValueError(
                f"got {len(self.mean)} means and {len(self.std)} standard deviations; expected 1 or 3 of each"
            )
        if min(self.std) <= 0:
            raise ValueError(f"std is {self.std}; expected numbers above 0")

    @property
    def mode(self) -> str:
        """Give how pictures are read: "L" with one channel, "RGB" with three."""
        return "L" if len(self.mean) == 1 else "RGB"

    def reading(self) -> dict[str, Any]:
        """Give the options that `datasets.labelled`, `unlabelled` and `read_image` take."""
        return {"size": self.size, "mode": self.mode, "fit": self.fit, "interpolation": self.interpolation}

    def __call__(self, paths: Sequence[str | Path]) -> Tensor:
        """Read the pictures at `paths`: float32 (B, C, H, W), normalised. ImageError for a bad file."""
        pixels = np.stack([read_image(path, **self.reading()) for path in paths])  # (B, H, W, C)
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(torch.float32) / 255
        return normalise(images, self.mean, self.std)

    def as_dict(self) -> dict[str, Any]:
        """Give the fields by name, as plain data: tuples as lists."""
        return {
            key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EvalTransform":
        """Make it from what `as_dict` gave; an unknown key is a ValueError."""
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise ValueError(f"{key!r} is no setting of an EvalTransform{did_you_mean(key, known)}")
        return cls(**values)
