"""Figures of merit of a classifier: predictions and targets in, plain numbers out.

Every function takes what the model says first and the truth second. Classes are indices 0 to K-1. All equal
scikit-learn's (tests/evaluation/test_evaluation_metrics.py); zero divided by zero (the precision of a class
that is never predicted, the recall of a class without images) counts as 0, and the table shows the counts
beside it. Nothing here warns: what cannot be computed raises ValueError.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from scipy.special import log_softmax
from sklearn import metrics as sklearn_metrics

from course_utils.evaluation.comparison import bootstrap_interval, mcnemar, wilson_interval
from course_utils.params import check_choice

__all__ = [
    "Scores",
    "TopK",
    "accuracy",
    "balanced_accuracy",
    "bootstrap_interval",
    "confusion_matrix",
    "log_loss",
    "log_loss_from_probabilities",
    "mcnemar",
    "per_class_table",
    "precision_recall_f1",
    "summary",
    "top_k_accuracy",
    "wilson_interval",
]

Labels = Sequence[int] | np.ndarray


class TopK(NamedTuple):
    """A top-k accuracy. `k` is what was counted: never more than the classes, whatever was `asked` for."""

    value: float
    k: int
    asked: int

    @property
    def name(self) -> str:
        """The honest name of the figure, with the k that was counted: "top-3 accuracy"."""
        return f"top-{self.k} accuracy"


class Scores(NamedTuple):
    """Precision, recall and F1, each in [0, 1]."""

    precision: float
    recall: float
    f1: float


def accuracy(predictions: Labels, targets: Labels) -> float:
    """Share of images whose prediction equals the target, in [0, 1]."""
    guesses, truth = _checked(predictions, targets)
    return float(np.mean(guesses == truth))


def top_k_accuracy(scores: np.ndarray, targets: Labels, k: int = 5) -> TopK:
    """Share of images whose target is among the k highest scores.

    scores: (N, K) logits or probabilities. With fewer classes than k, k becomes K, the result is 1 and its
    name says which k was counted. Among equal scores the higher class index wins, as in scikit-learn.
    ValueError for a k below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}; expected 1 or more")
    table, truth = _checked_scores(scores, targets)
    counted = min(k, table.shape[1])
    order = np.argsort(table, axis=1, kind="stable")[:, -counted:]
    return TopK(float(np.mean((order == truth[:, None]).any(axis=1))), counted, k)


def balanced_accuracy(predictions: Labels, targets: Labels) -> float:
    """Mean of the recalls of the classes that occur among the targets, in [0, 1]."""
    guesses, truth = _checked(predictions, targets)
    present = np.unique(truth)
    return float(np.mean([np.mean(guesses[truth == label] == label) for label in present]))


def precision_recall_f1(
    predictions: Labels, targets: Labels, *, average: Literal["macro", "micro", "weighted"] = "macro"
) -> Scores:
    """Precision, recall and F1 over all classes.

    "macro" is the plain mean over the classes that occur in predictions or targets, "weighted" their mean by
    number of images, "micro" counts all decisions together (with one label per image: the accuracy).
    """
    guesses, truth = _checked(predictions, targets)
    check_choice("average", average, ("macro", "micro", "weighted"))
    found = sklearn_metrics.precision_recall_fscore_support(truth, guesses, average=average, zero_division=0)
    return Scores(*(float(value) for value in found[:3]))


def confusion_matrix(predictions: Labels, targets: Labels, num_classes: int) -> np.ndarray:
    """Counts (K, K), int64: row = true class, column = predicted class."""
    guesses, truth = _checked(predictions, targets, num_classes)
    cells = np.bincount(truth * num_classes + guesses, minlength=num_classes**2)
    return cells.reshape(num_classes, num_classes)


def per_class_table(
    predictions: Labels, targets: Labels, class_names: Sequence[str]
) -> list[dict[str, str | int | float]]:
    """A row per class: class, precision, recall, f1, num_images (true) and num_predicted."""
    num_classes = len(class_names)
    guesses, truth = _checked(predictions, targets, num_classes)
    precision, recall, f1, support = sklearn_metrics.precision_recall_fscore_support(
        truth, guesses, labels=range(num_classes), average=None, zero_division=0
    )
    predicted = np.bincount(guesses, minlength=num_classes)
    return [
        {
            "class": str(name),
            "precision": float(precision[i]),
            "recall": float(recall[i]),
            "f1": float(f1[i]),
            "num_images": int(support[i]),
            "num_predicted": int(predicted[i]),
        }
        for i, name in enumerate(class_names)
    ]


def log_loss(logits: np.ndarray, targets: Labels) -> float:
    """Mean negative log-likelihood (cross-entropy, in nats) of logits (N, K); never overflows."""
    table, truth = _checked_scores(logits, targets)
    return float(-np.mean(log_softmax(table, axis=1)[np.arange(len(truth)), truth]))


