"""The training loop: epochs of training and validation, the best weights kept, resumable to the last bit.

Read `fit` from top to bottom; `steps.py` holds what happens to one batch. Everything random follows from
(seed, epoch, step or index), and `last.pt` holds the rest, so a run that was stopped and resumed equals one
that never stopped. Notebook 05 derives the loop; 09 uses all of it.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils.data.loaders import Batches
from course_utils.evaluation import metrics
from course_utils.evaluation.predict import predict
from course_utils.models import freezing, weights
from course_utils.runs import RunFolder
from course_utils.training import checkpoint
from course_utils.training.config import TrainingConfig
from course_utils.training.early_stopping import EarlyStopping
from course_utils.training.optim import build_optimizer
from course_utils.training.schedules import build_schedule
from course_utils.training.steps import Optimisation, train_epoch


@dataclass
class FitResult:
    """What training gave: a row per epoch, and the best epoch by the configured metric.

    `history` rows have epoch (from 1), train_loss, train_accuracy, val_loss, val_accuracy, learning_rate and
    seconds. `best_epoch` counts from 1. `training_s` is the time spent on training batches alone,
    validation and saving left out.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float = float("nan")
    stopped_early: bool = False

    @property
    def training_s(self) -> float:
        """Give the seconds spent on training batches."""
        return sum(row["seconds"] for row in self.history)


def fit(
    model: nn.Module,
    train_batches: Batches,
    val_batches: Batches,
    *,
    config: TrainingConfig,
    run: RunFolder,
    loss_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    device: torch.device | str = "cpu",
    memory_format: torch.memory_format = torch.contiguous_format,
    resume: bool = False,
    progress: bool = True,
    stop_after: int | None = None,
) -> FitResult:
    """Train `model` in place and leave the best weights in it; give the history.

    `run` receives `metrics.csv`, `last.pt` after every epoch and `best.safetensors` when `config.metric`
    improved. With `resume` the run goes on after the last epoch in `last.pt` (or starts, if there is none).
    `loss_function` takes logits (B, K) and targets (B,) and gives a mean; default: cross-entropy with
    `config.label_smoothing`. `stop_after` ends after that many epochs as if the process had been stopped
    there. Raises FloatingPointError when the loss is not finite; what was saved stays.
    """
    device = torch.device(device)
    model.to(device, memory_format=memory_format)  # type: ignore[call-overload]
    optimizer = build_optimizer(
        config.optimizer,
        model,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        momentum=config.momentum,
    )
    schedule = build_schedule(
        config.schedule,
        optimizer,
        total_steps=config.epochs * len(train_batches),
        warmup_steps=round(config.warmup_epochs * len(train_batches)),
    )
    scaler = torch.amp.GradScaler(device.type, enabled=config.precision == "float16")
    parts = Optimisation(
        loss_function or nn.CrossEntropyLoss(label_smoothing=config.label_smoothing),
        optimizer,
        schedule,
        scaler,
        getattr(torch, config.precision),
        config.clip_norm,
    )
    stopping = EarlyStopping(config.patience, higher_is_better=config.metric.endswith("accuracy"))
    result = FitResult()
    if resume and (run.path / "last.pt").exists():
        _restore(run, model, parts, stopping, result)

    first_epoch = len(result.history)
    last_epoch = config.epochs if stop_after is None else min(config.epochs, stop_after)
    num_images = (last_epoch - first_epoch) * train_batches.num_images
    with tqdm(total=max(0, num_images), unit="img", desc="training", disable=not progress) as bar:
        for epoch in range(first_epoch, last_epoch):
            if stopping.should_stop:
                break
            if config.freeze_epochs:
                freezing.freeze(model) if epoch < config.freeze_epochs else freezing.unfreeze(model)
            model.train()
            rate, started = optimizer.param_groups[0]["lr"], time.perf_counter()
            sums = train_epoch(
                model,
                train_batches,
                parts,
                epoch=epoch,
                seed=config.seed,
                device=device,
                memory_format=memory_format,
                on_step=bar.update,
            )
            seconds = time.perf_counter() - started
            val_loss, val_accuracy = evaluate(model, val_batches, device=device)
            row = {
                "epoch": epoch + 1,
                "train_loss": sums.mean_loss,
                "train_accuracy": sums.accuracy,
                "val_loss": val_loss,
                "val_accuracy": val_accuracy,
                "learning_rate": rate,
                "seconds": round(seconds, 3),
            }
            result.history.append(row)
            improved = stopping.update(row[config.metric], epoch)
            if improved:
                weights.save_weights(
                    run.path / "best.safetensors",
                    model.state_dict(),
                    class_names=train_batches.pictures.class_names,
                    metadata={"epoch": epoch + 1, config.metric: row[config.metric]},
                )
            checkpoint.save_last(run.path / "last.pt", _state(config, model, parts, stopping, result))
            run.append_metrics_row(row)
            bar.set_postfix_str(f"epoch {epoch + 1}/{config.epochs}, val accuracy {val_accuracy:.3f}")

    result.stopped_early = stopping.should_stop and len(result.history) < config.epochs
    if stopping.best_epoch is not None:
        result.best_epoch, result.best_value = stopping.best_epoch + 1, float(stopping.best or 0.0)
        weights.load_weights(model, run.path / "best.safetensors")
    return result


def evaluate(
    model: nn.Module, batches: Batches, *, device: torch.device | str = "cpu"
) -> tuple[float, float]:
    """Give the mean cross-entropy (natural logarithm) and the accuracy in [0, 1] over all pictures."""
    predictions = predict(model, batches, device=device)
    loss = metrics.log_loss(predictions.logits, predictions.targets)
    return loss, metrics.accuracy(predictions.predicted, predictions.targets)


def _state(
    config: TrainingConfig, model: nn.Module, parts: Optimisation, stopping: EarlyStopping, result: FitResult
) -> dict[str, Any]:
    return {
        "config": config.as_dict(),
        "model": model.state_dict(),
        "optimizer": parts.optimizer.state_dict(),
        "schedule": parts.schedule.state_dict(),
        "scaler": parts.scaler.state_dict(),
        "stopping": vars(stopping).copy(),
        "history": [dict(row) for row in result.history],
    }


def _restore(
    run: RunFolder, model: nn.Module, parts: Optimisation, stopping: EarlyStopping, result: FitResult
) -> None:
    state = checkpoint.load_last(run.path / "last.pt")
    model.load_state_dict(state["model"])
    parts.optimizer.load_state_dict(state["optimizer"])
    parts.schedule.load_state_dict(state["schedule"])
    parts.scaler.load_state_dict(state["scaler"])
    vars(stopping).update(state["stopping"])
    result.history.extend(state["history"])
