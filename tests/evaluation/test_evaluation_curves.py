"""ROC and precision-recall curves against scikit-learn and against what the areas mean."""

import json

import numpy as np
import pytest
from sklearn import metrics as sk

from course_utils.evaluation.curves import one_vs_rest, precision_recall_curve, roc_curve


def draw(seed, num=200, ties=False, share=0.3):
    generator = np.random.default_rng(seed)
    positive = generator.random(num) < share
    positive[:2] = [True, False]
    scores = generator.normal(positive.astype(float), 1.0)
    return (np.round(scores, 1) if ties else scores), positive


CASES = {
    "random": draw(0),
    "ties": draw(1, ties=True),
    "rare": draw(2, num=500, share=0.01),
    "two": draw(3, num=2),
    "all scores equal": (np.zeros(20), np.arange(20) < 7),
    "perfect": (np.arange(10.0), np.arange(10) > 5),
    "reversed": (-np.arange(10.0), np.arange(10) > 5),
}


@pytest.fixture(params=CASES, ids=list(CASES))
def case(request):
    return CASES[request.param]


def test_roc_equals_scikit_learn(case):
    scores, positive = case
    got = roc_curve(scores, positive)
    x, y, thresholds = sk.roc_curve(positive, scores, drop_intermediate=False)
    assert got.x == pytest.approx(x) and got.y == pytest.approx(y)
    assert got.thresholds == pytest.approx(thresholds)
    assert got.area == pytest.approx(sk.roc_auc_score(positive, scores), abs=1e-12)


def test_the_area_is_the_chance_of_the_right_order(case):
    scores, positive = case
    pairs = scores[positive][:, None] - scores[~positive][None, :]
    assert roc_curve(scores, positive).area == pytest.approx(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def test_precision_recall_equals_scikit_learn(case):
    scores, positive = case
    got = precision_recall_curve(scores, positive)
    precision, recall, thresholds = sk.precision_recall_curve(positive, scores)
    assert got.x == pytest.approx(recall[::-1][1:])  # theirs ends at (0, 1), a point that no threshold gives
    assert got.y == pytest.approx(precision[::-1][1:])
    assert got.thresholds == pytest.approx(thresholds[::-1])
    assert got.area == pytest.approx(sk.average_precision_score(positive, scores), abs=1e-12)


def test_only_positives():
    got = precision_recall_curve([0.2, 0.7], np.array([True, True]))
    assert got.area == 1.0 and got.y.tolist() == [1.0, 1.0]
    with pytest.raises(ValueError, match="2 of it and 0 others"):
        roc_curve([0.2, 0.7], np.array([True, True]))
    with pytest.raises(ValueError, match="got none of it"):
        precision_recall_curve([0.2, 0.7], np.array([False, False]))


@pytest.mark.parametrize(
    ("scores", "positive", "said"),
    [
        ([], np.array([], dtype=bool), "a score and a bool"),
        ([0.1], np.array([True, False]), "a score and a bool"),
        ([0.1, 0.2], np.array([1, 0]), "int64"),
        ([0.1, np.nan], np.array([True, False]), "picture 1 is not finite"),
    ],
)
def test_what_cannot_be_drawn_is_refused(scores, positive, said):
    with pytest.raises(ValueError, match=said):
        roc_curve(scores, positive)


def test_one_against_the_rest():
    generator = np.random.default_rng(4)
    targets = generator.choice([0, 1, 3], 300)
    probabilities = generator.dirichlet(np.ones(4), 300)
    probabilities[np.arange(300), targets] += 0.5
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    names = ["a", "b", "缺", "d"]
    got = one_vs_rest(probabilities, targets, names)
    assert got["undefined"] == ["缺"]  # no picture shows it
    want = {
        names[i]: {
            "roc_auc": sk.roc_auc_score(targets == i, probabilities[:, i]),
            "average_precision": sk.average_precision_score(targets == i, probabilities[:, i]),
        }
        for i in (0, 1, 3)
    }
    assert got["per_class"] == {name: pytest.approx(areas) for name, areas in want.items()}
    assert got["macro_roc_auc"] == pytest.approx(np.mean([area["roc_auc"] for area in want.values()]))
    assert json.loads(json.dumps(got, allow_nan=False)) == got
    points = np.array(got["curves"]["a"]["roc"])
    assert len(points) == 51 and points[0].tolist() == [0, 0] and points[-1].tolist() == [1, 1]


def test_one_class_alone_has_no_areas_and_no_mean():
    got = one_vs_rest(np.ones((3, 1)), [0, 0, 0], ["only"])
    assert got == {"per_class": {}, "undefined": ["only"], "curves": {}}


def test_lengths_have_to_fit():
    with pytest.raises(ValueError, match="2 class names"):
        one_vs_rest(np.ones((3, 3)) / 3, [0, 0, 0], ["a", "b"])
