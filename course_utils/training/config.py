"""One frozen, typed configuration of a training run, checked when it is made and saved beside the weights.

Notebook 09 shows it; `config.json` in a run's folder holds it.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from course_utils.params import did_you_mean

OPTIMIZERS = ("adamw", "adam", "sgd")
SCHEDULES = ("one_cycle", "cosine", "constant")
PRECISIONS = ("float32", "bfloat16", "float16")
METRICS = ("val_accuracy", "val_loss")


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How to train. `learning_rate` is the highest of the schedule.

    `warmup_epochs` (may be a fraction) raises the rate linearly before a cosine or constant schedule;
    one-cycle has its own. `clip_norm` 0 clips nothing. `freeze_epochs`: the backbone stays fixed for that
    many epochs first. `patience` 0 never stops early; else training ends when `metric` has not improved for
    that many epochs. Raises ValueError naming the field for an impossible value.
    """

    epochs: int
    learning_rate: float = 3e-3
    optimizer: str = "adamw"
    schedule: str = "one_cycle"
    weight_decay: float = 0.01
    momentum: float = 0.9
    warmup_epochs: float = 0.0
    label_smoothing: float = 0.0
    clip_norm: float = 5.0
    freeze_epochs: int = 0
    patience: int = 0
    metric: str = "val_accuracy"
    precision: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field."""
        for name in ("epochs", "freeze_epochs", "patience", "seed"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < (name == "epochs"):
                raise ValueError(
                    f"{name} is {value!r}; expected a whole number of at least {int(name == 'epochs')}."
                )
        for name, lowest, highest in _RANGES:
            value = getattr(self, name)
            if (
                not isinstance(value, int | float)
                or not math.isfinite(value)
                or not lowest <= value <= highest
            ):
                raise ValueError(f"{name} is {value!r}; expected a number from {lowest:g} to {highest:g}.")
        if self.learning_rate == 0:
            raise ValueError("learning_rate is 0; expected more than 0, else nothing is learnt.")
        for name, options in _OPTIONS.items():
            value = getattr(self, name)
            if value not in options:
                raise ValueError(
                    f"{name} is {value!r}; expected one of {', '.join(options)}"
                    f"{did_you_mean(str(value), options)}"
                )

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingConfig":
        """Make a configuration from `values`, as `as_dict` gives it; an unknown key is a ValueError."""
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise ValueError(f"{key!r} is no setting of a training run{did_you_mean(key, known)}")
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Give the fields by name."""
        return asdict(self)


_RANGES = (
    ("learning_rate", 0.0, 100.0),
    ("weight_decay", 0.0, 100.0),
    ("momentum", 0.0, 0.9999),
    ("warmup_epochs", 0.0, 1e6),
    ("label_smoothing", 0.0, 0.99),
    ("clip_norm", 0.0, 1e9),
)
_OPTIONS = {"optimizer": OPTIMIZERS, "schedule": SCHEDULES, "metric": METRICS, "precision": PRECISIONS}
