"""Figures from a confusion matrix against those from labels, and their intervals."""

import numpy as np
import pytest

from course_utils.evaluation import metrics
from course_utils.evaluation.confusions import (
    confused_pairs,
    confusion_intervals,
    mean_interval,
    scores_from_confusion,
)


def draw(seed, num=300, classes=4, absent=()):
    generator = np.random.default_rng(seed)
    targets = generator.choice([c for c in range(classes) if c not in absent], num)
    guesses = np.where(generator.random(num) < 0.7, targets, generator.integers(0, classes, num))
    return guesses, targets, classes


@pytest.mark.parametrize(
    ("guesses", "targets", "classes"),
    [
        draw(0),
        draw(1, classes=2),
        draw(2, absent=(1,)),
        draw(3, num=1),
        ([0], [0], 1),
        ([0, 0], [1, 1], 3),
        ([0, 1], [0, 1], 5),
    ],
)
def test_they_equal_those_from_labels(guesses, targets, classes):
    found = scores_from_confusion(metrics.confusion_matrix(guesses, targets, classes))
    assert found["accuracy"] == pytest.approx(metrics.accuracy(guesses, targets), abs=1e-15)
    assert found["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy(guesses, targets), abs=1e-15)
    assert found["macro_f1"] == pytest.approx(metrics.precision_recall_f1(guesses, targets).f1, abs=1e-15)


def test_the_intervals_are_those_of_drawing_pictures():
    guesses, targets, classes = draw(4)
    got = confusion_intervals(metrics.confusion_matrix(guesses, targets, classes), seed=0, resamples=2000)
    functions = {
        "accuracy": metrics.accuracy,
        "balanced_accuracy": metrics.balanced_accuracy,
        "macro_f1": lambda a, b: metrics.precision_recall_f1(a, b).f1,
    }
    for name, function in functions.items():
        want = metrics.bootstrap_interval(guesses, targets, function, seed=1, resamples=300)
        assert got[name] == pytest.approx(want, abs=0.02)
        assert got[name][0] < function(guesses, targets) < got[name][1]


def test_intervals_repeat_and_have_no_width_where_nothing_varies():
    matrix = metrics.confusion_matrix(*draw(5))
    assert confusion_intervals(matrix, seed=3) == confusion_intervals(matrix, seed=3)
    assert confusion_intervals(matrix, seed=3) != confusion_intervals(matrix, seed=4)
    assert confusion_intervals(np.diag([5, 0]), seed=0)["macro_f1"] == [1.0, 1.0]


def test_the_interval_of_a_mean():
    values = np.random.default_rng(0).exponential(1.0, 500)
    low, high = mean_interval(values, seed=0)
    half = 1.96 * values.std() / np.sqrt(500)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.02)
    assert mean_interval([2.0], seed=0) == [2.0, 2.0]


def test_the_most_confused_pairs():
    matrix = np.array([[5, 3, 0], [1, 7, 3], [0, 0, 0]])
    assert confused_pairs(matrix, ["a", "b", "c"]) == [
        {"true": "a", "predicted": "b", "count": 3, "share": pytest.approx(3 / 8)},
        {"true": "b", "predicted": "c", "count": 3, "share": pytest.approx(3 / 11)},
        {"true": "b", "predicted": "a", "count": 1, "share": pytest.approx(1 / 11)},
    ]
    assert len(confused_pairs(matrix, ["a", "b", "c"], limit=1)) == 1
    assert confused_pairs(np.eye(3, dtype=int), ["a", "b", "c"]) == []


@pytest.mark.parametrize(
    "call",
    [
        lambda: scores_from_confusion(np.zeros((2, 2), dtype=int)),
        lambda: scores_from_confusion(np.ones((2, 2))),
        lambda: scores_from_confusion(np.ones((2, 3), dtype=int)),
        lambda: scores_from_confusion(np.array([[1, -1], [0, 3]])),
        lambda: confused_pairs(np.eye(2, dtype=int), ["a"]),
        lambda: confusion_intervals(np.eye(2, dtype=int), seed=0, confidence=95),
        lambda: mean_interval([], seed=0),
        lambda: mean_interval([1.0], seed=0, resamples=1),
    ],
)
def test_what_is_no_matrix_is_refused(call):
    with pytest.raises(ValueError, match=r"expected|holds no images|got a matrix"):
        call()
