"""What a confusion matrix tells beyond itself: the pairs most often confused, and how sure its figures are.

Drawing pictures with replacement and counting them is drawing the matrix's cells from a multinomial
distribution, so a bootstrap needs no pictures, only the matrix, and a thousand draws take a moment. Source:
Efron's percentile bootstrap, as in `comparison.bootstrap_interval`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def confused_pairs(
    matrix: Sequence[Sequence[int]] | np.ndarray, class_names: Sequence[str], *, limit: int = 10
) -> list[dict[str, Any]]:
    """The pairs (true class, predicted class) with the most errors: count, and share of the true class.

    matrix: counts (K, K), row = true class. Ordered by count, then by class; pairs without errors are none.
    """
    counts = _checked(matrix)
    if len(class_names) != len(counts):
        raise ValueError(
            f"got a matrix of {len(counts)} classes and {len(class_names)} class names; "
            "expected as many of both"
        )
    wrong = counts - np.diag(np.diag(counts))
    order = np.argsort(-wrong, axis=None, kind="stable")[:limit]
    pairs = [divmod(int(place), len(counts)) for place in order if wrong.flat[place] > 0]
    return [
        {
            "true": str(class_names[true]),
            "predicted": str(class_names[predicted]),
            "count": int(counts[true, predicted]),
            "share": float(counts[true, predicted] / counts[true].sum()),
        }
        for true, predicted in pairs
    ]


def scores_from_confusion(matrix: Sequence[Sequence[int]] | np.ndarray) -> dict[str, float]:
    """Accuracy, balanced accuracy and macro F1 of counts (K, K), as `metrics` computes them from labels."""
    counts = _checked(matrix).astype(np.float64)
    right, true, predicted = np.diag(counts), counts.sum(axis=1), counts.sum(axis=0)
    seen, named = true > 0, true + predicted > 0
    return {
        "accuracy": float(right.sum() / counts.sum()),
        "balanced_accuracy": float(np.mean(right[seen] / true[seen])),
        "macro_f1": float(np.mean(2 * right[named] / (true + predicted)[named])),
    }


def confusion_intervals(
    matrix: Sequence[Sequence[int]] | np.ndarray,
    *,
    seed: int,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> dict[str, list[float]]:
    """The bootstrap interval [low, high] of each figure of `scores_from_confusion`.

    The same seed gives the same intervals. ValueError for an empty matrix.
    """
    counts = _checked(matrix)
    if not 0 < confidence < 1 or resamples < 2:
        raise ValueError(
            f"confidence is {confidence} and resamples {resamples}; expected a number between 0 and 1, "
            "and 2 or more"
        )
    filled = np.flatnonzero(counts)
    share = counts.flat[filled] / counts.sum()
    generator = np.random.default_rng(seed)
    found: dict[str, list[float]] = {}
    for drawn in generator.multinomial(int(counts.sum()), share, size=resamples):
        table = np.zeros_like(counts)
        table.flat[filled] = drawn
        for name, value in scores_from_confusion(table).items():
            found.setdefault(name, []).append(value)
    ends = [0.5 - confidence / 2, 0.5 + confidence / 2]
    return {name: np.quantile(values, ends).tolist() for name, values in found.items()}


def mean_interval(
    values: Sequence[float] | np.ndarray, *, seed: int, resamples: int = 1000, confidence: float = 0.95
) -> list[float]:
    """The bootstrap interval [low, high] of the mean of `values` (N,), such as the log loss of each image.

    ValueError without values.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0 or not 0 < confidence < 1 or resamples < 2:
        raise ValueError(
            f"got values {array.shape}, confidence {confidence} and {resamples} resamples; expected (N,), a "
            "number between 0 and 1, and two resamples or more"
        )
    generator = np.random.default_rng(seed)
    means = [array[generator.integers(0, len(array), len(array))].mean() for _ in range(resamples)]
    return np.quantile(means, [0.5 - confidence / 2, 0.5 + confidence / 2]).tolist()


def _checked(matrix: Sequence[Sequence[int]] | np.ndarray) -> np.ndarray:
    counts = np.asarray(matrix)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or counts.dtype.kind not in "iu":
        raise ValueError(f"got a matrix {counts.shape} of {counts.dtype}; expected whole counts (K, K)")
    if counts.size == 0 or counts.min() < 0 or counts.sum() == 0:
        raise ValueError(
            "the confusion matrix holds no images, or negative counts; expected 0 or more, not all 0"
        )
    return counts
