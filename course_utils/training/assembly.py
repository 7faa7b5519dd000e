"""From a configuration to the parts that train: the optimiser, schedule, loss, scaler and EMA of one run."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from course_utils.data.loaders import Batches
from course_utils.models import freezing
from course_utils.training import distributed
from course_utils.training.config import TrainingConfig
from course_utils.training.ema import ModelEma
from course_utils.training.losses import balanced_class_weights, build_loss
from course_utils.training.optim import build_optimizer
from course_utils.training.precision import Engine
from course_utils.training.schedules import build_schedule
from course_utils.training.steps import Optimisation, steps_per_epoch

LossFunction = Callable[[Tensor, Tensor], Tensor]


def assemble(
    model: nn.Module,
    batches: Batches,
    *,
    config: TrainingConfig,
    engine: Engine,
    loss_function: LossFunction,
    device: torch.device,
) -> Optimisation:
    """Build what `config` names for training `model`, which lies on `device` already, on `batches`.

    Schedules count optimiser steps: with accumulation an epoch has fewer of them than batches.
    """
    optimizer = build_optimizer(
        config.optimizer,
        model,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        momentum=config.momentum,
    )
    per_epoch = steps_per_epoch(batches, config.accumulation_steps)
    schedule = build_schedule(
        config.schedule,
        optimizer,
        total_steps=config.epochs * per_epoch,
        warmup_steps=round(config.warmup_epochs * per_epoch),
        steps_per_epoch=per_epoch,
        step_epochs=config.step_epochs,
        milestones=config.milestones,
        decay_factor=config.decay_factor,
        restart_factor=config.restart_factor,
        plateau_patience=config.plateau_patience,
        higher_is_better=config.higher_is_better,
    )
    return Optimisation(
        loss_function,
        optimizer,
        schedule,
        torch.amp.GradScaler(device.type, enabled=engine.precision == "float16"),
        engine.dtype,
        config.clip_norm,
        config.accumulation_steps,
        ModelEma(model, decay=config.ema_decay, warmup=config.ema_warmup) if config.ema_decay else None,
    )


def loss_of(config: TrainingConfig, batches: Batches, given: LossFunction | None = None) -> LossFunction:
    """Give the loss that `config` names, or `given`, beside which the options of the loss have no effect.

    Balanced class weights count the training pictures. Raises ValueError for both at once.
    """
    if given is None:
        balanced = config.class_weights == "balanced"
        return build_loss(
            config.loss,
            label_smoothing=config.label_smoothing,
            focal_gamma=config.focal_gamma,
            class_weights=balanced_class_weights(_class_counts(batches)) if balanced else None,
        )
    usual = TrainingConfig(epochs=1)
    for name in ("loss", "label_smoothing", "class_weights"):
        if getattr(config, name) != getattr(usual, name):
            raise ValueError(
                f"{name} is {getattr(config, name)!r} in the configuration, and a loss_function is given: "
                "only one of them can hold. Leave the option out, or build it into the function."
            )
    return given


def in_training(model: nn.Module, *, config: TrainingConfig, epoch: int, device: torch.device) -> nn.Module:
    """Freeze or thaw `model` for `epoch` (from 0), and give what is called in training.

    That is the model itself, unless several processes or torch.compile wrap it. Wrapped anew where the
    freezing changes, since only parameters that want a gradient then are averaged over the processes.
    """
    frozen = epoch < config.freeze_epochs
    if config.freeze_epochs:
        freezing.freeze(model) if frozen else freezing.unfreeze(model)
    runner = distributed.wrap(model, device=device)
    if frozen and runner is not model:
        freezing.freeze(model)  # synchronised batch norms have taken the place of the frozen ones
    return torch.compile(runner) if config.compile else runner  # type: ignore[return-value]


def _class_counts(batches: Batches) -> np.ndarray:
    """Give how many training pictures each class has: int64 (K,)."""
    return np.bincount(batches.pictures.targets, minlength=batches.pictures.num_classes)
