"""The table of ways equals its parts, and order does not matter."""

from dataclasses import replace

import numpy as np
import pytest

from course_utils.evaluation import metrics
from course_utils.evaluation.calibration import calibration
from course_utils.evaluation.predict import Predictions
from course_utils.evaluation.ways import compare_ways


def draw(seed):
    generator = np.random.default_rng(seed)
    targets = np.random.default_rng(9).integers(0, 3, 200)
    logits = generator.normal(0, 1, (200, 3)).astype(np.float32)
    logits[np.arange(200), targets] += 1.0
    return Predictions(logits, targets, [f"{i}" for i in range(200)], ("a", "b", "猫"))


def test_each_row_equals_its_parts():
    ways = {"plain": draw(0), "other": draw(1)}
    plain, other = compare_ways(ways)
    assert (plain.gained, plain.lost, plain.p_value) == (0, 0, 1.0)
    test = metrics.mcnemar(draw(1).predicted, draw(0).predicted, draw(0).targets)
    assert (other.gained, other.lost, other.p_value) == (test.only_first, test.only_second, test.p_value)
    assert round((other.accuracy - plain.accuracy) * 200) == other.gained - other.lost
    for row, found in zip((plain, other), ways.values(), strict=True):
        assert row.accuracy == metrics.accuracy(found.predicted, found.targets)
        assert (row.low, row.high) == metrics.wilson_interval(round(row.accuracy * 200), 200)
        assert row.log_loss == metrics.log_loss(found.logits, found.targets)
        assert row.ece == calibration(found.probabilities, found.targets).ece


def test_another_order_gives_the_same_row():
    other = draw(1)
    rows = np.random.default_rng(0).permutation(200)
    moved = Predictions(
        other.logits[rows][:, [2, 0, 1]],
        (other.targets[rows] + 1) % 3,  # a, b, 猫 at the places 1, 2, 0
        [other.ids[i] for i in rows],
        ("猫", "a", "b"),
    )
    assert compare_ways({"x": draw(0), "y": moved})[1] == pytest.approx(
        compare_ways({"x": draw(0), "y": other})[1]
    )


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(ValueError, match="no ways"):
        compare_ways({})
    with pytest.raises(ValueError, match="no labels"):
        compare_ways({"x": replace(draw(0), targets=np.full(200, -1))})
    with pytest.raises(ValueError, match="y: some pictures have other labels"):
        compare_ways({"x": draw(0), "y": replace(draw(1), targets=(draw(1).targets + 1) % 3)})
    with pytest.raises(ValueError, match="y: other pictures"):
        compare_ways({"x": draw(0), "y": replace(draw(1), ids=[f"z{i}" for i in range(200)])})
