"""The metrics against scikit-learn and scipy, on random and on degenerate inputs."""

import json
import math
import warnings

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics as sk

from course_utils.evaluation import metrics


def draw(seed, num=200, classes=7, absent=(), never=()):
    """Scores (num, classes) and targets; `absent` classes have no images, `never` ones no predictions."""
    generator = np.random.default_rng(seed)
    targets = generator.choice([c for c in range(classes) if c not in absent], num)
    scores = generator.normal(0, 1, (num, classes))
    scores[np.arange(num), targets] += 1.0
    scores[:, list(never)] = -50.0
    return scores, targets


CASES = {
    "random": draw(0),
    "two classes": draw(1, classes=2),
    "absent class": draw(2, absent=(3,)),
    "never predicted": draw(3, never=(0,)),
    "absent and never": draw(4, absent=(6,), never=(6, 1)),
    "one true class": draw(5, absent=(0, 1, 2, 4, 5, 6)),
    "one image": draw(6, num=1),
    "many classes": draw(7, num=400, classes=50),
}


@pytest.fixture(params=CASES, ids=list(CASES))
def case(request):
    scores, targets = CASES[request.param]
    return scores, scores.argmax(axis=1), targets, scores.shape[1]


def reference(function, *args, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return function(*args, **options)


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def test_accuracy_and_balanced_accuracy(case):
    _, guesses, targets, _ = case
    assert metrics.accuracy(guesses, targets) == pytest.approx(sk.accuracy_score(targets, guesses), abs=1e-15)
    want = reference(sk.balanced_accuracy_score, targets, guesses)
    assert metrics.balanced_accuracy(guesses, targets) == pytest.approx(want, abs=1e-15)


@pytest.mark.parametrize("average", ["macro", "micro", "weighted"])
def test_precision_recall_f1(case, average):
    _, guesses, targets, _ = case
    got = metrics.precision_recall_f1(guesses, targets, average=average)
    options = {"average": average, "zero_division": 0}
    assert got.precision == pytest.approx(sk.precision_score(targets, guesses, **options), abs=1e-15)
    assert got.recall == pytest.approx(sk.recall_score(targets, guesses, **options), abs=1e-15)
    assert got.f1 == pytest.approx(sk.f1_score(targets, guesses, **options), abs=1e-15)


def test_micro_is_the_accuracy(case):
    _, guesses, targets, _ = case
    same = metrics.accuracy(guesses, targets)
    assert metrics.precision_recall_f1(guesses, targets, average="micro") == pytest.approx((same, same, same))


def test_confusion_matrix_has_true_classes_in_rows(case):
    _, guesses, targets, classes = case
    got = metrics.confusion_matrix(guesses, targets, classes)
    assert (got == reference(sk.confusion_matrix, targets, guesses, labels=range(classes))).all()
    assert metrics.confusion_matrix([1], [0], 2).tolist() == [[0, 1], [0, 0]]


def test_per_class_table(case):
    _, guesses, targets, classes = case
    rows = metrics.per_class_table(guesses, targets, [f"c{i}" for i in range(classes)])
    want = reference(
        sk.classification_report,
        targets,
        guesses,
        labels=range(classes),
        target_names=[f"c{i}" for i in range(classes)],
        output_dict=True,
        zero_division=0,
    )
    for row in rows:
        of_class = want[row["class"]]
        assert row["precision"] == pytest.approx(of_class["precision"])
        assert row["recall"] == pytest.approx(of_class["recall"])
        assert row["f1"] == pytest.approx(of_class["f1-score"])
        assert row["num_images"] == of_class["support"]
    assert sum(row["num_images"] for row in rows) == sum(row["num_predicted"] for row in rows) == len(targets)


@pytest.mark.parametrize("k", [1, 2, 5])
def test_top_k(case, k):
    scores, _, targets, classes = case
    got = metrics.top_k_accuracy(scores, targets, k)
    if k >= classes:
        assert (got.value, got.k, got.asked, got.name) == (1.0, classes, k, f"top-{classes} accuracy")
    elif classes == 2:
        assert got.value == pytest.approx(
            sk.top_k_accuracy_score(targets, scores[:, 1] - scores[:, 0], k=1, labels=[0, 1])
        )
    else:
        want = sk.top_k_accuracy_score(targets, scores, k=k, labels=range(classes))
        assert got.value == pytest.approx(want)
        assert got.name == f"top-{k} accuracy"


def test_F27_three_classes_do_not_have_a_top_5():
    result = metrics.summary(draw(0, classes=3)[0], draw(0, classes=3)[1], ["a", "b", "c"])
    assert "top_5_accuracy" not in result
    assert result["top_3_accuracy"] == 1.0


def test_top_1_is_the_accuracy(case):
    scores, guesses, targets, _ = case
    assert metrics.top_k_accuracy(scores, targets, 1).value == metrics.accuracy(guesses, targets)


def test_log_loss(case):
    scores, _, targets, classes = case
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    want = sk.log_loss(targets, probabilities, labels=range(classes))
    assert metrics.log_loss_from_probabilities(probabilities, targets) == pytest.approx(want, rel=1e-9)
    torch_says = torch.nn.functional.cross_entropy(torch.tensor(scores), torch.tensor(targets)).item()
    assert metrics.log_loss(scores, targets) == pytest.approx(torch_says, rel=1e-12)


def test_log_loss_is_stable():
    logits = np.array([[1000.0, 0.0], [-1e5, 1e5]])
    assert metrics.log_loss(logits, [0, 1]) == 0.0
    assert metrics.log_loss(logits, [1, 0]) == pytest.approx((1000 + 2e5) / 2)
    certain = np.array([[1.0, 0.0], [0.5, 0.5]])
    want = sk.log_loss([1, 0], certain, labels=[0, 1])
    assert metrics.log_loss_from_probabilities(certain, [1, 0]) == pytest.approx(want)
    assert math.isfinite(metrics.log_loss_from_probabilities(certain.astype(np.float32), [1, 0]))


def test_one_class_only():
    scores = np.array([[0.3], [2.0]])
    result = metrics.summary(scores, [0, 0], ["only"])
    assert result["accuracy"] == result["balanced_accuracy"] == result["top_1_accuracy"] == 1.0
    assert result["log_loss"] == 0.0
    assert result["confusion_matrix"] == [[2]]


EMPTY = np.array([], dtype=int)


@pytest.mark.parametrize(
    "call",
    [
        lambda: metrics.accuracy(EMPTY, EMPTY),
        lambda: metrics.balanced_accuracy(EMPTY, EMPTY),
        lambda: metrics.precision_recall_f1(EMPTY, EMPTY),
        lambda: metrics.confusion_matrix(EMPTY, EMPTY, 3),
        lambda: metrics.per_class_table(EMPTY, EMPTY, ["a"]),
        lambda: metrics.top_k_accuracy(np.zeros((0, 3)), EMPTY),
        lambda: metrics.log_loss(np.zeros((0, 3)), EMPTY),
        lambda: metrics.summary(np.zeros((0, 3)), EMPTY, ["a", "b", "c"]),
        lambda: metrics.wilson_interval(0, 0),
        lambda: metrics.bootstrap_interval(EMPTY, EMPTY, metrics.accuracy, seed=0),
        lambda: metrics.mcnemar(EMPTY, EMPTY, EMPTY),
    ],
)
def test_nothing_to_evaluate_is_an_error(call):
    with pytest.raises(ValueError):
        call()


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: metrics.accuracy([0, 1], [0]), "2 predictions for 1 targets"),
        (lambda: metrics.accuracy([0.0, 1.0], [0, 1]), "whole class indices"),
        (lambda: metrics.accuracy([[0, 1]], [[0, 1]]), "shape"),
        (lambda: metrics.accuracy([0, -1], [0, 1]), "-1"),
        (lambda: metrics.confusion_matrix([0, 3], [0, 1], 3), "0 to 2"),
        (lambda: metrics.top_k_accuracy(np.zeros((1, 3)), [3], 1), "0 to 2"),
        (lambda: metrics.top_k_accuracy(np.zeros((1, 3)), [0], 0), "k is 0; expected 1 or more"),
        (lambda: metrics.log_loss(np.array([[0.0, 1.0], [np.nan, 0.0]]), [0, 1]), "image 1 are not finite"),
        (lambda: metrics.summary(np.zeros((1, 3)), [0], ["a", "b"]), "3 columns, there are 2 class names"),
        (lambda: metrics.log_loss_from_probabilities(np.array([[0.2, 0.2]]), [0]), "sum 1"),
        (lambda: metrics.precision_recall_f1([0], [0], average="marco"), "'marco'"),
        (lambda: metrics.wilson_interval(3, 2), "3 of 2"),
        (lambda: metrics.wilson_interval(1, 2, 95), "between 0 and 1"),
        (lambda: metrics.mcnemar([0], [0, 1], [0]), "equally long"),
    ],
)
def test_what_does_not_fit_is_an_error_that_says_what_was_got(call, said):
    with pytest.raises(ValueError, match=said):
        call()


