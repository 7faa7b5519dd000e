"""Losses for classification: cross-entropy, focal loss, distillation, with class and sample weights.

Every loss is a sum over the images divided once by a sum of weights, so a batch that is split over several
processes, or comes with weights, gives the same figure as in one piece. Sources: label smoothing, Szegedy et
al. 2015, arXiv 1512.00567; focal loss, Lin et al. 2017, arXiv 1708.02002; distillation, Hinton et al. 2015,
arXiv 1503.02531. Notebook 03 derives cross-entropy and focal loss, notebook 14 uses distillation.
"""

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.params import check_choice
from course_utils.training.config_rules import LOSSES


class CrossEntropy(nn.Module):
    """Cross-entropy of `logits` (B, K) with `targets`, class indices (B,) or probabilities (B, K).

    `label_smoothing` spreads that share of each target evenly over all classes. `class_weights` (K,) weigh
    each class's part. An image weighs as much as its target's classes do, before smoothing, times its sample
    weight. For class indices this is torch's weighted mean; torch divides probabilities by the number of
    images instead, so that there a one-hot row and its index differ. Here they do not.
    """

    class_weights: Tensor | None

    def __init__(self, *, label_smoothing: float = 0.0, class_weights: Tensor | None = None) -> None:
        super().__init__()
        if not 0 <= label_smoothing < 1:
            raise ValueError(f"label_smoothing is {label_smoothing}; expected 0 or more and less than 1")
        if class_weights is not None and (class_weights.ndim != 1 or not bool((class_weights >= 0).all())):
            raise ValueError(
                f"class_weights has the shape {tuple(class_weights.shape)}; expected one weight per class, "
                "none negative, such as balanced_class_weights gives"
            )
        self.label_smoothing = label_smoothing
        self.register_buffer("class_weights", class_weights, persistent=False)

    def forward(self, logits: Tensor, targets: Tensor, sample_weights: Tensor | None = None) -> Tensor:
        """Give the weighted mean, a scalar. `sample_weights` (B,) count an image so many times."""
        total, weight = self.sum_and_weight(logits, targets, sample_weights)
        return total / weight

    def sum_and_weight(
        self, logits: Tensor, targets: Tensor, sample_weights: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Give the weighted sum of the losses and the sum of the weights; their quotient is the mean.

        With several processes each adds up its own share; both sums are added over the processes, and only
        then divided.
        """
        logits = _at_least_single(logits)
        return _add_up(self.per_image(logits, targets), self._weights(logits, targets), sample_weights)

    def weight_of(self, targets: Tensor) -> float:
        """Give the sum of the weights that `sum_and_weight` has for these targets; it needs no logits."""
        if self.class_weights is None:
            return float(len(targets))
        weights = self.class_weights.to(targets.device)
        return float((weights[targets] if targets.ndim == 1 else (targets * weights).sum(dim=1)).sum())

    def per_image(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Give each image's loss (B,), class weights included."""
        return F.cross_entropy(
            logits,
            targets.to(logits) if targets.ndim == 2 else targets,
            weight=self._class_weights(logits),
            label_smoothing=self.label_smoothing,
            reduction="none",
        )

    def _class_weights(self, logits: Tensor) -> Tensor | None:
        return None if self.class_weights is None else self.class_weights.to(logits)

    def _weights(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Give what each image weighs (B,): 1, or the class weight of its target."""
        weights = self._class_weights(logits)
        if weights is None:
            return torch.ones(len(logits), dtype=logits.dtype, device=logits.device)
        return weights[targets] if targets.ndim == 1 else (targets * weights).sum(dim=1)


class SoftTargetCrossEntropy(CrossEntropy):
    """Cross-entropy for targets that are probabilities (B, K), as MixUp and CutMix make them; only those.

    Equal to timm's class of this name. `CrossEntropy` takes both kinds; this one refuses class indices, for
    code that has to be sure that mixing is on.
    """

    def per_image(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Give each image's loss (B,). Raises ValueError for class indices."""
        if targets.shape != logits.shape:
            raise ValueError(
                f"the targets have the shape {tuple(targets.shape)}, the logits {tuple(logits.shape)}; "
                "expected a probability for each class. For class indices use CrossEntropy."
            )
        return super().per_image(logits, targets)


class FocalLoss(CrossEntropy):
    """Cross-entropy in which a class whose probability is p counts (1 - p)^gamma: sure answers count little.

    With gamma 0 it is cross-entropy. Targets, smoothing and weights as there; the mean is divided by the
    images' weights, not by the factors.
    """

    def __init__(
        self, *, gamma: float = 2.0, label_smoothing: float = 0.0, class_weights: Tensor | None = None
    ) -> None:
        super().__init__(label_smoothing=label_smoothing, class_weights=class_weights)
        if not gamma >= 0:
            raise ValueError(f"focal_gamma is {gamma}; expected 0 or more")
        self.gamma = gamma

    def per_image(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Give each image's loss (B,), class weights included."""
        num_classes = logits.shape[1]
        if targets.ndim == 1:
            targets = F.one_hot(targets, num_classes)  # (B,) -> (B, K)
        smoothed = targets * (1 - self.label_smoothing) + self.label_smoothing / num_classes
        log_probabilities = F.log_softmax(logits, dim=1)  # (B, K)
        # 1 - p without cancellation; kept above 0, where a gamma below 1 has an infinite slope
        doubt = (-torch.expm1(log_probabilities)).clamp_min(torch.finfo(log_probabilities.dtype).tiny)
        parts = -smoothed * doubt**self.gamma * log_probabilities
        weights = self._class_weights(logits)
        return parts.sum(dim=1) if weights is None else (parts * weights).sum(dim=1)


class DistillationLoss(nn.Module):
    """Hinton's loss for a student: (1 - alpha) * cross-entropy + alpha * T^2 * KL(teacher, student).

    Both distributions of the divergence are softened by the temperature T. Its gradients shrink as 1 / T^2,
    which the factor makes good, so that `alpha` keeps its meaning when T changes.
    """

    def __init__(self, alpha: float, temperature: float, *, label_smoothing: float = 0.0) -> None:
        super().__init__()
        if not 0 <= alpha <= 1:
            raise ValueError(f"alpha is {alpha}; expected the teacher's share, from 0 to 1")
        if not temperature > 0:
            raise ValueError(f"temperature is {temperature}; expected more than 0 (usual are 2 to 5)")
        self.alpha = alpha
        self.temperature = temperature
        self.hard = CrossEntropy(label_smoothing=label_smoothing)

    def forward(
        self,
        student_logits: Tensor,
        teacher_logits: Tensor,
        targets: Tensor,
        sample_weights: Tensor | None = None,
    ) -> Tensor:
        """Give the mean, a scalar. Both logits are (B, K); the teacher gets no gradient."""
        total, weight = self.sum_and_weight(student_logits, teacher_logits, targets, sample_weights)
        return total / weight

    def sum_and_weight(
        self,
        student_logits: Tensor,
        teacher_logits: Tensor,
        targets: Tensor,
        sample_weights: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Give the sum of the losses and the sum of the weights, as `CrossEntropy.sum_and_weight`."""
        student_logits = _at_least_single(student_logits)
        student = F.log_softmax(student_logits / self.temperature, dim=1)  # (B, K)
        teacher = F.log_softmax(_at_least_single(teacher_logits.detach()) / self.temperature, dim=1)  # (B, K)
        divergence = F.kl_div(student, teacher, reduction="none", log_target=True).sum(dim=1)  # (B,)
        hard = self.hard.per_image(student_logits, targets)
        losses = (1 - self.alpha) * hard + self.alpha * self.temperature**2 * divergence
        return _add_up(losses, torch.ones_like(losses), sample_weights)


def build_loss(
    name: str,
    *,
    label_smoothing: float = 0.0,
    focal_gamma: float = 2.0,
    class_weights: Tensor | None = None,
) -> CrossEntropy:
    """Give the loss "cross_entropy" or "focal"; `focal_gamma` is for the latter only.

    It takes logits (B, K) and targets (B,) or (B, K), and gives a mean. Raises ValueError for another name.
    """
    check_choice("loss", name, LOSSES)
    if name == "focal":
        return FocalLoss(gamma=focal_gamma, label_smoothing=label_smoothing, class_weights=class_weights)
    return CrossEntropy(label_smoothing=label_smoothing, class_weights=class_weights)


def balanced_class_weights(counts: Sequence[int] | np.ndarray | Tensor) -> Tensor:
    """Give a weight (K,) for each class so that all classes weigh the same together: N / (K * count).

    `counts` (K,) are the training images of each class; the mean weight of an image is 1. Raises ValueError
    for a class without images, which no weight can bring back.
    """
    table = torch.as_tensor(counts, dtype=torch.float64)
    if table.ndim != 1 or len(table) == 0 or not bool((table > 0).all()):
        empty = [index for index, count in enumerate(table.flatten().tolist()) if not count > 0]
        raise ValueError(
            f"the counts have the shape {tuple(table.shape)} and no images in the classes {empty}; expected "
            "one count per class, each above 0. Leave the class out, or find pictures of it."
        )
    return (table.sum() / (len(table) * table)).float()


def _at_least_single(logits: Tensor) -> Tensor:
    """Give half precision logits as float32: sums over a batch and logarithms need the digits."""
    return logits.float() if logits.dtype in (torch.float16, torch.bfloat16) else logits


def _add_up(losses: Tensor, weights: Tensor, sample_weights: Tensor | None) -> tuple[Tensor, Tensor]:
    """Give both sums. `losses` hold the class weights already, `weights` are what the images weigh."""
    if sample_weights is None:
        return losses.sum(), weights.sum()
    if sample_weights.shape != losses.shape:
        raise ValueError(
            f"sample_weights has the shape {tuple(sample_weights.shape)}; expected ({len(losses)},), a "
            "weight for each image"
        )
    sample_weights = sample_weights.to(losses)
    return (losses * sample_weights).sum(), (weights * sample_weights).sum()
