"""Configuration, optimisers, schedules, early stopping: against tables and formulas."""

import dataclasses
import math

import pytest
import torch
from torch import nn

from course_utils.training.config import SCHEDULES, TrainingConfig
from course_utils.training.early_stopping import EarlyStopping
from course_utils.training.optim import build_optimizer, parameter_groups
from course_utils.training.schedules import build_schedule


def test_config_round_trip_and_defaults():
    config = TrainingConfig(epochs=3, patience=2)
    assert TrainingConfig.from_dict(config.as_dict()) == config
    with pytest.raises(dataclasses.FrozenInstanceError):
        config.epochs = 4


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 3}, "'epoch' is no setting .* 'epochs'"),
        ({"epochs": 0}, "epochs is 0"),
        ({"epochs": 2.5}, "epochs is 2.5"),
        ({"epochs": True}, "epochs is True"),
        ({"epochs": 1, "learning_rate": 0}, "learning_rate is 0"),
        ({"epochs": 1, "learning_rate": math.nan}, "learning_rate is nan"),
        ({"epochs": 1, "label_smoothing": 1.0}, "label_smoothing is 1.0"),
        ({"epochs": 1, "clip_norm": -1}, "clip_norm is -1"),
        ({"epochs": 1, "optimizer": "adamm"}, "optimizer is 'adamm'.* 'adamw?'"),
        ({"epochs": 1, "schedule": "onecycle"}, "'one_cycle'"),
        ({"epochs": 1, "precision": "fp16"}, "precision is 'fp16'"),
        ({"epochs": 1, "seed": -1}, "seed is -1"),
    ],
)
def test_impossible_settings_name_the_field(values, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig.from_dict(values)


def test_norms_and_biases_get_no_decay():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Linear(4, 2))
    decayed, others = parameter_groups(model, 0.1)
    assert decayed["weight_decay"] == 0.1 and {p.ndim for p in decayed["params"]} == {4, 2}
    assert others["weight_decay"] == 0.0 and len(others["params"]) == 4
    assert sum(map(len, (decayed["params"], others["params"]))) == len(list(model.parameters()))


@pytest.mark.parametrize("name", ["adamw", "adam", "sgd"])
def test_optimisers_do_what_their_formula_says(name):
    """Two steps on a matrix with constant gradient, computed by hand."""
    model = nn.Linear(2, 2, bias=False).double()
    weight = model.weight.detach().clone()
    gradient = torch.tensor([[0.5, -1.0], [2.0, 0.1]], dtype=torch.double)
    optimizer = build_optimizer(name, model, learning_rate=0.1, weight_decay=0.01, momentum=0.9)
    first, second, buffer = torch.zeros(2, 2), torch.zeros(2, 2), torch.zeros(2, 2)
    for step in (1, 2):
        model.weight.grad = gradient.clone()
        optimizer.step()
        g = gradient if name == "adamw" else gradient + 0.01 * weight
        if name == "sgd":
            buffer = g if step == 1 else 0.9 * buffer + g
            weight = weight - 0.1 * (g + 0.9 * buffer)
            continue
        if name == "adamw":
            weight = weight * (1 - 0.1 * 0.01)
        first, second = 0.9 * first + 0.1 * g, 0.999 * second + 0.001 * g**2
        hat, spread = first / (1 - 0.9**step), (second / (1 - 0.999**step)).sqrt()
        weight = weight - 0.1 * hat / (spread + 1e-8)
    torch.testing.assert_close(model.weight.detach(), weight)


def rates(name: str, total: int, warmup: int = 0) -> list[float]:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = build_schedule(name, optimizer, total_steps=total, warmup_steps=warmup)
    values = []
    for _ in range(total):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return values


def test_cosine_is_the_formula():
    expected = [(1 + math.cos(math.pi * step / 20)) / 2 for step in range(20)]
    assert rates("cosine", 20) == pytest.approx(expected)


def test_warm_up_is_a_straight_line_and_ends_at_the_highest_rate():
    values = rates("cosine", 25, warmup=4)
    assert values[:5] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0])
    assert values[4:] == pytest.approx([(1 + math.cos(math.pi * step / 21)) / 2 for step in range(21)])
    assert rates("constant", 6, warmup=1) == pytest.approx([0.5, 1, 1, 1, 1, 1])


def test_one_cycle_rises_for_three_tenths_and_falls_to_almost_nothing():
    values = rates("one_cycle", 100)
    highest = values.index(max(values))
    assert values[0] == pytest.approx(1 / 25) and 28 <= highest <= 31
    assert max(values) == pytest.approx(1, abs=1e-3) and values[-1] < 0.01
    assert values[: highest + 1] == sorted(values[: highest + 1])


@pytest.mark.parametrize(
    ("name", "warmup", "message"),
    [("one_cycle", 2, "own warm-up"), ("cosine", 10, "fewer than all steps"), ("steps", 0, "'steps'")],
)
def test_impossible_schedules_are_refused(name, warmup, message):
    with pytest.raises(ValueError, match=message):
        rates(name, 10, warmup)
    assert {"one_cycle", "cosine", "constant"} <= set(SCHEDULES)


@pytest.mark.parametrize(
    ("values", "patience", "higher", "stops_after", "best_epoch"),
    [
        ([1, 2, 3, 2, 1], 2, True, 5, 2),
        ([1, 2, 3, 2, 4, 1, 1], 2, True, 7, 4),
        ([3, 3, 3], 2, True, 3, 0),
        ([5, 4, 3, 4], 1, False, 4, 2),
        ([math.nan, 1, math.nan, math.nan], 2, True, 4, 1),
        ([3, 2, 1], 0, True, None, 0),
    ],
)
def test_early_stopping_counts_right(values, patience, higher, stops_after, best_epoch):
    stopping = EarlyStopping(patience, higher_is_better=higher)
    stopped = None
    for epoch, value in enumerate(values):
        stopping.update(value, epoch)
        if stopping.should_stop and stopped is None:
            stopped = epoch + 1
    assert (stopped, stopping.best_epoch) == (stops_after, best_epoch)
