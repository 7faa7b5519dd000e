"""What the exercises of notebook 16 hold for right, against computing it another way.

Stubs, wrong and other right answers are tested with those of all exercises, in test_checks_all.py.
"""

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from course_utils import checks
from course_utils.checks import leaderboard
from course_utils.evaluation.ensembles import ensemble
from course_utils.evaluation.predict import Predictions
from course_utils.evaluation.tta import VIEW_SETS


def solution(name):
    return checks.run_solution(checks.get(name))


def test_out_of_fold_is_scikit_learns_cross_val_predict():
    generator = np.random.default_rng(3)
    features, targets = generator.normal(size=(40, 5)), np.arange(40) % 4
    order = generator.permutation(40)
    folds = [(np.setdiff1d(order, part), np.sort(part)) for part in np.array_split(order, 5)]
    model = KNeighborsClassifier(3)

    def fit(x, y):
        return KNeighborsClassifier(3).fit(x, y).predict_proba

    want = cross_val_predict(model, features, targets, cv=folds, method="predict_proba")
    np.testing.assert_allclose(solution("out_of_fold")(features, targets, folds, fit), want)


def test_the_blend_is_the_librarys_ensemble():
    logits = np.random.default_rng(0).normal(size=(3, 6, 4)).astype(np.float32) * 3
    ids, names = [str(i) for i in range(6)], tuple("abcd")
    members = [Predictions(one, np.full(6, -1), ids, names) for one in logits]
    want = ensemble(members, weights=[1, 2, 5]).probabilities
    np.testing.assert_allclose(solution("blend")(logits, [1, 2, 5]), want, atol=1e-6)


@pytest.mark.parametrize(("accuracy", "num_public", "num_entries"), [(0.7, 100, 20), (0.4, 35, 3)])
def test_the_expected_best_is_that_of_a_simulated_contest(accuracy, num_public, num_entries):
    draws = np.random.default_rng(1).binomial(num_public, accuracy, size=(20000, num_entries))
    simulated = draws.max(axis=1).mean() / num_public
    exact = leaderboard._expected_best(accuracy, num_public, num_entries)
    assert exact == pytest.approx(simulated, abs=0.002)
    assert leaderboard._expected_best(accuracy, num_public, 1) == pytest.approx(accuracy)


def test_the_plan_counts_the_views_of_the_library():
    for name, count in leaderboard._VIEWS.items():
        assert count == (1 if name == "identity" else len(VIEW_SETS[name]))
    plan = {"num_folds": 5, "num_models": 1, "image_size": 128, "epochs": 1, "views": "identity"}
    by_hand = 5 * (4000 * 0.8 / 45 + (10000 + 800) / 150) / 60
    assert leaderboard.plan_minutes(plan) == pytest.approx(by_hand)
