"""One frozen, typed configuration of a training run, checked when it is made and saved beside the weights.

`config_rules.py` holds what is checked. Notebook 09 shows it; `config.json` in a run's folder holds it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from course_utils.params import did_you_mean
from course_utils.training import config_rules
from course_utils.training.config_rules import (
    CLASS_WEIGHTS,
    KEEP,
    LOSSES,
    MEMORY_FORMATS,
    METRICS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
)

__all__ = [
    "CLASS_WEIGHTS",
    "KEEP",
    "LOSSES",
    "MEMORY_FORMATS",
    "METRICS",
    "OPTIMIZERS",
    "PRECISIONS",
    "SCHEDULES",
    "TrainingConfig",
]


@dataclass(frozen=True, kw_only=True)
class TrainingConfig:
    """How to train. `learning_rate` is the highest of the schedule; a fraction of an epoch may be warm-up.

    Schedule: `warmup_epochs` raises the rate linearly first (one_cycle has its own). "step" multiplies it by
    `decay_factor` every `step_epochs`, "multi_step" at each of the `milestones` (epochs), "plateau" after
    `plateau_patience` epochs without a better `metric`; the first cycle of "cosine_restarts" lasts
    `step_epochs`, each next one `restart_factor` times as long.

    Loss: `class_weights` "balanced" weighs a class by the inverse of its share of the training images;
    `focal_gamma` belongs to "focal". `accumulation_steps` batches make one step, whose loss is their sum
    divided once. `clip_norm` 0 clips nothing. `freeze_epochs`: the backbone stays fixed for that many first.

    `ema_decay` above 0 also keeps a moving average of the weights (`ema_warmup`: faster at first), which is
    evaluated beside the raw ones. `keep` "best" keeps the epoch with the best `metric`; "last" the last one,
    for when no pictures are left to choose by (an ema_ `metric` then says that the average is kept).
    `patience` epochs without a better one end the training (0: never). `top_k` above 0 adds that accuracy.
    `validate_every`: epochs from one validation to the next; the last epoch is validated always, with 0 it
    alone. The columns of the others stay empty.

    `precision` and `memory_format` "auto" choose the fastest by a short measurement. `compile`: through
    torch.compile. `tensorboard`: also write its event files. Raises ValueError naming the field for an
    impossible value and for one that would have no effect.
    """

    epochs: int
    learning_rate: float = 3e-3
    optimizer: str = "adamw"
    schedule: str = "one_cycle"
    weight_decay: float = 0.01
    momentum: float = 0.9
    warmup_epochs: float = 0.0
    step_epochs: int = 10
    milestones: tuple[int, ...] = ()
    decay_factor: float = 0.1
    restart_factor: int = 2
    plateau_patience: int = 3
    loss: str = "cross_entropy"
    label_smoothing: float = 0.0
    focal_gamma: float = 2.0
    class_weights: str = "none"
    clip_norm: float = 5.0
    accumulation_steps: int = 1
    freeze_epochs: int = 0
    ema_decay: float = 0.0
    ema_warmup: bool = True
    patience: int = 0
    metric: str = "val_accuracy"
    keep: str = "best"
    top_k: int = 0
    validate_every: int = 1
    precision: str = "float32"
    memory_format: str = "contiguous"
    compile: bool = False
    tensorboard: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every field by itself, then those that need one another."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        defaults = {field.name: field.default for field in fields(self)}
        config_rules.check_values(values)
        config_rules.check_effects(values, defaults)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingConfig":
        """Make a configuration from `values`, as `as_dict` gives it or JSON or TOML holds it.

        Lists become tuples. An unknown key, and a missing `epochs`, is a ValueError.
        """
        known = [field.name for field in fields(cls)]
        for key in values:
            if key not in known:
                raise ValueError(f"{key!r} is no setting of a training run{did_you_mean(key, known)}")
        if "epochs" not in values:
            raise ValueError("the settings of a training run have no epochs; say how many passes to make")
        given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
        return cls(**given)

    def as_dict(self) -> dict[str, Any]:
        """Give the fields by name."""
        return asdict(self)

    def validates_after(self, epoch: int) -> bool:
        """Tell whether `epoch` (from 0) is followed by a validation."""
        is_turn = self.validate_every > 0 and (epoch + 1) % self.validate_every == 0
        return is_turn or epoch + 1 == self.epochs

    @property
    def higher_is_better(self) -> bool:
        """Tell whether a larger `metric` is a better one: an accuracy, not a loss."""
        return config_rules.higher_is_better(self.metric)