@pytest.mark.parametrize("total", [1, 5, 30, 1000])
@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
def test_wilson_equals_scipy(total, confidence):
    for correct in {0, 1, total // 2, total - 1, total}:
        want = stats.binomtest(correct, total).proportion_ci(confidence, method="wilson")
        assert metrics.wilson_interval(correct, total, confidence) == pytest.approx(
            (want.low, want.high), abs=1e-12
        )


def test_bootstrap_agrees_with_wilson_and_repeats():
    generator = np.random.default_rng(1)
    targets = generator.integers(0, 3, 400)
    guesses = np.where(generator.random(400) < 0.8, targets, (targets + 1) % 3)
    first = metrics.bootstrap_interval(guesses, targets, metrics.accuracy, seed=3)
    assert first == metrics.bootstrap_interval(guesses, targets, metrics.accuracy, seed=3)
    assert first != metrics.bootstrap_interval(guesses, targets, metrics.accuracy, seed=4)
    wilson = metrics.wilson_interval(int((guesses == targets).sum()), 400)
    assert first == pytest.approx(wilson, abs=0.015)
    wide = metrics.bootstrap_interval(guesses, targets, metrics.accuracy, seed=3, confidence=0.99)
    assert wide[0] <= first[0] and first[1] <= wide[1]


def test_bootstrap_of_certain_results_has_no_width():
    assert metrics.bootstrap_interval([1, 0], [1, 0], metrics.accuracy, seed=0) == (1.0, 1.0)


def paired(only_first, only_second, both=10):
    """Predictions of two models where so many images are right for one alone."""
    truth = np.zeros(only_first + only_second + both, dtype=int)
    first, second = truth.copy(), truth.copy()
    second[:only_first] = 1
    first[only_first : only_first + only_second] = 1
    return first, second, truth


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 2), (0, 10), (12, 12), (20, 4)])
def test_mcnemar_is_exact_for_few(b, c):
    result = metrics.mcnemar(*paired(b, c))
    want = min(1.0, 2 * sum(math.comb(b + c, i) for i in range(min(b, c) + 1)) / 2 ** (b + c))
    assert (result.only_first, result.only_second, result.method) == (b, c, "exact binomial")
    assert result.p_value == pytest.approx(want)


