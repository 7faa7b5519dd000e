"""Schedules as tables: the exact learning rates, written out or from the formulas."""

import io
import math

import pytest
import torch
from torch import nn

from course_utils.training.config import SCHEDULES
from course_utils.training.schedules import Schedule, build_schedule

OPTIONS = {  # what a schedule of 24 steps in 6 epochs needs
    "step": {"steps_per_epoch": 4, "step_epochs": 2},
    "multi_step": {"steps_per_epoch": 4, "milestones": (1, 4)},
    "cosine_restarts": {"steps_per_epoch": 4, "step_epochs": 2},
    "plateau": {"plateau_patience": 1},
}


def new_optimizer() -> torch.optim.Optimizer:
    """Two groups, the rate of the second a tenth of the first's."""
    groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in (1.0, 0.1)]
    return torch.optim.SGD(groups, lr=1.0)


def go(
    schedule: Schedule,
    optimizer: torch.optim.Optimizer,
    steps: range,
    per_epoch: int = 4,
    metrics: list[float] | None = None,
) -> list[float]:
    """Give the rate of each step; `metrics` hold a value per epoch."""
    seen = []
    for step in steps:
        high, low = (group["lr"] for group in optimizer.param_groups)
        assert low == pytest.approx(high / 10)
        seen.append(high)
        optimizer.step()
        schedule.step()
        if (step + 1) % per_epoch == 0:
            schedule.epoch_end(0.5 if metrics is None else metrics[step // per_epoch])
    return seen


def rates(name: str, total: int = 24, metrics: list[float] | None = None, **options: object) -> list[float]:
    optimizer = new_optimizer()
    schedule = build_schedule(name, optimizer, total_steps=total, **{**OPTIONS.get(name, {}), **options})
    return go(schedule, optimizer, range(total), metrics=metrics)


def cosine(share: float) -> float:
    return (1 + math.cos(math.pi * share)) / 2


def test_step_falls_every_so_many_epochs():
    expected = [1.0] * 8 + [0.1] * 8 + [0.01] * 8
    assert rates("step") == pytest.approx(expected)
    assert rates("step", decay_factor=0.5)[8::8] == pytest.approx([0.5, 0.25])


def test_multi_step_falls_at_its_epochs():
    assert rates("multi_step") == pytest.approx([1.0] * 4 + [0.1] * 12 + [0.01] * 8)


def test_warm_up_does_not_move_the_milestones():
    """Epochs are counted from the start of training, not from the end of the warm-up."""
    rise = [0.25, 0.5, 0.75]
    assert rates("multi_step", warmup_steps=3) == pytest.approx(rise + [1.0] + [0.1] * 12 + [0.01] * 8)
    assert rates("step", warmup_steps=3) == pytest.approx(rise + [1.0] * 5 + [0.1] * 8 + [0.01] * 8)


def test_cosine_falls_to_zero_after_the_last_step():
    assert rates("cosine", total=20) == pytest.approx([cosine(step / 20) for step in range(20)])
    expected = [0.2, 0.4, 0.6, 0.8] + [cosine(step / 20) for step in range(20)]
    assert rates("cosine", total=24, warmup_steps=4) == pytest.approx(expected)


def test_restarts_double_their_cycles():
    waves = [cosine(step / 8) for step in range(8)] + [cosine(step / 16) for step in range(16)]
    assert rates("cosine_restarts") == pytest.approx(waves)
    assert rates("cosine_restarts", restart_factor=1) == pytest.approx(waves[:8] * 3)
    late = rates("cosine_restarts", warmup_steps=4)
    assert late == pytest.approx([0.2, 0.4, 0.6, 0.8, *waves[:20]])


def test_constant_rises_and_stays():
    assert rates("constant", total=6) == pytest.approx([1.0] * 6)
    assert rates("constant", total=6, warmup_steps=1) == pytest.approx([0.5, 1, 1, 1, 1, 1])


def test_one_cycle_rises_for_three_tenths_and_falls_to_almost_nothing():
    values = rates("one_cycle", total=100)
    highest = values.index(max(values))
    assert values[0] == pytest.approx(1 / 25) and 28 <= highest <= 31
    assert max(values) == pytest.approx(1, abs=1e-3) and values[-1] < 0.01
    assert values[: highest + 1] == sorted(values[: highest + 1])


@pytest.mark.parametrize(
    ("metrics", "higher_is_better", "by_epoch"),
    [  # patience 1: the second epoch without improvement lowers the rate, and the count begins again
        ([0.5, 0.6, 0.6, 0.6, 0.7, 0.1], True, [1, 1, 1, 1, 0.1, 0.1]),
        ([0.5, 0.6, 0.6, 0.6, 0.7, 0.1], False, [1, 1, 1, 0.1, 0.1, 0.01]),
        ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], True, [1, 1, 1, 0.1, 0.1, 0.01]),
        ([0.5, 0.50001, 0.50002, 0.50003, 0.50004, 0.50005], True, [1] * 6),
        ([0.5, math.nan, math.nan, 0.6, 0.7, 0.8], True, [1, 1, 1, 0.1, 0.1, 0.1]),
    ],
)
def test_plateau_follows_the_metric(metrics, higher_is_better, by_epoch):
    values = rates("plateau", metrics=metrics, higher_is_better=higher_is_better)
    assert values == pytest.approx([rate for rate in by_epoch for _ in range(4)])


