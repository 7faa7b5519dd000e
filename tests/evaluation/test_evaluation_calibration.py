"""Calibration against its formula, scikit-learn's bins, and a model whose temperature is known."""

import json

import numpy as np
import pytest
from scipy import optimize
from scipy.special import log_softmax, softmax
from sklearn.calibration import calibration_curve

from course_utils.evaluation.calibration import Temperature, calibration, fit_temperature


def draw(seed, num=400, classes=5, sharpness=1.0):
    """Logits whose softmax at temperature `sharpness` is the true distribution of the targets."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(0, 2, (num, classes))
    chances = softmax(logits, axis=1)
    targets = np.array([generator.choice(classes, p=row) for row in chances])
    return logits * sharpness, targets


def ece_by_formula(probabilities, targets, num_bins):
    """Guo et al., equation 3, image by image."""
    total = 0.0
    for m in range(num_bins):
        members = [
            (row.max(), row.argmax() == target)
            for row, target in zip(probabilities, targets, strict=True)
            if m / num_bins < row.max() <= (m + 1) / num_bins
        ]
        if members:
            gap = abs(np.mean([c for c, _ in members]) - np.mean([r for _, r in members]))
            total += len(members) / len(targets) * gap
    return total


@pytest.mark.parametrize("num_bins", [1, 10, 15])
def test_ece_is_the_formula(num_bins):
    logits, targets = draw(0)
    probabilities = softmax(logits, axis=1)
    got = calibration(probabilities, targets, num_bins=num_bins)
    assert got.ece == pytest.approx(ece_by_formula(probabilities, targets, num_bins))
    assert sum(one.num_images for one in got.bins) == len(targets)
    gaps = [abs(one.accuracy - one.confidence) for one in got.bins]
    assert got.mce == max(gaps) and got.ece <= got.mce + 1e-15
    assert got.accuracy == np.mean(probabilities.argmax(axis=1) == targets)


def test_the_bins_are_those_of_scikit_learn():
    logits, targets = draw(1, num=1000)
    probabilities = softmax(logits, axis=1)
    right = (probabilities.argmax(axis=1) == targets).astype(int)
    share, mean = calibration_curve(right, probabilities.max(axis=1), n_bins=10)
    got = calibration(probabilities, targets, num_bins=10)
    assert [one.accuracy for one in got.bins] == pytest.approx(share.tolist())
    assert [one.confidence for one in got.bins] == pytest.approx(mean.tolist())


def test_certain_and_right_is_perfect_and_certain_and_wrong_the_worst():
    certain = np.eye(3)
    assert calibration(certain, [0, 1, 2]).ece == 0.0
    wrong = calibration(certain, [1, 2, 0])
    assert (wrong.ece, wrong.mce, wrong.confidence, wrong.accuracy) == (1.0, 1.0, 1.0, 0.0)
    assert [one.num_images for one in wrong.bins] == [3]
    assert calibration(np.ones((2, 1)), [0, 0]).ece == 0.0  # one class


def test_confidence_on_an_edge_belongs_to_the_bin_below():
    got = calibration(np.array([[0.5, 0.5], [0.6, 0.4]]), [0, 0], num_bins=10)
    assert [(round(one.low, 1), round(one.high, 1)) for one in got.bins] == [(0.4, 0.5), (0.5, 0.6)]


def test_it_is_plain_json():
    logits, targets = draw(2, num=50)
    found = calibration(softmax(logits, axis=1), targets).as_dict()
    assert json.loads(json.dumps(found, allow_nan=False)) == found


@pytest.mark.parametrize(
    ("probabilities", "targets", "said"),
    [
        (np.zeros((0, 3)), [], "expected"),
        (np.ones((2, 2)) / 2, [0], "expected"),
        (np.array([[3.0, -1.0]]), [0], "apply softmax first"),
        (np.array([[0.2, 0.2]]), [0], "apply softmax first"),
    ],
)
def test_what_is_no_distribution_is_refused(probabilities, targets, said):
    with pytest.raises(ValueError, match=said):
        calibration(probabilities, targets)


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 3.0])
def test_a_known_temperature_is_found(sharpness):
    """Logits multiplied by s need the temperature s, since softmax(logits) is the truth."""
    logits, targets = draw(3, num=4000, sharpness=sharpness)
    found = fit_temperature(logits, targets)
    assert found.value == pytest.approx(sharpness, rel=0.06)
    assert found.log_loss_after <= found.log_loss_before
    assert found.num_images == 4000 and not found.at_limit


def test_another_optimiser_finds_the_same_minimum():
    logits, targets = draw(4, sharpness=2.5)

    def loss_and_slope(scale):  # over 1 / T, where the loss is convex
        scaled = logits * scale[0]
        rows = np.arange(len(targets))
        loss = -log_softmax(scaled, axis=1)[rows, targets].mean()
        slope = ((softmax(scaled, axis=1) * logits).sum(axis=1) - logits[rows, targets]).mean()
        return loss, np.array([slope])

    want = optimize.minimize(loss_and_slope, [1.0], jac=True, method="L-BFGS-B", bounds=[(0.01, 100)])
    found = fit_temperature(logits, targets)
    assert 1 / found.value == pytest.approx(want.x[0], rel=1e-3)
    assert found.log_loss_after == pytest.approx(want.fun, abs=1e-8)


def test_it_lowers_the_error_of_an_overconfident_model_on_other_pictures_and_changes_no_prediction():
    logits, targets = draw(5, num=3000, sharpness=3.0)
    found = fit_temperature(logits[:1500], targets[:1500])
    before, rest = logits[1500:].astype(np.float32), targets[1500:]
    after = found.apply(before)
    assert after.dtype == np.float32
    assert (after.argmax(axis=1) == before.argmax(axis=1)).all()
    ece = [calibration(softmax(x, axis=1), rest).ece for x in (before, after)]
    assert ece[1] < 0.3 * ece[0]


def test_without_errors_the_limit_is_said():
    found = fit_temperature(np.eye(3) * 2, [0, 1, 2])
    assert found.at_limit and found.value == pytest.approx(0.05, rel=1e-2)


def test_large_logits_do_not_overflow():
    found = fit_temperature(np.array([[1e5, 0.0], [0.0, 1e5], [1e5, 0.0]]), [0, 1, 1])
    assert np.isfinite(found.log_loss_after) and found.value == pytest.approx(20, rel=1e-2)


@pytest.mark.parametrize(
    ("logits", "targets", "said"),
    [
        (np.ones((3, 1)), [0, 0, 0], "two classes"),
        (np.zeros((0, 3)), [], "two classes"),
        (np.array([[np.inf, 0.0]]), [0], "finite"),
        (np.ones((1, 2)), [2], "expected 0 to 1"),
        (np.ones((1, 2)), [-1], "expected 0 to 1"),
        (np.ones((1, 2)), [0.5], "expected 0 to 1"),
    ],
)
def test_what_has_no_temperature_is_refused(logits, targets, said):
    with pytest.raises(ValueError, match=said):
        fit_temperature(logits, targets)


def test_it_is_saved_and_read_again(tmp_path):
    found = fit_temperature(*draw(6))
    path = found.save(tmp_path / "temperature.json")
    assert Temperature.load(path) == found
    for text in ("", "{}", '{"value": 1}', path.read_text().replace(repr(found.value), "-1.0")):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"temperature\.json"):
            Temperature.load(path)
