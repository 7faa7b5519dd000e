"""What happens to the batches of one optimiser step, and to one epoch of steps.

The order matters and is often got wrong: scale the loss, backward, *unscale*, clip, step, update the scale.
Clipping before unscaling would clip gradients that are 65,536 times too large. Without float16 the scaler is
disabled and every one of its calls does nothing, so there is one path for all precisions.

A step may see several batches (gradient accumulation) and several processes. Its loss is always the sum over
all of their pictures divided once by the sum of their weights, never a mean of means, since batches differ in
size. Notebook 05 derives the loop.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from course_utils import runtime
from course_utils.data.loaders import Batch, Batches
from course_utils.training import distributed
from course_utils.training.ema import ModelEma
from course_utils.training.schedules import Schedule


@dataclass
class Optimisation:
    """The parts that change weights: loss, optimiser, schedule, gradient scaler, and how to call them.

    `loss_function` gives the mean over a batch. If it weighs pictures, it has `weight_of`, too (as those
    of `losses.py` have). `precision`: of the forward pass. `clip_norm` 0 clips nothing. `accumulation_steps`
    batches make one step. `ema` follows the model `averaged` after each step.
    """

    loss_function: Callable[[Tensor, Tensor], Tensor]
    optimizer: torch.optim.Optimizer
    schedule: Schedule
    scaler: torch.amp.GradScaler
    precision: torch.dtype
    clip_norm: float
    accumulation_steps: int = 1
    ema: ModelEma | None = None


@dataclass
class EpochSums:
    """Sums over a step or an epoch, of all processes; the averages divide once, so batches count by size."""

    loss: float = 0.0
    weight: float = 0.0
    correct: int = 0
    images: int = 0

    @property
    def mean_loss(self) -> float:
        """Give the loss per image, by the weights of the loss; NaN of images that weigh nothing."""
        return self.loss / self.weight if self.weight else math.nan

    @property
    def accuracy(self) -> float:
        """Give the share of correctly classified images, in [0, 1]."""
        return self.correct / self.images

    def add(self, more: "EpochSums") -> None:
        """Count what `more` has counted, too."""
        self.loss += more.loss
        self.weight += more.weight
        self.correct += more.correct
        self.images += more.images


def train_epoch(
    model: nn.Module,
    batches: Batches,
    parts: Optimisation,
    *,
    epoch: int,
    seed: int,
    device: torch.device,
    memory_format: torch.memory_format = torch.contiguous_format,
    on_step: Callable[[int], None] | None = None,
) -> EpochSums:
    """Go once through the training batches of `epoch`; `on_step` is called with the images of each step.

    Dropout draws from (seed, "dropout", epoch, batch), so an epoch does not depend on the ones before. Raises
    FloatingPointError at the first loss that is not finite, naming epoch, step and learning rate; that step
    changes no weights. Nor does a step whose pictures all weigh nothing, by class weights of 0; an epoch of
    nothing else is a ValueError.
    """
    rank = batches.rank
    dropout = "dropout" if rank == 0 else f"dropout of rank {rank}"
    total = EpochSums()
    for step, group in enumerate(_groups(batches.epoch(epoch), parts.accumulation_steps)):
        first = step * parts.accumulation_steps
        seeds = [runtime.derive_seed(seed, dropout, epoch, first + place) for place in range(len(group))]
        parts.optimizer.zero_grad()
        sums = _add_gradients(model, group, parts, batches, seeds, device, memory_format)
        if not math.isfinite(sums.loss):
            num_steps = steps_per_epoch(batches, parts.accumulation_steps)
            raise _not_finite(sums.mean_loss, epoch, step, num_steps, parts.optimizer)
        if sums.weight > 0:
            _change_weights(model, parts, device)
        total.add(sums)
        if on_step is not None:
            on_step(sums.images)
    if total.weight == 0:
        raise ValueError(
            f"the training pictures of epoch {epoch + 1} weigh nothing: the loss gives each of their classes "
            "the weight 0. Give the classes that are to be learnt a weight above 0."
        )
    return total


def steps_per_epoch(batches: Batches, accumulation_steps: int = 1) -> int:
    """Give the number of optimiser steps in an epoch; batches that are left over make a step of their own."""
    return -(-len(batches) // accumulation_steps)


def _add_gradients(
    model: nn.Module,
    group: list[Batch],
    parts: Optimisation,
    batches: Batches,
    seeds: list[int],
    device: torch.device,
    memory_format: torch.memory_format,
) -> EpochSums:
    """Go forward and backward through the batches of one step; give its sums, over all processes."""
    weights = [_weight(parts.loss_function, batch.targets) for batch in group]
    num_images = sum(len(batch.images) for batch in group)
    weight, images_of_all = distributed.all_sum([sum(weights), num_images])
    loss_sum, correct = 0.0, 0
    for place, batch in enumerate(group):
        _seed_dropout(seeds[place], device)
        images = batch.images.to(device, memory_format=memory_format, non_blocking=True)
        targets = batch.targets.to(device, non_blocking=True)
        # this batch's share of the step; DistributedDataParallel then takes the mean over the processes
        share = weights[place] * batches.world_size / weight if weights[place] else 0.0
        with _gradients_stay_here(model) if place + 1 < len(group) else nullcontext():
            loss, logits = _backward(model, images, targets, parts, share)
        loss_sum += loss.item() * weights[place]
        correct += _num_correct(logits, targets)
    loss_of_all, correct_of_all = distributed.all_sum([loss_sum, correct])
    return EpochSums(loss_of_all, weight, int(correct_of_all), int(images_of_all))


def _backward(
    model: nn.Module, images: Tensor, targets: Tensor, parts: Optimisation, share: float
) -> tuple[Tensor, Tensor]:
    """Add `share` times the gradient of the batch's mean loss; give the loss and the logits (B, K).

    A batch that weighs nothing has the share 0 and no mean (0 / 0). It goes backward all the same, with
    zeros: the other processes wait for it.
    """
    with torch.autocast(images.device.type, dtype=parts.precision, enabled=parts.precision != torch.float32):
        try:
            logits = model(images)  # (B, K)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
            raise ValueError(
                f"a batch of {len(images)} picture(s) cannot train this network: a batch norm has one value "
                "per channel to normalise with. Choose another batch_size, or leave one picture out."
            ) from error
        loss = parts.loss_function(logits, targets) if share else 0 * logits.sum()
    parts.scaler.scale(loss * share).backward()
    return loss.detach(), logits.detach()


def _change_weights(model: nn.Module, parts: Optimisation, device: torch.device) -> None:
    """Take one optimiser step with the gradients that have been added up."""
    parts.scaler.unscale_(parts.optimizer)
    if parts.clip_norm > 0:
        at_once = True if device.type == "cpu" else None  # elsewhere torch does so where it can
        nn.utils.clip_grad_norm_(model.parameters(), parts.clip_norm, foreach=at_once)
    parts.scaler.step(parts.optimizer)
    parts.scaler.update()
    parts.schedule.step()
    if parts.ema is not None:
        parts.ema.update(inner_model(model))


def inner_model(model: nn.Module) -> nn.Module:
    """Give the network inside torch.compile and DistributedDataParallel, whose names carry no prefix."""
    return distributed.unwrap(getattr(model, "_orig_mod", model))


def _groups(batches: Iterable[Batch], size: int) -> Iterator[list[Batch]]:
    """Give the batches in lists of `size`; the last list has what is left."""
    group: list[Batch] = []
    for batch in batches:
        group.append(batch)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


def _weight(loss_function: Callable[..., Tensor], targets: Tensor) -> float:
    """Give what a batch weighs: the sum of its class weights, or the number of its pictures."""
    weight_of = getattr(loss_function, "weight_of", None)
    return float(len(targets)) if weight_of is None else weight_of(targets)


def _seed_dropout(seed: int, device: torch.device) -> None:
    """Let dropout on `device` draw from `seed`.

    `torch.manual_seed` also keeps the seed for each kind of accelerator that nobody uses, together with the
    text of the whole call stack: in a notebook that costs more than the loss does.
    """
    if device.type == "cpu":
        torch.default_generator.manual_seed(seed)
    else:
        torch.manual_seed(seed)


def _gradients_stay_here(model: nn.Module) -> AbstractContextManager[None]:
    """Only the last batch of a step averages the gradients over the processes: that sends them once."""
    inner = getattr(model, "_orig_mod", model)
    return inner.no_sync() if isinstance(inner, DistributedDataParallel) else nullcontext()


def _num_correct(logits: Tensor, targets: Tensor) -> int:
    classes = targets.argmax(dim=1) if targets.ndim == 2 else targets  # mixed: the larger share counts
    return int((logits.argmax(dim=1) == classes).sum())


def _not_finite(
    value: float, epoch: int, step: int, num_steps: int, optimizer: torch.optim.Optimizer
) -> FloatingPointError:
    rate = optimizer.param_groups[0]["lr"]
    return FloatingPointError(
        f"the training loss is {value} in epoch {epoch + 1}, step {step + 1} of {num_steps}, at "
        f"the learning rate {rate:.3g}. The best weights so far are kept. Lower learning_rate, or "
        "set clip_norm."
    )
