"""The figures of a validation: loss, accuracy, balanced accuracy, top-k, and the accuracy of each class."""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from course_utils.data.loaders import Batches
from course_utils.evaluation import metrics
from course_utils.evaluation.predict import predict
from course_utils.training import distributed


@dataclass(frozen=True)
class Validation:
    """`columns` by their names in metrics.csv; `per_class` accuracies (K), NaN without images.

    Of an epoch that was not validated the columns are None and the accuracies NaN.
    """

    columns: dict[str, float | None]
    per_class: list[float]


@dataclass(frozen=True)
class BothValidations:
    """The validation of the raw weights and, where there is an EMA, that of the averaged ones."""

    raw: Validation
    averaged: Validation | None

    @property
    def columns(self) -> dict[str, float | None]:
        """Give all columns: val_loss ..., then ema_val_loss ..."""
        return self.raw.columns | ({} if self.averaged is None else self.averaged.columns)

    def per_class_of(self, metric: str) -> list[float]:
        """Give the classes' accuracies with the weights that `metric` looks at."""
        use_averaged = self.averaged is not None and metric in self.averaged.columns
        return self.averaged.per_class if use_averaged and self.averaged is not None else self.raw.per_class


def validate(
    model: nn.Module,
    batches: Batches,
    *,
    device: torch.device | str = "cpu",
    top_k: int = 0,
    prefix: str = "val_",
) -> Validation:
    """Evaluate `model` on all pictures of `batches`, each counted once, also with several processes.

    Columns: loss (mean cross-entropy, natural logarithm, without smoothing or weights), accuracy and
    balanced_accuracy (the mean of the classes' accuracies), each after `prefix`. With `top_k` also top5, or
    the number that was counted: never more than there are classes. Raises FloatingPointError for logits that
    are not finite.
    """
    distributed.broadcast_buffers(model)  # running statistics differ between processes; rank 0's are saved
    predictions = predict(model, batches, device=device)
    targets, guesses = predictions.targets, predictions.predicted
    columns: dict[str, float | None] = {
        f"{prefix}loss": metrics.log_loss(predictions.logits, targets),
        f"{prefix}accuracy": metrics.accuracy(guesses, targets),
        f"{prefix}balanced_accuracy": metrics.balanced_accuracy(guesses, targets),
    }
    if top_k > 0:
        top = metrics.top_k_accuracy(predictions.logits, targets, top_k)
        columns[f"{prefix}top{top.k}"] = top.value
    counts = metrics.confusion_matrix(guesses, targets, len(predictions.class_names))
    return Validation(columns, _accuracy_by_class(counts))


def validate_both(
    model: nn.Module,
    averaged: nn.Module | None,
    batches: Batches,
    *,
    device: torch.device | str = "cpu",
    top_k: int = 0,
) -> BothValidations:
    """Evaluate the raw weights and, if there are any, the averaged ones (columns ema_val_...)."""
    raw = validate(model, batches, device=device, top_k=top_k)
    if averaged is None:
        return BothValidations(raw, None)
    return BothValidations(raw, validate(averaged, batches, device=device, top_k=top_k, prefix="ema_val_"))


def not_validated(batches: Batches, *, has_average: bool, top_k: int = 0) -> BothValidations:
    """Give what `validate_both` gives, with nothing in it: for an epoch that is not validated."""
    num_classes = batches.pictures.num_classes
    names = ["loss", "accuracy", "balanced_accuracy", *([f"top{min(top_k, num_classes)}"] if top_k else [])]

    def empty(prefix: str) -> Validation:
        return Validation({f"{prefix}{name}": None for name in names}, [math.nan] * num_classes)

    return BothValidations(empty("val_"), empty("ema_val_") if has_average else None)


def evaluate(
    model: nn.Module, batches: Batches, *, device: torch.device | str = "cpu"
) -> tuple[float, float]:
    """Give the mean cross-entropy (natural logarithm) and the accuracy in [0, 1] over all pictures."""
    predictions = predict(model, batches, device=device)
    loss = metrics.log_loss(predictions.logits, predictions.targets)
    return loss, metrics.accuracy(predictions.predicted, predictions.targets)


def _accuracy_by_class(counts: np.ndarray) -> list[float]:
    """Give, for each row of the confusion matrix (K, K), the share on the diagonal."""
    totals, hits = counts.sum(axis=1).tolist(), counts.diagonal().tolist()
    return [hit / total if total else math.nan for hit, total in zip(hits, totals, strict=True)]
