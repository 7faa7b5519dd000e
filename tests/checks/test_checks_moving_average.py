"""The exercises of notebook 10 against the library's average and torch's.

Stubs, wrong answers and other right ones of all exercises are tested in test_checks_all.py.
"""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_utils import checks
from course_utils.training.ema import ModelEma


@pytest.fixture(scope="module")
def solution():
    """Give the function that an exercise's solution defines."""
    return lambda name: checks.run_solution(checks.get(name))


def models(count):
    """Give a small network with a batch norm at `count` moments of a training that is made up."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3))
    for _ in range(count):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
            network.train()(torch.randn(4, 1, 6, 6))
        yield network


def test_the_shares_rebuild_the_librarys_average(solution):
    decay, seen, ema = 0.8, [], None
    for network in models(9):
        ema = ema or ModelEma(network, decay=decay, warmup=False)
        ema.update(network)
        seen.append(network[0].weight.detach().double().clone())
    shares = solution("ema_shares")(decay, len(seen) - 1)  # the first update copies: that is the start
    expected = sum(share * weight for share, weight in zip(shares, seen, strict=True))
    torch.testing.assert_close(ema.module[0].weight.double(), expected, rtol=1e-5, atol=1e-6)
    assert sum(shares) == pytest.approx(1)


@pytest.mark.parametrize("decay", [0.3, 0.95, 0.999])
def test_after_a_half_life_a_half_is_left(solution, decay):
    assert decay ** solution("half_life")(decay) == pytest.approx(0.5)
    assert np.diff([solution("half_life")(d) for d in (0.5, 0.9, 0.99)]).min() > 0


def test_the_update_is_torchs_for_floats_and_a_copy_for_counters(solution):
    update, averages = solution("update_average"), None
    for network in models(6):
        if averages is None:
            mine = copy.deepcopy(network)
            averages = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
            averages.update_parameters(network)  # the first copies
            continue
        update(mine.state_dict(), network.state_dict(), 0.9)
        averages.update_parameters(network)
    for name, value in mine.state_dict().items():
        want = network.state_dict()[name] if "num_batches" in name else averages.module.state_dict()[name]
        torch.testing.assert_close(value, want, rtol=1e-5, atol=1e-6)


def test_the_plan_that_copies_0_9999_into_a_short_run_is_refused():
    plan = checks.run_solution(checks.get("averaging_plan"))
    verdict = checks.get("averaging_plan").check({**plan, "decay": 0.9999, "warmup": False})
    assert verdict.status == "wrong" and "96.1%" in verdict.reason
    assert abs(0.9999**400 - 0.961) < 5e-4
    assert checks.get("averaging_plan").check({**plan, "decay": 0.9999}).status == "correct"
