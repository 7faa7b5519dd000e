"""What a training configuration may hold: names, ranges, and which option works with which.

An option that is set and has no effect is an error: the reader believes that it works. Used by `config.py`.
"""

import math
from collections.abc import Mapping
from typing import Any

from course_utils.params import check_choice

OPTIMIZERS = ("adamw", "adam", "sgd", "adagrad", "rmsprop", "adabelief", "ranger")
SCHEDULES = ("one_cycle", "cosine", "constant", "step", "multi_step", "plateau", "cosine_restarts")
LOSSES = ("cross_entropy", "focal")
CLASS_WEIGHTS = ("none", "balanced")
PRECISIONS = ("float32", "bfloat16", "float16", "auto")
MEMORY_FORMATS = ("contiguous", "channels_last", "auto")
KEEP = ("best", "last")
_RAW_METRICS = ("val_accuracy", "val_balanced_accuracy", "val_loss")
METRICS = (*_RAW_METRICS, *(f"ema_{name}" for name in _RAW_METRICS))

_OPTIONS = {
    "optimizer": OPTIMIZERS,
    "schedule": SCHEDULES,
    "loss": LOSSES,
    "class_weights": CLASS_WEIGHTS,
    "metric": METRICS,
    "keep": KEEP,
    "precision": PRECISIONS,
    "memory_format": MEMORY_FORMATS,
}
_LOWEST = {  # of whole numbers
    "epochs": 1,
    "step_epochs": 1,
    "restart_factor": 1,
    "plateau_patience": 0,
    "accumulation_steps": 1,
    "freeze_epochs": 0,
    "patience": 0,
    "top_k": 0,
    "validate_every": 0,
    "seed": 0,
}
_RANGES = {
    "learning_rate": (0.0, 100.0),
    "weight_decay": (0.0, 100.0),
    "momentum": (0.0, 0.9999),
    "warmup_epochs": (0.0, 1e6),
    "decay_factor": (1e-6, 0.9999),
    "label_smoothing": (0.0, 0.99),
    "focal_gamma": (0.0, 20.0),
    "clip_norm": (0.0, 1e9),
    "ema_decay": (0.0, 0.999999),
}
_TRUTHS = ("ema_warmup", "compile", "tensorboard")

# An option, the option it belongs to, and the values of that one with which it does something.
_BELONGS = {
    "momentum": ("optimizer", ("sgd", "rmsprop")),
    "step_epochs": ("schedule", ("step", "cosine_restarts")),
    "milestones": ("schedule", ("multi_step",)),
    "decay_factor": ("schedule", ("step", "multi_step", "plateau")),
    "restart_factor": ("schedule", ("cosine_restarts",)),
    "plateau_patience": ("schedule", ("plateau",)),
    "warmup_epochs": ("schedule", tuple(name for name in SCHEDULES if name != "one_cycle")),
    "focal_gamma": ("loss", ("focal",)),
}


def higher_is_better(metric: str) -> bool:
    """Tell whether a larger value of `metric` is a better one."""
    return not metric.endswith("loss")


def check_values(values: Mapping[str, Any]) -> None:
    """Raise ValueError naming the first field whose value is impossible by itself."""
    for name, lowest in _LOWEST.items():
        if not _is_whole(values[name]) or values[name] < lowest:
            raise ValueError(f"{name} is {values[name]!r}; expected a whole number of at least {lowest}")
    for name, (low, high) in _RANGES.items():
        value = values[name]
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value) or not low <= value <= high:
            raise ValueError(f"{name} is {value!r}; expected a number from {low:g} to {high:g}")
    for name in _TRUTHS:
        if not isinstance(values[name], bool):
            raise ValueError(f"{name} is {values[name]!r}; expected True or False")
    for name, options in _OPTIONS.items():
        check_choice(name, values[name], options)
    if values["learning_rate"] == 0:
        raise ValueError("learning_rate is 0; expected more than 0, else nothing is learnt")
    _check_milestones(values["milestones"], values["epochs"])


def check_effects(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
    """Raise ValueError for an option that is away from its default and does nothing, or lacks its partner."""
    for name, (owner, owners) in _BELONGS.items():
        if values[name] != defaults[name] and values[owner] not in owners:
            why = "one_cycle has its own warm-up" if name == "warmup_epochs" else "it has no effect there"
            raise ValueError(
                f"{name} is {values[name]!r} with {owner} {values[owner]!r}: {why}. It belongs to "
                f"{' or '.join(owners)}; leave it out, or change {owner}."
            )
    if values["schedule"] == "multi_step" and not values["milestones"]:
        raise ValueError("schedule is 'multi_step' without milestones; give some, such as (30, 60)")
    if values["warmup_epochs"] >= values["epochs"]:
        raise ValueError(
            f"warmup_epochs is {values['warmup_epochs']!r} of {values['epochs']} epochs; expected fewer"
        )
    if values["keep"] == "last" and values["patience"]:
        raise ValueError(
            f"patience is {values['patience']} with keep 'last': stopping early makes no epoch the best. Set "
            "patience to 0, or keep 'best'."
        )
    if values["validate_every"] != 1 and (values["patience"] or values["schedule"] == "plateau"):
        watcher = "patience counts" if values["patience"] else "schedule 'plateau' watches"
        raise ValueError(
            f"validate_every is {values['validate_every']}, and {watcher} the validations of single epochs. "
            "Set validate_every to 1."
        )
    if values["ema_decay"] == 0:
        if values["metric"].startswith("ema_"):
            raise ValueError(f"metric is {values['metric']!r} and ema_decay 0; set ema_decay, such as 0.99")
        if values["ema_warmup"] != defaults["ema_warmup"]:
            raise ValueError("ema_warmup is False and ema_decay 0: there is no EMA. Set both or neither.")


def _check_milestones(milestones: object, epochs: int) -> None:
    wanted = f"expected a tuple of epochs that rise and lie in 1 to {epochs - 1}"
    if not isinstance(milestones, tuple) or not all(_is_whole(epoch) for epoch in milestones):
        raise ValueError(f"milestones is {milestones!r}; {wanted}")
    if list(milestones) != sorted(set(milestones)) or any(not 1 <= epoch < epochs for epoch in milestones):
        raise ValueError(f"milestones is {milestones!r}; {wanted}, since a later one is never reached")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
