"""How sure a figure is, and whether one model is really better than another.

Sources: Wilson (1927) for the interval of a share; Efron's percentile bootstrap; McNemar (1947), as
recommended for two classifiers on one test set by Dietterich, "Approximate statistical tests for comparing
supervised classification learning algorithms" (1998); Bonett and Price (2012), "Adjusted Wald confidence
interval for a difference of binomial proportions based on paired data".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

_EXACT_BELOW = 25  # images on which just one model is right, below which the exact test is taken


class McNemar(NamedTuple):
    """McNemar's test of two models on the same images.

    only_first, only_second: images that just one of the two gets right. p_value: how likely a difference at
    least as large would be if both were equally good. method: "exact binomial" or "chi-square".
    """

    only_first: int
    only_second: int
    p_value: float
    method: str


def wilson_interval(num_correct: int, num_images: int, confidence: float = 0.95) -> tuple[float, float]:
    """The Wilson score interval (low, high) of a share such as an accuracy, always within [0, 1].

    ValueError for counts that cannot be.
    """
    _check_confidence(confidence)
    if num_images <= 0 or not 0 <= num_correct <= num_images:
        raise ValueError(
            f"got {num_correct} of {num_images} images right; expected one image or more, and no more right "
            "than there are"
        )
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    share = num_correct / num_images
    centre = (share + z**2 / (2 * num_images)) / (1 + z**2 / num_images)
    spread = share * (1 - share) / num_images + z**2 / (4 * num_images**2)
    half = z / (1 + z**2 / num_images) * math.sqrt(spread)
    low = 0.0 if num_correct == 0 else max(0.0, centre - half)
    high = 1.0 if num_correct == num_images else min(1.0, centre + half)
    return low, high


def bootstrap_interval(
    predictions: Sequence[int] | np.ndarray,
    targets: Sequence[int] | np.ndarray,
    metric: Callable[[np.ndarray, np.ndarray], float],
    *,
    seed: int,
    resamples: int = 1000,
    confidence: float = 0.95,
) -> tuple[float, float]:
    """The percentile bootstrap interval (low, high) of any `metric(predictions, targets)`.

    Draws the images `resamples` times with replacement; the same seed gives the same interval. predictions
    may be class indices (N,) or scores (N, K). ValueError if there are no images.
    """
    _check_confidence(confidence)
    guesses, truth = np.asarray(predictions), np.asarray(targets)
    if len(truth) == 0 or len(guesses) != len(truth) or resamples < 2:
        raise ValueError(
            f"got {len(guesses)} predictions, {len(truth)} targets, {resamples} resamples; expected as many "
            "predictions as targets, at least one, and two resamples or more"
        )
    generator = np.random.default_rng(seed)
    values = np.empty(resamples)
    for index in range(resamples):
        drawn = generator.integers(0, len(truth), len(truth))
        values[index] = metric(guesses[drawn], truth[drawn])
    low, high = np.quantile(values, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def mcnemar(
    first: Sequence[int] | np.ndarray,
    second: Sequence[int] | np.ndarray,
    targets: Sequence[int] | np.ndarray,
) -> McNemar:
    """Compare two models' predictions on the same images.

    Exact (two-sided binomial) when fewer than 25 images are decided by one model alone, else chi-square with
    continuity correction. Two equal models give p = 1. ValueError for different lengths or no images.
    """
    guesses_1, guesses_2, truth = np.asarray(first), np.asarray(second), np.asarray(targets)
    if not (guesses_1.shape == guesses_2.shape == truth.shape) or truth.ndim != 1 or len(truth) == 0:
        raise ValueError(
            f"got predictions {guesses_1.shape} and {guesses_2.shape}, targets {truth.shape}; expected three "
            "equally long lists of classes"
        )
    right_1, right_2 = guesses_1 == truth, guesses_2 == truth
    only_1, only_2 = int((right_1 & ~right_2).sum()), int((right_2 & ~right_1).sum())
    decided = only_1 + only_2
    if decided < _EXACT_BELOW:
        p_value = 1.0 if decided == 0 else float(stats.binomtest(only_1, decided, 0.5).pvalue)
        return McNemar(only_1, only_2, p_value, "exact binomial")
    statistic = max(0.0, abs(only_1 - only_2) - 1) ** 2 / decided
    return McNemar(only_1, only_2, float(stats.chi2.sf(statistic, df=1)), "chi-square")


def difference_interval(
    only_first: int, only_second: int, num_images: int, *, confidence: float = 0.95
) -> tuple[float, float]:
    """The interval (low, high) of accuracy of the first model minus accuracy of the second, in [-1, 1].

    only_first, only_second: images that just one of the two gets right, as in `McNemar`; num_images: all that
    both were asked. Bonett and Price: one image is added to each count and two to the total, so the interval
    is of use with few or no differences, too. It asks how far the two may lie apart, where McNemar's test
    asks whether they differ at all; near p = 0.05 the two may disagree. ValueError for impossible counts.
    """
    _check_confidence(confidence)
    if num_images <= 0 or min(only_first, only_second) < 0 or only_first + only_second > num_images:
        raise ValueError(
            f"got {only_first} and {only_second} images that one model alone gets right, of {num_images}; "
            "expected counts of at least 0 that are no more than the images together"
        )
    z = float(stats.norm.ppf(0.5 + confidence / 2))
    first, second = (only_first + 1) / (num_images + 2), (only_second + 1) / (num_images + 2)
    difference = first - second
    half = z * math.sqrt((first + second - difference**2) / (num_images + 2))
    return max(-1.0, difference - half), min(1.0, difference + half)


def _check_confidence(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence}; expected a number between 0 and 1 (0.95 for 95 %)")
