"""What happens to one batch, and to one epoch of batches.

The order matters and is often got wrong: scale the loss, backward, *unscale*, clip, step, update the scale.
Clipping before unscaling would clip gradients that are 65,536 times too large. Without float16 the scaler is
disabled and every one of its calls does nothing, so there is one path for all precisions.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LRScheduler

from course_utils import runtime
from course_utils.data.loaders import Batches


@dataclass
class Optimisation:
    """The parts that change weights: loss, optimiser, schedule, gradient scaler, and how to call them."""

    loss_function: Callable[[Tensor, Tensor], Tensor]
    optimizer: torch.optim.Optimizer
    schedule: LRScheduler
    scaler: torch.amp.GradScaler
    precision: torch.dtype
    clip_norm: float


@dataclass
class EpochSums:
    """Sums over the images of an epoch; the averages divide once, so batches count by their size."""

    loss: float = 0.0
    correct: int = 0
    images: int = 0

    @property
    def mean_loss(self) -> float:
        """Give the loss per image."""
        return self.loss / self.images

    @property
    def accuracy(self) -> float:
        """Give the share of correctly classified images, in [0, 1]."""
        return self.correct / self.images


def train_step(
    model: nn.Module, images: Tensor, targets: Tensor, parts: Optimisation
) -> tuple[Tensor, Tensor]:
    """Change the weights once; give the loss (a scalar) and the logits (B, K), both detached."""
    with torch.autocast(images.device.type, dtype=parts.precision, enabled=parts.precision != torch.float32):
        logits = model(images)  # (B, K)
        loss = parts.loss_function(logits, targets)
    parts.optimizer.zero_grad()
    parts.scaler.scale(loss).backward()
    parts.scaler.unscale_(parts.optimizer)
    if parts.clip_norm > 0:
        nn.utils.clip_grad_norm_(model.parameters(), parts.clip_norm)
    parts.scaler.step(parts.optimizer)
    parts.scaler.update()
    parts.schedule.step()
    return loss.detach(), logits.detach()


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
    """Go once through the training batches of `epoch`; `on_step` is called with the size of each batch.

    Dropout draws from (seed, "dropout", epoch, step), so an epoch does not depend on the ones before. Raises
    FloatingPointError at the first loss that is not finite, naming epoch, step and learning rate.
    """
    sums = EpochSums()
    for step, (images, targets, _) in enumerate(batches.epoch(epoch)):
        torch.manual_seed(runtime.derive_seed(seed, "dropout", epoch, step))
        rate = parts.optimizer.param_groups[0]["lr"]
        images = images.to(device, memory_format=memory_format, non_blocking=True)
        targets = targets.to(device, non_blocking=True)
        loss, logits = train_step(model, images, targets, parts)
        value = loss.item()
        if not math.isfinite(value):
            raise FloatingPointError(
                f"the training loss is {value} in epoch {epoch + 1}, step {step + 1} of {len(batches)}, at "
                f"the learning rate {rate:.3g}. The best weights so far are kept. Lower learning_rate, or "
                "set clip_norm."
            )
        sums.loss += value * len(targets)
        classes = targets.argmax(dim=1) if targets.ndim == 2 else targets  # mixed: the larger share counts
        sums.correct += int((logits.argmax(dim=1) == classes).sum())
        sums.images += len(targets)
        if on_step is not None:
            on_step(len(targets))
    return sums
