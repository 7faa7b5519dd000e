"""Is a model that says 90 % right nine times out of ten? Reliability, ECE, and temperature scaling.

Source: Guo et al., "On Calibration of Modern Neural Networks", arXiv 1706.04599: bins of equal width over the
confidence of the predicted class; ECE = sum over bins of (images in it / N) * |accuracy - confidence|;
temperature scaling divides all logits by one number T that minimises the log loss on the validation split. It
changes no prediction, only how sure they are. Notebook 13 derives it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import optimize
from scipy.special import log_softmax

from course_utils import files

_LOWEST, _HIGHEST = 0.05, 20.0  # temperatures that are tried


class ReliabilityBin(NamedTuple):
    """Images whose confidence lies in (low, high]: how many, their mean confidence and their accuracy."""

    low: float
    high: float
    num_images: int
    confidence: float
    accuracy: float


class Calibration(NamedTuple):
    """Bins that hold images, in order; `ece` and `mce`, the mean and the largest gap over them."""

    bins: tuple[ReliabilityBin, ...]
    ece: float
    mce: float
    confidence: float
    accuracy: float

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and texts."""
        return {**self._asdict(), "bins": [one._asdict() for one in self.bins]}


@dataclass(frozen=True, kw_only=True)
class Temperature:
    """A fitted temperature, and what it did to the log loss of the `num_images` it was fitted on.

    at_limit: the best value lies at or beyond the range that is tried (0.05 to 20), as when every image is
    right: then there are too few errors to learn from, and the value means little.
    """

    value: float
    log_loss_before: float
    log_loss_after: float
    num_images: int
    at_limit: bool = False

    def apply(self, logits: np.ndarray) -> np.ndarray:
        """The logits (N, K) divided by the temperature, in their own dtype."""
        return (logits / self.value).astype(logits.dtype)

    def save(self, path: str | Path) -> Path:
        """Write it as JSON, atomically; returns the path."""
        files.write_json(path, asdict(self))
        return Path(path)

    @classmethod
    def load(cls, path: str | Path) -> Temperature:
        """Read what `save` wrote; ValueError if the file is damaged or the value impossible."""
        try:
            found = cls(**json.loads(Path(path).read_text(encoding="utf-8")))
            if not found.value > 0:
                raise ValueError(f"the temperature is {found.value}")
        except (ValueError, TypeError) as error:
            raise ValueError(f"{path} holds no temperature ({error}); fit it again and save it") from None
        return found


def calibration(
    probabilities: np.ndarray, targets: Sequence[int] | np.ndarray, *, num_bins: int = 15
) -> Calibration:
    """Compare confidence and accuracy in `num_bins` bins of equal width over (0, 1].

    probabilities: (N, K), rows summing to 1; the confidence of an image is its highest. Empty bins are left
    out. ValueError for rows that are no distribution, and for no images.
    """
    table, truth = np.asarray(probabilities, dtype=np.float64), np.asarray(targets)
    if table.ndim != 2 or len(table) == 0 or truth.shape != (len(table),) or num_bins < 1:
        raise ValueError(
            f"got probabilities {table.shape}, targets {truth.shape} and {num_bins} bins; expected "
            "(images, classes), a target per image, and a bin or more"
        )
    if not ((table >= 0).all() and np.allclose(table.sum(axis=1), 1, atol=1e-3)):
        raise ValueError("expected probabilities: every row at least 0 with the sum 1; apply softmax first")
    confidence, right = table.max(axis=1), table.argmax(axis=1) == truth
    edges = np.linspace(0, 1, num_bins + 1)
    place = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, num_bins - 1)  # (low, high]
    bins = []
    for index in np.unique(place):
        inside = place == index
        bins.append(
            ReliabilityBin(
                float(edges[index]),
                float(edges[index + 1]),
                int(inside.sum()),
                float(confidence[inside].mean()),
                float(right[inside].mean()),
            )
        )
    gaps = [abs(one.accuracy - one.confidence) for one in bins]
    ece = sum(one.num_images * gap for one, gap in zip(bins, gaps, strict=True)) / len(table)
    return Calibration(tuple(bins), ece, max(gaps), float(confidence.mean()), float(right.mean()))


def fit_temperature(logits: np.ndarray, targets: Sequence[int] | np.ndarray) -> Temperature:
    """The temperature that minimises the log loss of logits (N, K); fit it on the validation split.

    A bounded search over log T. The log loss is convex in 1 / T, so it has one minimum and the search finds
    it. ValueError for logits that are not finite, for targets that do not fit, and for a single class.
    """
    table, truth = np.asarray(logits, dtype=np.float64), np.asarray(targets)
    if table.ndim != 2 or len(table) == 0 or truth.shape != (len(table),) or table.shape[1] < 2:
        raise ValueError(
            f"got logits {table.shape} and targets {truth.shape}; expected (images, two classes or more) and "
            "a target per image"
        )
    if not np.isfinite(table).all():
        raise ValueError("the logits are not all finite; no temperature mends that")
    if truth.dtype.kind not in "iu" or truth.min() < 0 or truth.max() >= table.shape[1]:
        raise ValueError(
            f"targets range from {truth.min()} to {truth.max()}; expected 0 to {table.shape[1] - 1}"
        )
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        return float(-np.mean(log_softmax(table / np.exp(log_temperature), axis=1)[rows, truth]))

    limits = float(np.log(_LOWEST)), float(np.log(_HIGHEST))
    found = optimize.minimize_scalar(loss, bounds=limits, method="bounded", options={"xatol": 1e-6})
    best = min((0.0, *limits, float(found.x)), key=loss)  # T = 1 stays where nothing is gained
    at_limit = min(loss(limit) for limit in limits) <= loss(best) + 1e-12
    return Temperature(
        value=float(np.exp(best)),
        log_loss_before=loss(0.0),
        log_loss_after=loss(best),
        num_images=len(truth),
        at_limit=at_limit,
    )
