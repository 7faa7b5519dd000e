"""Optimisers by name: the same steps as the library's own constructor, and the same bits after a resume."""

import io

import pytest
import torch
from timm.optim import AdaBelief
from torch import nn

from course_utils.training.config import OPTIMIZERS
from course_utils.training.optim import build_optimizer, parameter_groups

RATE, DECAY, MOMENTUM = 0.01, 0.1, 0.8


def network() -> nn.Sequential:
    torch.manual_seed(0)
    # no bias before the batch norm: its gradient is rounding noise, which Adam would blow up
    conv = nn.Conv2d(1, 4, 3, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3))


def batch(step: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(step)
    return torch.randn(8, 1, 6, 6, generator=generator), torch.randint(0, 3, (8,), generator=generator)


def train(model: nn.Module, optimizer: torch.optim.Optimizer, steps: range) -> None:
    for step in steps:
        images, targets = batch(step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), targets).backward()
        optimizer.step()


def library(name: str, model: nn.Module) -> torch.optim.Optimizer:
    """The same optimiser from its own constructor, the groups written out by the parameters' names."""
    norms_and_biases = ("1.weight", "1.bias", "4.bias")
    named = dict(model.named_parameters())
    groups = [
        {"params": [p for key, p in named.items() if key not in norms_and_biases], "weight_decay": DECAY},
        {"params": [named[key] for key in norms_and_biases], "weight_decay": 0.0},
    ]
    if name == "ranger":
        return pytest.importorskip("pytorch_optimizer").Ranger(groups, lr=RATE, degenerated_to_sgd=True)
    return {
        "adamw": lambda: torch.optim.AdamW(groups, lr=RATE),
        "adam": lambda: torch.optim.Adam(groups, lr=RATE),
        "sgd": lambda: torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM, nesterov=True),
        "adagrad": lambda: torch.optim.Adagrad(groups, lr=RATE),
        "rmsprop": lambda: torch.optim.RMSprop(groups, lr=RATE, momentum=MOMENTUM),
        "adabelief": lambda: AdaBelief(groups, lr=RATE),
    }[name]()


def ours(name: str, model: nn.Module) -> torch.optim.Optimizer:
    if name == "ranger":
        pytest.importorskip("pytorch_optimizer")
    return build_optimizer(name, model, learning_rate=RATE, weight_decay=DECAY, momentum=MOMENTUM)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_ten_steps_equal_those_of_the_library(name):
    mine, theirs = network(), network()
    before = mine[0].weight.detach().clone()
    train(mine, ours(name, mine), range(10))
    train(theirs, library(name, theirs), range(10))
    assert (mine[0].weight - before).abs().max() > 1e-3
    for (key, value), reference in zip(mine.state_dict().items(), theirs.state_dict().values(), strict=True):
        torch.testing.assert_close(value, reference, rtol=1e-5, atol=1e-6, msg=key)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_step_goes_downhill(name):
    """On a parabola, from far away. Ranger as the library has it climbs for its first five steps."""
    model = nn.Linear(1, 1, bias=False)
    optimizer = ours(name, model)
    nn.init.constant_(model.weight, 10.0)
    heights = []
    for _ in range(12):
        optimizer.zero_grad()
        loss = model.weight.square().sum()
        loss.backward()
        optimizer.step()
        heights.append(loss.item())
    assert heights[:6] == sorted(heights[:6], reverse=True)  # the sixth goes back half the way: Lookahead
    assert heights[-1] < heights[5] < heights[0]


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_norms_and_biases_are_not_decayed(name):
    """Without gradients only the decay moves anything; where it is coupled, it must not reach them either."""
    model = network()
    before = {key: value.detach().clone() for key, value in model.named_parameters()}
    optimizer = ours(name, model)
    for _ in range(12):  # Ranger's rectified steps need more than five
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter)
        optimizer.step()
    for key, value in model.named_parameters():
        moved = not torch.equal(value, before[key])
        assert moved == (value.ndim > 1), key


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_resumed_run_has_the_same_bits(name):
    whole = network()
    train(whole, ours(name, whole), range(16))

    first = network()
    optimizer = ours(name, first)
    train(first, optimizer, range(9))
    file = io.BytesIO()
    torch.save({"model": first.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file, weights_only=True)

    second = network()
    optimizer = ours(name, second)
    second.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    train(second, optimizer, range(9, 16))
    for key, value in whole.state_dict().items():
        assert torch.equal(value, second.state_dict()[key]), key


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_frozen_layers_stay_and_move_once_unfrozen(name):
    model = network()
    optimizer = ours(name, model)
    model[0].requires_grad_(False)
    before = model[0].weight.detach().clone()
    train(model, optimizer, range(3))
    assert torch.equal(model[0].weight, before)
    model[0].requires_grad_(True)
    train(model, optimizer, range(3, 12))
    assert (model[0].weight - before).abs().max() > 1e-4
    assert all(torch.isfinite(p).all() for p in model.parameters())


def test_groups_hold_every_parameter_once():
    model = network()
    decayed, others = parameter_groups(model, 0.1)
    assert (decayed["weight_decay"], others["weight_decay"]) == (0.1, 0.0)
    ids = [id(p) for group in (decayed, others) for p in group["params"]]
    assert sorted(ids) == sorted(id(p) for p in model.parameters())


def test_unknown_names_are_refused_with_the_nearest():
    with pytest.raises(ValueError, match=r"optimizer is 'rmspropp'.*Did you mean 'rmsprop'"):
        build_optimizer("rmspropp", network(), learning_rate=0.1)