def log_loss_from_probabilities(probabilities: np.ndarray, targets: Labels) -> float:
    """Mean negative log-likelihood of probabilities (N, K) whose rows sum to 1.

    A probability below the machine epsilon of its float type counts as that epsilon, as in scikit-learn, so
    that the loss stays finite. ValueError if a row is no distribution.
    """
    table, truth = _checked_scores(probabilities, targets)
    if not _are_distributions(table):
        raise ValueError(
            "expected probabilities: every row at least 0 with the sum 1; for logits use log_loss"
        )
    kind = np.asarray(probabilities).dtype
    smallest = np.finfo(kind if kind.kind == "f" else np.float64).eps
    chosen = table[np.arange(len(truth)), truth]
    return float(-np.mean(np.log(np.clip(chosen, smallest, None))))


def summary(
    scores: np.ndarray,
    targets: Labels,
    class_names: Sequence[str],
    *,
    scores_are: Literal["auto", "logits", "probabilities"] = "auto",
    k: int = 5,
) -> dict[str, Any]:
    """All of the above as one dictionary of plain numbers, lists and texts, for report.json.

    scores: (N, K) logits or probabilities. "auto" takes them for probabilities if every row is at least 0 and
    sums to 1; the dictionary says which it was. The column of the top-k accuracy is named after the k that
    was counted. ValueError where scores, targets and class names do not fit.
    """
    table, truth = _checked_scores(scores, targets)
    num_classes = len(class_names)
    if table.shape[1] != num_classes:
        raise ValueError(f"the scores have {table.shape[1]} columns, there are {num_classes} class names")
    kind = scores_are
    if kind == "auto":
        kind = "probabilities" if _are_distributions(table) else "logits"
    loss = log_loss(scores, truth) if kind == "logits" else log_loss_from_probabilities(scores, truth)
    guesses = table.argmax(axis=1)
    top = top_k_accuracy(table, truth, k)
    low, high = wilson_interval(int((guesses == truth).sum()), len(truth))
    return {
        "num_images": len(truth),
        "num_classes": num_classes,
        "scores_are": kind,
        "accuracy": accuracy(guesses, truth),
        "accuracy_interval_95": [low, high],
        top.name.replace("-", "_").replace(" ", "_"): top.value,
        "balanced_accuracy": balanced_accuracy(guesses, truth),
        **{
            average: precision_recall_f1(guesses, truth, average=average)._asdict()
            for average in ("macro", "micro", "weighted")
        },
        "log_loss": loss,
        "classes_without_images": [str(class_names[i]) for i in sorted(set(range(num_classes)) - set(truth))],
        "per_class": per_class_table(guesses, truth, class_names),
        "confusion_matrix": confusion_matrix(guesses, truth, num_classes).tolist(),
    }


def _are_distributions(table: np.ndarray) -> bool:
    return bool((table >= 0).all() and np.allclose(table.sum(axis=1), 1, atol=1e-3))


def _checked_scores(scores: np.ndarray, targets: Labels) -> tuple[np.ndarray, np.ndarray]:
    """Scores as float64 (N, K) and targets as int64 (N,); ValueError if they do not fit or are not finite."""
    table = np.asarray(scores, dtype=np.float64)
    if table.ndim != 2 or table.shape[1] == 0:
        raise ValueError(f"scores have the shape {table.shape}; expected (images, classes)")
    _, truth = _checked(np.zeros(len(table), dtype=np.int64), targets, table.shape[1])
    if not np.isfinite(table).all():
        bad = int(np.argmin(np.isfinite(table).all(axis=1)))
        raise ValueError(
            f"the scores of image {bad} are not finite: {table[bad][:8]}. Did the training diverge?"
        )
    return table, truth


def _checked(
    predictions: Labels, targets: Labels, num_classes: int | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Both as int64 (N,), equally long, not empty, and below num_classes if it is given."""
    arrays = []
    for name, labels in (("predictions", predictions), ("targets", targets)):
        array = np.asarray(labels)
        if array.ndim != 1:
            raise ValueError(f"{name} have the shape {array.shape}; expected one class index per image")
        if array.size == 0:
            raise ValueError(f"there are no {name}: nothing was evaluated. Is the split empty?")
        if array.dtype.kind not in "iu":
            raise ValueError(f"{name} are {array.dtype}; expected whole class indices")
        if array.min() < 0 or (num_classes is not None and array.max() >= num_classes):
            limit = "0" if num_classes is None else f"0 to {num_classes - 1}"
            raise ValueError(
                f"{name} range from {array.min()} to {array.max()}; expected classes from {limit}"
            )
        arrays.append(array.astype(np.int64))
    if len(arrays[0]) != len(arrays[1]):
        raise ValueError(
            f"got {len(arrays[0])} predictions for {len(arrays[1])} targets; expected as many of both"
        )
    return arrays[0], arrays[1]