def test_plateau_rises_first_and_lowers_even_tiny_rates():
    values = rates("plateau", metrics=[0.5] * 6, warmup_steps=3)
    assert values[:12] == pytest.approx([0.25, 0.5, 0.75] + [1.0] * 9)
    assert values[12:] == pytest.approx([0.1] * 8 + [0.01] * 4)
    deep = rates("plateau", total=400, metrics=[0.5] * 100, plateau_patience=0)
    assert deep[-1] < 1e-60


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("warmup", [0, 5])
def test_a_resumed_schedule_goes_on_exactly(name, warmup):
    """Through a file that may hold plain values only, stopped at every epoch in turn."""
    if name == "one_cycle" and warmup:
        pytest.skip("it has its own warm-up")
    metrics = [0.5, 0.6, 0.6, 0.6, 0.6, 0.7]
    options = {"total_steps": 24, "warmup_steps": warmup, **OPTIONS.get(name, {})}
    whole = rates(name, metrics=metrics, warmup_steps=warmup)
    for stop in (4, 8, 12, 20):
        optimizer = new_optimizer()
        schedule = build_schedule(name, optimizer, **options)
        go(schedule, optimizer, range(stop), metrics=metrics)
        file = io.BytesIO()
        torch.save([schedule.state_dict(), optimizer.state_dict()], file)
        file.seek(0)
        saved, saved_optimizer = torch.load(file, weights_only=True)
        assert_plain(saved)

        optimizer = new_optimizer()
        schedule = build_schedule(name, optimizer, **options)
        optimizer.load_state_dict(saved_optimizer)
        schedule.load_state_dict(saved)
        assert go(schedule, optimizer, range(stop, 24), metrics=metrics) == whole[stop:]


def assert_plain(value: object) -> None:
    if type(value) is dict:
        for item in value.values():
            assert_plain(item)
    elif type(value) in (list, tuple):
        for item in value:
            assert_plain(item)
    else:
        assert value is None or type(value) in (bool, int, float, str), type(value)


def test_the_state_of_another_schedule_is_refused():
    saved = build_schedule("cosine", new_optimizer(), total_steps=24).state_dict()
    other = build_schedule("constant", new_optimizer(), total_steps=24, warmup_steps=2)
    with pytest.raises(ValueError, match="that of the schedule 'cosine'"):
        other.load_state_dict(saved)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("one_cycle", {"warmup_steps": 2}, "own warm-up"),
        ("cosine", {"warmup_steps": 24}, "fewer than all steps"),
        ("cosine", {"warmup_steps": -1}, "expected 0 to 23"),
        ("steps", {}, "'steps'.*Did you mean 'step'"),
        ("step", {"steps_per_epoch": None}, "'step' counts epochs, so it needs steps_per_epoch"),
        ("multi_step", {"steps_per_epoch": 0}, "needs steps_per_epoch"),
        ("multi_step", {"milestones": ()}, "needs milestones"),
        ("cosine_restarts", {"steps_per_epoch": None}, "'cosine_restarts' counts epochs"),
    ],
)
def test_impossible_schedules_are_refused(name, options, message):
    with pytest.raises(ValueError, match=message):
        rates(name, **options)
