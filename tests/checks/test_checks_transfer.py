"""The exercises of notebook 08 against what is known otherwise: counts, formulas, one step of training.

Stubs, wrong answers and other right ones of all exercises are tested in test_checks_all.py.
"""

import math

import numpy as np
import pytest
import torch

from course_utils import checks
from course_utils.checks import learning_curve
from course_utils.data import catalog
from course_utils.data.samples.satellite import SIDES
from course_utils.models.heads import classifier_of


@pytest.fixture(scope="module")
def solution():
    """Give the function that an exercise's solution defines."""
    return lambda name: checks.run_solution(checks.get(name))


def test_size_alone_answers_half_of_the_published_satellite_set(solution):
    counts = catalog.get("satellite").class_counts
    labels = [name for name, count in counts.items() for _ in range(count)]
    sizes = [(SIDES[name], SIDES[name]) for name in labels]
    expected = sum(max(counts[n] for n in counts if SIDES[n] == side) for side in (64, 256)) / len(labels)
    assert solution("accuracy_from_size")(sizes, labels) == pytest.approx(expected)
    assert 0.5 < expected < 0.55


def test_a_model_of_the_solution_trains_its_head_alone(solution):
    torch.manual_seed(0)
    model = solution("build_model")(True, False, 5).train()
    head, _ = classifier_of(model)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, weight_decay=0.1)
    torch.nn.functional.cross_entropy(model(torch.randn(4, 3, 32, 32)), torch.arange(4)).backward()
    optimizer.step()
    changed = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {f"{head}.weight", f"{head}.bias"}


@pytest.mark.parametrize("epochs", [1, 4, 50])
def test_the_prices_of_the_three_ways_compare_as_they_should(solution, epochs):
    price = solution("training_cost")
    tuned, frozen, once = (
        price(way, 300, epochs, 30_000_000, 0) for way in ("fine-tuned", "frozen", "features once")
    )
    assert tuned == 3 * frozen
    assert frozen == epochs * once
    assert price("frozen", 300, epochs, 0, 5_000) == price("features once", 300, epochs, 0, 5_000)


def test_a_straight_learning_curve_is_inverted(solution):
    worth = solution("pictures_worth")
    sizes = [10, 30, 100, 1000]
    accuracies = [0.2 + 0.1 * math.log(size) for size in sizes]
    for number in (11, 30, 77, 999):
        assert worth(sizes, accuracies, 0.2 + 0.1 * math.log(number)) == pytest.approx(number)
    assert worth(sizes, accuracies, 0.0) == 10
    assert worth(sizes, accuracies, 0.99) == math.inf


def test_infinity_of_numpy_and_whole_numbers_are_accepted():
    exercise = checks.get("pictures_worth")
    right = checks.run_solution(exercise)

    def with_numpy(sizes, accuracies, wanted):
        found = right(sizes, accuracies, wanted)
        return np.float64(found) if found != sizes[0] else int(found)

    assert exercise.check(with_numpy)


def test_the_budget_counts_what_the_paper_of_the_network_counts():
    published = 407e6  # multiply-adds of EfficientNet-Lite0 for a picture of 224 px
    assert learning_curve._passes(224) == pytest.approx(published, rel=0.06)
    assert learning_curve._passes(128) == pytest.approx(4 * learning_curve._passes(64), rel=0.01)


def test_a_plan_is_judged_by_its_price_not_by_its_order():
    plan = checks.get("transfer_plan")
    passes = learning_curve.BUDGET // (3 * learning_curve.NUM_PICTURES * learning_curve._passes(64))
    assert plan.check({"epochs": passes, "image_size": 64, "train": "all"})
    assert plan.check({"train": "all", "image_size": 64, "epochs": passes + 1}).status == "wrong"
    assert plan.check({"train": "all", "image_size": 64}).status == "wrong"
    assert plan.check({"train": "head", "image_size": 224, "epochs": True}).status == "wrong"
