"""The sections of a recipe that say what is trained on what: [data] and [model]. [training] is
`training.config.TrainingConfig`.

Plain values only, checked when they are made, so that a recipe can be read without torch.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from course_utils.data.resizing import FITS, INTERPOLATIONS
from course_utils.params import check_choice

NORMALISATIONS = ("data", "model", "imagenet", "half")
KEEP_TOGETHER = ("exact", "near", "none")
DAMAGED = ("stop", "leave_out")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """Which pictures, how they are split, read, augmented and dealt out.

    Which: `name` is a set of the catalog, or any name for one of your own; `source` is "sample", "kaggle",
    "download", or the path of a folder or archive. `damaged`: "stop" at pictures that cannot be read, or
    "leave_out". `max_images` above 0 takes about so many of each part.

    Split: parts that the set comes with stay as they are; missing ones are held out of the training pictures,
    stratified, by `val_fraction` and `test_fraction`, or with `num_folds` by fold number `fold` (from 0),
    which is the test part. `keep_together` keeps "exact" or also "near" copies on one side. `val_fraction` 0:
    all of the rest is trained on, and the last epoch's weights are kept, since there is nothing to choose by.
    `test_fraction` 0: the validation part is what is reported on.

    Reading: square pictures of `image_size` pixels, `mode` "RGB" or "L" (grey), by the rules `fit` and
    `interpolation` of `data.resizing`. `normalisation`: "data" (statistics of the training part), "model"
    (what the pretrained weights expect), "imagenet", or "half" (0.5 and 0.5). `cache`: decode once, into a
    file in the data folder that later runs find.

    Batches: `augment` lists steps of `data.augmentations`, `mixing` holds the options of `data.mixing`
    (except label_smoothing they are its defaults; smoothing is `training.label_smoothing`), `num_workers`
    processes prepare batches ahead. Raises ValueError naming the field.
    """

    name: str
    source: str = "sample"
    image_size: int = 128
    mode: str = "RGB"
    fit: str = "squash"
    interpolation: str = "bilinear"
    normalisation: str = "data"
    val_fraction: float = 0.15
    test_fraction: float = 0.15
    num_folds: int = 0
    fold: int = 0
    split_seed: int = 42
    keep_together: str = "exact"
    damaged: str = "stop"
    max_images: int = 0
    batch_size: int = 64
    num_workers: int = 0
    cache: bool = True
    augment: tuple[Any, ...] = ()
    mixing: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        """Check every field."""
        if not self.name.strip():
            raise ValueError("name is empty; expected a set of the catalog, or any name for your own set")
        for field, options in _DATA_OPTIONS.items():
            check_choice(field, getattr(self, field), options)
        for field, lowest in _DATA_LOWEST.items():
            if getattr(self, field) < lowest:
                raise ValueError(f"{field} is {getattr(self, field)}; expected at least {lowest}")
        for field in ("val_fraction", "test_fraction"):
            if not 0 <= getattr(self, field) < 1:
                raise ValueError(f"{field} is {getattr(self, field)}; expected 0, or a number below 1")
        if self.val_fraction + self.test_fraction >= 1:
            raise ValueError(
                f"val_fraction {self.val_fraction} and test_fraction {self.test_fraction} leave nothing to "
                "train on; lower them"
            )
        if self.num_folds == 1 or self.fold >= max(1, self.num_folds):
            raise ValueError(
                f"fold is {self.fold} of {self.num_folds}; expected 2 folds or more, counted from 0, or "
                "num_folds = 0 and fold = 0"
            )
        if self.num_folds == 0 and self.val_fraction == self.test_fraction == 0:
            raise ValueError(
                "val_fraction and test_fraction are both 0: nothing is left to measure on. Hold out a part."
            )


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Which network: the arguments of `models.factory.build_model`, which has the details.

    What is left out keeps the network's own default. The class count, the channels and the image size follow
    from the data. `batch_norm_momentum`: how fast batch norms forget; short runs need 0.1 (see
    `models.normalisation`). `head_start`: see `models.heads.restart_head`.
    """

    name: str
    pretrained: bool = False
    fine_tune: str = "all"
    drop_rate: float | None = None
    drop_path_rate: float | None = None
    keep_resolution: int = 0
    width_factor: float = 1.0
    batch_norm_momentum: float | None = None
    head_start: str = "quiet"

    def __post_init__(self) -> None:
        """Check what needs no network to be checked."""
        for field in ("drop_rate", "drop_path_rate"):
            value = getattr(self, field)
            if value is not None and not 0 <= value < 1:
                raise ValueError(f"{field} is {value}; expected 0, or a number below 1")
        if self.keep_resolution < 0 or self.width_factor <= 0:
            raise ValueError(
                f"keep_resolution is {self.keep_resolution} and width_factor {self.width_factor}; expected 0 "
                "or more, and more than 0"
            )
        check_choice("head_start", self.head_start, ("quiet", "library"))
        if self.head_start != "quiet" and not self.pretrained:
            raise ValueError(
                "head_start is 'library' and pretrained false: then the whole network starts as its library "
                "has it, and the option has no effect. Leave it out, or set pretrained."
            )
        if self.batch_norm_momentum is not None and not 0 < self.batch_norm_momentum <= 1:
            raise ValueError(
                f"batch_norm_momentum is {self.batch_norm_momentum}; expected more than 0, at most 1"
            )


_DATA_OPTIONS = {
    "mode": ("RGB", "L"),
    "fit": FITS,
    "interpolation": tuple(INTERPOLATIONS),
    "normalisation": NORMALISATIONS,
    "keep_together": KEEP_TOGETHER,
    "damaged": DAMAGED,
}
_DATA_LOWEST = {
    "image_size": 1,
    "num_folds": 0,
    "fold": 0,
    "split_seed": 0,
    "max_images": 0,
    "batch_size": 1,
    "num_workers": 0,
}
