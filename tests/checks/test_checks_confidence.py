"""The exercises of notebook 13 against the library and formulas; further wrong answers and their reasons.

Stubs, the listed wrong answers and other right ones of all exercises are tested in test_checks_all.py.
"""

import numpy as np
import pytest
from scipy.special import softmax

from course_utils import checks
from course_utils.checks import evidence
from course_utils.evaluation.calibration import calibration
from course_utils.evaluation.comparison import bootstrap_interval, difference_interval, wilson_interval
from course_utils.evaluation.confident_learning import find_label_candidates
from course_utils.evaluation.confusions import confused_pairs


@pytest.fixture(scope="module")
def solution():
    """Give the function that an exercise's solution defines."""
    return lambda name: checks.run_solution(checks.get(name))


def predictions(seed, num=500, num_classes=6):
    """Probabilities (N, K) of a network that is often right, and the truth."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, num_classes, num)
    logits = rng.normal(0, 2, (num, num_classes))
    logits[np.arange(num), targets] += 2
    return softmax(logits, axis=1), targets


@pytest.mark.parametrize("seed", range(5))
def test_the_most_confused_pair_leads_the_list_of_the_symmetric_matrix(solution, seed):
    matrix = np.random.default_rng(seed).integers(0, 40, (7, 7))
    names = [str(i) for i in range(7)]
    (leading,) = confused_pairs(matrix + matrix.T, names, limit=1)
    assert solution("most_confused")(matrix) == (int(leading["true"]), int(leading["predicted"]))


@pytest.mark.parametrize(("seed", "num_bins"), [(0, 10), (1, 15), (2, 4)])
def test_the_calibration_error_is_the_library_s(solution, seed, num_bins):
    probabilities, targets = predictions(seed)
    right = probabilities.argmax(axis=1) == targets
    got = solution("calibration_error")(probabilities.max(axis=1), right, num_bins)
    assert got == pytest.approx(calibration(probabilities, targets, num_bins=num_bins).ece)


@pytest.mark.parametrize(
    ("formula", "said"),
    [
        (lambda counts, gaps: np.abs(gaps).max(), "widest gap alone"),
        (lambda counts, gaps: (counts * gaps**2).sum() / counts.sum(), "squared gaps"),
        (lambda counts, gaps: 2 * (counts * np.abs(gaps)).sum() / counts.sum(), "exactly twice"),
    ],
)
def test_other_figures_of_the_same_bins_are_called_by_their_name(formula, said):
    def answer(confidence, right, num_bins):
        place = np.digitize(confidence, np.linspace(0, 1, num_bins + 1))
        inside = [place == p for p in np.unique(place)]
        counts = np.array([one.sum() for one in inside])
        return formula(counts, np.array([confidence[one].mean() - right[one].mean() for one in inside]))

    verdict = checks.get("calibration_error").check(answer)
    assert verdict.status == "wrong" and said in verdict.reason


@pytest.mark.parametrize("seed", range(3))
def test_doubtful_labels_are_the_library_s_candidates(solution, seed):
    probabilities, labels = predictions(seed)
    found = find_label_candidates(probabilities, labels).indices
    assert sorted(solution("doubtful_labels")(probabilities, labels)) == sorted(found) != []


def test_a_single_threshold_and_one_s_own_class_are_called_by_their_name():
    def single(probabilities, labels):
        limit = np.mean([probabilities[labels == k, k].mean() for k in range(probabilities.shape[1])])
        above = np.where(probabilities >= limit, probabilities, -1)
        return np.flatnonzero((above.max(axis=1) > 0) & (above.argmax(axis=1) != labels))

    def own(probabilities, labels):
        limits = np.array([probabilities[labels == k, k].mean() for k in range(probabilities.shape[1])])
        return np.flatnonzero(probabilities[np.arange(len(labels)), labels] >= limits[labels])

    exercise = checks.get("doubtful_labels")
    assert "one threshold for all classes" in exercise.check(single).reason
    assert "their *own* class's threshold" in exercise.check(own).reason


@pytest.mark.parametrize("seed", range(3))
def test_the_paired_interval_agrees_with_two_other_ways(solution, seed):
    right_1, right_2 = evidence._two_models(seed, 1500)
    got = solution("paired_interval")(right_1, right_2, seed)
    only_1, only_2 = int((right_1 & ~right_2).sum()), int((right_2 & ~right_1).sum())
    assert got == pytest.approx(difference_interval(only_1, only_2, 1500), abs=0.003)
    pairs = np.column_stack([right_1, right_2])
    resampled = bootstrap_interval(
        pairs, right_1, lambda drawn, _: drawn[:, 0].mean() - drawn[:, 1].mean(), seed=9, resamples=2000
    )
    assert got == pytest.approx(resampled, abs=0.003)


def test_the_two_models_of_the_check_are_worth_pairing():
    """Else drawing separately would give the right width too, and the check could not tell."""
    for seed, num_images in ((0, 400), (1, 1000), (2, 600)):
        right_1, right_2 = evidence._two_models(seed, num_images)
        assert right_1.var() + right_2.var() > 4 * (right_1.astype(float) - right_2).var()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda low, high: (high, low), "the lower end comes first"),
        (lambda low, high: (100 * low, 100 * high), "not percent"),
        (lambda low, high: (low + 0.1, high + 0.1), "expected around"),
        (lambda low, high: low, "expected two numbers"),
        (lambda low, high: (float("nan"), high), "not a finite number"),
    ],
)
def test_spoilt_intervals_get_a_reason(solution, change, said):
    right_answer = solution("paired_interval")
    verdict = checks.get("paired_interval").check(lambda a, b, seed: change(*right_answer(a, b, seed)))
    assert verdict.status == "wrong" and said in verdict.reason


def plan(**changed):
    fitting = checks.run_solution(checks.get("error_plan"))
    return {**fitting, **changed}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"tested_on": "holdout"}, "expected one of 'train', 'val', 'test', 'new pictures'"),
        ({"accuracy_there": 0.95}, "below the accuracy of all"),
        ({"accuracy_there": 60.0}, "a share between 0 and 1"),
        ({"num_pictures": 0}, "one picture or more"),
        ({"more": 1}, "has the keys"),
    ],
)
def test_impossible_plans_are_refused(changed, said):
    verdict = checks.get("error_plan").check(plan(**changed))
    assert verdict.status == "wrong" and said in verdict.reason


def test_a_plan_needs_as_many_pictures_as_the_interval_says():
    enough = next(n for n in range(1, 2000) if wilson_interval(round(0.8 * n), n)[1] < 0.9)
    exercise = checks.get("error_plan")
    for number, status in ((enough, "correct"), (enough - 1, "wrong")):
        assert exercise.check(plan(accuracy_there=0.8, num_pictures=number)).status == status
