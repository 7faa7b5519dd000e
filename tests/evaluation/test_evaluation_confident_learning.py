"""Confident learning: the definition done by hand, and planted wrong labels found."""

import numpy as np
import pytest

from course_utils.evaluation.confident_learning import find_label_candidates


def test_thresholds_and_counts_equal_the_definition_by_hand():
    probabilities = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.25, 0.75], [0.5, 0.5], [0.1, 0.9]])
    labels = np.array([0, 0, 0, 1, 1, 1])
    found = find_label_candidates(probabilities, labels)
    # class 0: (0.9 + 0.6 + 0.2) / 3 = 0.5667; class 1: (0.75 + 0.5 + 0.9) / 3 = 0.7167
    np.testing.assert_allclose(found.thresholds, [1.7 / 3, 2.15 / 3])
    # picture 4 lies above neither; picture 2 is called 0 and lies above the threshold of 1
    assert found.joint.tolist() == [[2, 1], [0, 2]]
    assert found.indices.tolist() == [2] and len(found) == 1
    assert (found.given.tolist(), found.suggested.tolist()) == ([0], [1])
    np.testing.assert_allclose(found.margin, [0.6])


def test_a_class_has_its_own_threshold():
    """A class of which the network is never sure keeps its pictures, though another is more probable."""
    probabilities = np.array([[0.95, 0.05]] * 4 + [[0.6, 0.4]] * 4)
    found = find_label_candidates(probabilities, np.array([0] * 4 + [1] * 4))
    assert len(found) == 0
    assert found.joint.tolist() == [[4, 0], [0, 4]]


def noisy(num=600, num_classes=5, num_wrong=40, seed=0):
    """Good but not perfect probabilities of the true classes, and labels of which some are exchanged."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, num_classes, num)
    logits = rng.normal(0, 1, (num, num_classes)) + 6.0 * np.eye(num_classes)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    wrong = rng.choice(num, num_wrong, replace=False)
    labels = truth.copy()
    labels[wrong] = (truth[wrong] + rng.integers(1, num_classes, num_wrong)) % num_classes
    return probabilities, labels, truth, wrong


@pytest.mark.parametrize("seed", range(5))
def test_planted_wrong_labels_are_found_and_come_first(seed):
    probabilities, labels, truth, wrong = noisy(seed=seed)
    found = find_label_candidates(probabilities, labels)
    hits = np.isin(found.indices, wrong)
    assert hits.sum() >= 0.85 * len(wrong)
    assert hits[:20].mean() >= 0.95
    assert hits.mean() >= 0.7
    right = found.suggested[hits] == truth[found.indices[hits]]
    assert right.mean() >= 0.95
    assert (np.diff(found.margin) <= 0).all()


def test_without_wrong_labels_there_are_few_candidates():
    probabilities, _, truth, _ = noisy()
    assert len(find_label_candidates(probabilities, truth)) <= 0.04 * len(truth)


def test_equals_cleanlab():
    count = pytest.importorskip("cleanlab.count")
    probabilities, labels, _, _ = noisy()
    theirs = count.compute_confident_joint(labels, probabilities, calibrate=False)
    np.testing.assert_array_equal(find_label_candidates(probabilities, labels).joint, theirs)


def test_a_class_without_pictures_is_never_suggested():
    probabilities = np.array([[0.1, 0.1, 0.8], [0.1, 0.2, 0.7], [0.2, 0.7, 0.1]])
    found = find_label_candidates(probabilities, np.array([0, 0, 1]))
    assert np.isnan(found.thresholds[2]) and 2 not in found.suggested
    assert found.joint[:, 2].sum() == 0


@pytest.mark.parametrize(
    ("probabilities", "labels", "message"),
    [
        (np.array([[2.0, -1.0]]), [0], "apply softmax"),
        (np.array([[0.5, 0.6]]), [0], "sum 1"),
        (np.array([[0.5, 0.5]]), [2], "from 0 to 1"),
        (np.array([[0.5, 0.5]]), [-1], "from 0 to 1"),
        (np.array([[0.5, 0.5]]), [0, 1], "a label for each row"),
        (np.zeros((0, 2)), np.zeros(0, dtype=int), "a label for each row"),
    ],
)
def test_bad_input_is_refused(probabilities, labels, message):
    with pytest.raises(ValueError, match=message):
        find_label_candidates(probabilities, np.array(labels))
