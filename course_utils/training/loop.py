"""The training loop: epochs of training and validation, the best weights kept, resumable to the last bit.

Read `fit` from top to bottom; `steps.py` holds what happens to one batch, `state.py` what is saved, and
`assembly.py` how a configuration becomes an optimiser and its companions. Everything random follows from
(seed, kind, epoch, index), and `last.pt` holds the rest, so a run that was stopped and resumed equals one
that never stopped. Notebook 05 derives the loop; 09 uses all of it.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from course_utils.data.loaders import Batches
from course_utils.runs import RunFolder
from course_utils.training import distributed
from course_utils.training.assembly import in_training
from course_utils.training.config import TrainingConfig
from course_utils.training.interrupts import terminable, workers_closed_on_error
from course_utils.training.memory import memory_kept
from course_utils.training.state import Training, start
from course_utils.training.steps import EpochSums, train_epoch
from course_utils.training.validation import evaluate, not_validated, validate_both

__all__ = ["FitResult", "evaluate", "fit"]


@dataclass
class FitResult:
    """What training gave: a row per epoch, and the epoch that is kept: the best by the metric, or the last.

    `history` rows have epoch (from 1), train_loss, train_accuracy, the columns of `validation.validate` (with
    an EMA once more, as ema_val_..., and None where `validate_every` left the epoch out), learning_rate (at
    the start of the epoch) and seconds. `best_epoch` counts from 1. `training_s` is the time spent on
    training batches alone, validation and saving left out.
    """

    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int = 0
    best_value: float = float("nan")
    stopped_early: bool = False

    @property
    def training_s(self) -> float:
        """Give the seconds spent on training batches."""
        return sum(row["seconds"] for row in self.history)


@memory_kept()
def fit(
    model: nn.Module,
    train_batches: Batches,
    val_batches: Batches,
    *,
    config: TrainingConfig,
    run: RunFolder,
    loss_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    device: torch.device | str = "cpu",
    memory_format: torch.memory_format | None = None,
    resume: bool = False,
    progress: bool = True,
    stop_after: int | None = None,
) -> FitResult:
    """Train `model` in place and leave the best weights in it; give the history.

    `run` receives `engine.json`, then after each epoch `best.safetensors` if `config.metric` improved, or
    always with keep "last" (the averaged weights for an ema_ metric), `last.pt`, `metrics.csv` and
    `per_class.csv`. With `resume` the run goes on after the last epoch in `last.pt` (or starts, if there
    is none); its settings must be the same. `loss_function` takes logits (B, K) and targets and gives a
    mean; default: the one of `config`. `memory_format` overrides that of `config`. `stop_after` ends
    after that many epochs as if the process had been stopped there. Memory that one step frees is kept for
    the next one, and given back at the end (`memory.memory_kept`).

    Raises FloatingPointError when the loss is not finite, and KeyboardInterrupt at Ctrl-C or SIGTERM. Either
    way the worker processes are ended, the last finished epoch is on disk, and `model` holds weights from the
    middle of an epoch.
    """
    device = torch.device(device)
    training = start(
        model,
        train_batches,
        config=config,
        run=run,
        loss_function=loss_function,
        device=device,
        memory_format=memory_format,
        resume=resume,
    )
    parts, engine, stopping = training.parts, training.engine, training.stopping
    shown = progress and distributed.current().is_main
    if shown and engine.is_measured:
        tqdm.write(str(engine))

    first = len(training.history)
    last = config.epochs if stop_after is None else min(config.epochs, stop_after)
    num_images = max(0, last - first) * train_batches.num_images
    bar = tqdm(total=num_images, unit="img", desc="training", disable=not shown)
    with workers_closed_on_error(train_batches, val_batches), terminable(), training.log, bar:
        for epoch in range(first, last):
            if stopping.should_stop:
                break
            if epoch in (first, config.freeze_epochs):
                runner = in_training(model, config=config, epoch=epoch, device=device)
            runner.train()
            rate, started = parts.optimizer.param_groups[0]["lr"], time.perf_counter()
            sums = train_epoch(
                runner,
                train_batches,
                parts,
                epoch=epoch,
                seed=config.seed,
                device=device,
                memory_format=engine.torch_format,
                on_step=bar.update,
            )
            seconds = time.perf_counter() - started
            averaged = None if parts.ema is None else parts.ema.module
            if config.validates_after(epoch):
                found = validate_both(model, averaged, val_batches, device=device, top_k=config.top_k)
            else:
                found = not_validated(val_batches, has_average=averaged is not None, top_k=config.top_k)
            row = _row(epoch, sums, found.columns, rate, seconds)
            training.finish_epoch(row, found.per_class_of(config.metric))
            shown_metric = "train_accuracy" if row[config.metric] is None else config.metric
            bar.set_postfix_str(f"epoch {epoch + 1}/{config.epochs}, {shown_metric} {row[shown_metric]:.3f}")
    return _result(training)


def _row(
    epoch: int, sums: EpochSums, validated: dict[str, float | None], rate: float, seconds: float
) -> dict[str, Any]:
    return {
        "epoch": epoch + 1,
        "train_loss": sums.mean_loss,
        "train_accuracy": sums.accuracy,
        **validated,
        "learning_rate": rate,
        "seconds": round(seconds, 3),
    }


def _result(training: Training) -> FitResult:
    """Leave the weights that are kept in the model, and say which epoch they are from."""
    stopping, history = training.stopping, training.history
    result = FitResult(history)
    result.stopped_early = stopping.should_stop and len(history) < training.config.epochs
    if training.config.keep == "last" and history:
        value = history[-1][training.config.metric]
        result.best_epoch, result.best_value = len(history), math.nan if value is None else value
    elif stopping.best_epoch is not None:
        result.best_epoch, result.best_value = stopping.best_epoch + 1, float(stopping.best or 0.0)
    if result.best_epoch:
        training.load_kept()
    return result
