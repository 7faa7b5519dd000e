"""All that changes while a run trains: how it starts, what is saved after an epoch, how it is taken up again.

Only rank 0 reads and writes the run's folder; what it reads it tells the other processes, which may run on
machines that do not have the folder.
"""

import json
import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from course_utils.data.loaders import Batches
from course_utils.models import weights
from course_utils.runs import RunFolder
from course_utils.training import checkpoint, distributed
from course_utils.training.assembly import LossFunction, assemble, loss_of
from course_utils.training.config import TrainingConfig
from course_utils.training.early_stopping import EarlyStopping
from course_utils.training.logs import RunLog
from course_utils.training.precision import FORMATS, Engine, choose_engine
from course_utils.training.steps import Optimisation


@dataclass
class Training:
    """A run between two epochs. `history` has a row per epoch, `stopping` knows the best one so far."""

    model: nn.Module
    parts: Optimisation
    engine: Engine
    config: TrainingConfig
    run: RunFolder
    log: RunLog
    stopping: EarlyStopping
    class_names: tuple[str, ...]
    history: list[dict[str, Any]] = field(default_factory=list)

    def finish_epoch(self, row: dict[str, Any], per_class: list[float]) -> None:
        """Take the figures of an epoch: change the schedule, save weights to keep, state and log."""
        value = math.nan if row[self.config.metric] is None else row[self.config.metric]
        self.history.append(row)
        self.log.per_class.append(per_class)
        self.parts.schedule.epoch_end(value)
        improved = self.stopping.update(value, row["epoch"] - 1)
        if not distributed.current().is_main:
            return
        if improved or self.config.keep == "last":
            self._save_kept(row["epoch"], row[self.config.metric])
        checkpoint.save_last(self.run.path / "last.pt", self.state_dict())
        self.log.write(row)

    def load_kept(self) -> None:
        """Put the weights that are kept, the best or the last, into the model."""
        path = self.run.path / "best.safetensors"
        best = weights.read_weights(path) if distributed.current().is_main else None
        self.model.load_state_dict(distributed.broadcast_object(best))

    def state_dict(self) -> dict[str, Any]:
        """Give all that the next epoch depends on, as tensors and plain values."""
        parts = self.parts
        return {
            "config": self.config.as_dict(),
            "engine": self.engine.as_dict(),
            "model": self.model.state_dict(),
            "ema": None if parts.ema is None else parts.ema.state_dict(),
            "optimizer": parts.optimizer.state_dict(),
            "schedule": parts.schedule.state_dict(),
            "scaler": parts.scaler.state_dict(),
            "stopping": vars(self.stopping).copy(),
            "history": [dict(row) for row in self.history],
            "per_class": [list(accuracies) for accuracies in self.log.per_class],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict()` of a run with the same settings."""
        parts = self.parts
        self.model.load_state_dict(state["model"])
        if parts.ema is not None:
            parts.ema.load_state_dict(state["ema"])
        parts.optimizer.load_state_dict(state["optimizer"])
        parts.schedule.load_state_dict(state["schedule"])
        parts.scaler.load_state_dict(state["scaler"])
        vars(self.stopping).update(state["stopping"])
        self.history = [dict(row) for row in state["history"]]
        self.log.per_class = [list(accuracies) for accuracies in state["per_class"]]
        if self.history and distributed.current().is_main:
            self.log.write(self.history[-1])  # killed between the two files, `last.pt` is ahead of the log

    def _save_kept(self, epoch: int, value: float | None) -> None:
        ema, averaged = self.parts.ema, self.config.metric.startswith("ema_")
        best = ema.module if averaged and ema is not None else self.model
        weights.save_weights(
            self.run.path / "best.safetensors",
            best.state_dict(),
            class_names=self.class_names,
            metadata={
                "epoch": epoch,
                self.config.metric: value,
                "kept": self.config.keep,
                "averaged": averaged,
            },
        )


def start(
    model: nn.Module,
    batches: Batches,
    *,
    config: TrainingConfig,
    run: RunFolder,
    loss_function: LossFunction | None,
    device: torch.device,
    memory_format: torch.memory_format | None,
    resume: bool,
) -> Training:
    """Give a run at its start or, with `resume`, after the last epoch in its `last.pt`, if there is one.

    Raises ValueError when that run had other settings.
    """
    processes = distributed.current()
    if batches.world_size != processes.world_size:
        raise ValueError(
            f"the training batches are for {batches.world_size} processes, but {processes.world_size} run; "
            "make them with the rank and world_size of distributed.current()"
        )
    distributed.check_shares(batches)
    loss = loss_of(config, batches, loss_function)
    saved = _saved_state(run, config) if resume else None
    engine = _stored_engine(run, saved) if resume else None
    if engine is None:
        engine = _new_engine(model, batches, config, loss, device, memory_format)
        if processes.is_main:
            run.write_json("engine.json", engine.as_dict())
    model.to(device, memory_format=engine.torch_format)  # type: ignore[call-overload]
    names = tuple(batches.pictures.class_names)
    training = Training(
        model,
        assemble(model, batches, config=config, engine=engine, loss_function=loss, device=device),
        engine,
        config,
        run,
        RunLog(run, names, tensorboard=config.tensorboard and processes.is_main),
        EarlyStopping(config.patience, higher_is_better=config.higher_is_better),
        names,
    )
    if saved is not None:
        training.load_state_dict(saved)
    return training


def _saved_state(run: RunFolder, config: TrainingConfig) -> dict[str, Any] | None:
    path = run.path / "last.pt"
    state = None
    if distributed.current().is_main and path.exists():
        state = checkpoint.load_last(path)
        checkpoint.check_config(state, config.as_dict(), path)
    return distributed.broadcast_object(state)


def _stored_engine(run: RunFolder, saved: dict[str, Any] | None) -> Engine | None:
    """Give the choice that the run was started with, also when it stopped before its first epoch ended."""
    path = run.path / "engine.json"
    stored = None
    if saved is not None:
        stored = saved["engine"]
    elif distributed.current().is_main and path.is_file():
        stored = json.loads(path.read_text(encoding="utf-8"))
    stored = distributed.broadcast_object(stored)
    return None if stored is None else Engine.from_dict(stored)


def _new_engine(
    model: nn.Module,
    batches: Batches,
    config: TrainingConfig,
    loss: LossFunction,
    device: torch.device,
    override: torch.memory_format | None,
) -> Engine:
    """Choose the engine; all processes measure at the same time, as they will work, and take rank 0's."""
    names = {value: name for name, value in FORMATS.items()}
    if override is not None and override not in names:
        raise ValueError(f"memory_format is {override}; expected torch's contiguous_format or channels_last")
    engine = choose_engine(
        model,
        batches,
        precision=config.precision,
        memory_format=config.memory_format if override is None else names[override],
        loss_function=loss,
        device=device,
    )
    return Engine.from_dict(distributed.broadcast_object(engine.as_dict()))
