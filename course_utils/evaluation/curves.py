"""ROC and precision-recall curves, one class against the rest, and the areas under them.

A curve shows what every threshold would do; an area says it in one number. ROC: Fawcett, "An introduction to
ROC analysis" (2006). Average precision is the sum over the steps of recall, without interpolation, as in
scikit-learn. For a rare class read the precision-recall curve: a ROC curve hides how many of the pictures
called positive are false. The report of an evaluation draws both.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

_POINTS_KEPT = 51  # of a curve in report.json


class Curve(NamedTuple):
    """Points `x` and `y` (P,), the `thresholds` (P,) they belong to, and `area`, the figure beside them."""

    x: np.ndarray
    y: np.ndarray
    thresholds: np.ndarray
    area: float


def roc_curve(scores: Sequence[float] | np.ndarray, is_positive: Sequence[bool] | np.ndarray) -> Curve:
    """False positive rate (x) against true positive rate (y), from threshold infinity downwards.

    scores: (N,) higher means more likely positive. The area is the chance that a positive picture has a
    higher score than a negative one, ties counting half. ValueError unless there are pictures of both kinds.
    """
    thresholds, true, false = _counts_by_threshold(scores, is_positive)
    if true[-1] == 0 or false[-1] == 0:
        raise ValueError(
            f"a ROC curve needs pictures of the class and others, got {true[-1]} of it and {false[-1]} others"
        )
    x, y = np.r_[0.0, false / false[-1]], np.r_[0.0, true / true[-1]]
    return Curve(x, y, np.r_[np.inf, thresholds], float(np.trapezoid(y, x)))


def precision_recall_curve(
    scores: Sequence[float] | np.ndarray, is_positive: Sequence[bool] | np.ndarray
) -> Curve:
    """Recall (x) against precision (y), from the highest threshold downwards; the area is average precision.

    scores: (N,). ValueError if no picture is positive. With positives only, precision is 1 throughout.
    """
    thresholds, true, false = _counts_by_threshold(scores, is_positive)
    if true[-1] == 0:
        raise ValueError("a precision-recall curve needs pictures of the class, got none of it")
    recall, precision = true / true[-1], true / (true + false)
    area = float(np.sum(np.diff(recall, prepend=0.0) * precision))
    return Curve(recall, precision, thresholds, area)


def one_vs_rest(
    probabilities: np.ndarray, targets: Sequence[int] | np.ndarray, class_names: Sequence[str]
) -> dict[str, Any]:
    """The areas of every class that has both kinds of pictures, their means, and the curves, as plain data.

    probabilities: (N, K). "undefined" lists the classes for which there are no pictures, or no others: their
    areas do not exist, and the means leave them out. Each curve keeps at most 51 points. ValueError where the
    lengths do not fit.
    """
    table, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(targets)
    if table.ndim != 2 or table.shape[1] != len(class_names) or len(table) != len(truth):
        raise ValueError(
            f"got probabilities {table.shape}, {len(truth)} targets and {len(class_names)} class names; "
            "expected (images, classes), a target per image, a name per class"
        )
    areas: dict[str, dict[str, float]] = {}
    points: dict[str, dict[str, list[list[float]]]] = {}
    undefined = []
    for index, name in enumerate(class_names):
        inside = truth == index
        if inside.all() or not inside.any():
            undefined.append(str(name))
            continue
        roc = roc_curve(table[:, index], inside)
        recall = precision_recall_curve(table[:, index], inside)
        areas[str(name)] = {"roc_auc": roc.area, "average_precision": recall.area}
        points[str(name)] = {"roc": _kept(roc), "precision_recall": _kept(recall)}
    means = {
        f"macro_{what}": float(np.mean([area[what] for area in areas.values()]))
        for what in ("roc_auc", "average_precision")
        if areas
    }
    return {**means, "per_class": areas, "undefined": undefined, "curves": points}


def _counts_by_threshold(
    scores: Sequence[float] | np.ndarray, is_positive: Sequence[bool] | np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct scores (P,) from the highest, and positives and negatives at or above each."""
    values, positive = np.asarray(scores, dtype=np.float64), np.asarray(is_positive)
    if values.ndim != 1 or values.shape != positive.shape or values.size == 0 or positive.dtype.kind != "b":
        raise ValueError(
            f"got scores {values.shape} and truth values {positive.shape} of {positive.dtype}; expected a "
            "score and a bool per picture"
        )
    if not np.isfinite(values).all():
        raise ValueError(
            f"the score of picture {int(np.argmin(np.isfinite(values)))} is not finite. "
            "Did the training diverge?"
        )
    order = np.argsort(-values, kind="stable")
    values, positive = values[order], positive[order]
    last = np.r_[np.flatnonzero(np.diff(values)), len(values) - 1]  # of each run of equal scores
    true = np.cumsum(positive)[last]
    return values[last], true, last + 1 - true


def _kept(curve: Curve) -> list[list[float]]:
    """At most 51 points [x, y] of a curve, first and last among them."""
    chosen = np.unique(np.linspace(0, len(curve.x) - 1, min(len(curve.x), _POINTS_KEPT)).round().astype(int))
    return [[round(float(curve.x[i]), 5), round(float(curve.y[i]), 5)] for i in chosen]