@pytest.mark.parametrize(("b", "c"), [(20, 5), (100, 60), (50, 50), (26, 25)])
def test_mcnemar_for_many(b, c):
    result = metrics.mcnemar(*paired(b, c))
    want = stats.chi2.sf(max(0, abs(b - c) - 1) ** 2 / (b + c), 1)
    assert result.method == "chi-square"
    assert result.p_value == pytest.approx(want)
    exact = stats.binomtest(b, b + c).pvalue
    assert result.p_value == pytest.approx(exact, abs=0.02)


def test_mcnemar_does_not_depend_on_the_order():
    first, second, truth = paired(9, 3)
    assert metrics.mcnemar(first, second, truth).p_value == metrics.mcnemar(second, first, truth).p_value


def test_the_summary_is_plain_json_and_says_what_it_took_the_scores_for(case):
    scores, guesses, targets, classes = case
    names = [f"类{i}" for i in range(classes)]
    result = metrics.summary(scores, targets, names)
    assert json.loads(json.dumps(result, allow_nan=False)) == result
    assert result["scores_are"] == "logits"
    assert result["accuracy"] == metrics.accuracy(guesses, targets)
    assert result["accuracy_interval_95"][0] <= result["accuracy"] <= result["accuracy_interval_95"][1]
    assert np.trace(result["confusion_matrix"]) == (guesses == targets).sum()
    assert result["classes_without_images"] == [names[i] for i in range(classes) if i not in targets]
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    again = metrics.summary(probabilities, targets, names)
    assert again["scores_are"] == "probabilities"
    if (
        probabilities[np.arange(len(targets)), targets].min() > 1e-15
    ):  # else one is clipped, as scikit-learn does
        assert again["log_loss"] == pytest.approx(result["log_loss"])
    assert again["macro"] == result["macro"]


def test_tensors_and_lists_do_as_well():
    scores, targets = draw(0)
    same = metrics.summary(torch.tensor(scores), torch.tensor(targets), list("abcdefg"))
    assert same == metrics.summary(scores.tolist(), targets.tolist(), list("abcdefg"))
