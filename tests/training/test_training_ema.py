"""The average of the weights: against timm's, torch's, a sum written out, and a resumed one."""

import io

import pytest
import torch
from timm.utils import ModelEmaV3
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from course_utils.training.ema import ModelEma

STEPS = 12


def network(seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(48, 2))


def change(model: nn.Module, step: int) -> None:
    """Stand in for a training step: new weights, and a batch through the batch norm."""
    generator = torch.Generator().manual_seed(step)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
        model.train()(torch.randn(4, 1, 6, 6, generator=generator))


def assert_same(mine: nn.Module, theirs: nn.Module, *, except_counters: bool = False) -> None:
    for (name, value), other in zip(mine.state_dict().items(), theirs.state_dict().values(), strict=True):
        if not (except_counters and name.endswith("num_batches_tracked")):
            torch.testing.assert_close(value, other, rtol=1e-6, atol=1e-7, msg=name)


@pytest.mark.parametrize("warmup", [False, True])
def test_it_is_timm_s(warmup):
    model = network()
    mine = ModelEma(model, decay=0.7, warmup=warmup)
    theirs = ModelEmaV3(model, decay=0.7, use_warmup=warmup)
    for step in range(1, STEPS + 1):
        change(model, step)
        mine.update(model)
        theirs.update(model, step=step)
        assert mine.decay_at(step) == pytest.approx(theirs.get_decay(step))
        assert_same(mine.module, theirs.module)
    assert mine.decay_at(1000) == 0.7 and mine.num_updates == STEPS


def test_it_is_torch_s():
    model = network()
    mine = ModelEma(model, decay=0.9, warmup=False)
    theirs = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9), use_buffers=True)
    for step in range(STEPS):
        change(model, step)
        mine.update(model)
        theirs.update_parameters(model)
        # torch averages the counters, too, and rounds them towards zero
        assert_same(mine.module, theirs.module, except_counters=True)


def test_it_is_the_sum_written_out():
    """The first weights count decay^(n - 1), a later one (1 - decay) decay^(n - i)."""
    model, decay = network(), 0.8
    ema = ModelEma(model, decay=decay, warmup=False)
    seen = []
    for step in range(STEPS):
        change(model, step)
        ema.update(model)
        seen.append(model[3].weight.detach().double().clone())
    shares = [decay ** (STEPS - 1)] + [(1 - decay) * decay ** (STEPS - i) for i in range(2, STEPS + 1)]
    assert sum(shares) == pytest.approx(1)
    expected = sum(share * weight for share, weight in zip(shares, seen, strict=True))
    torch.testing.assert_close(ema.module[3].weight.double(), expected, rtol=1e-5, atol=1e-6)


def test_a_weight_that_two_layers_share_moves_once():
    model = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    model[1].weight = model[0].weight
    average = ModelEma(model, decay=0.75, warmup=False)
    average.update(model)
    before = model[0].weight.detach().clone()
    with torch.no_grad():
        model[0].weight += 1
    average.update(model)
    assert average.module[0].weight is average.module[1].weight
    torch.testing.assert_close(average.module[0].weight, before + 0.25)


def test_counters_are_copied_never_averaged():
    model = network()
    ema = ModelEma(model, decay=0.9)
    for step in range(STEPS):
        change(model, step)
        ema.update(model)
        counter = ema.module[1].num_batches_tracked
        assert counter.dtype == torch.int64 and counter.item() == step + 1
    assert not torch.equal(ema.module[1].running_mean, model[1].running_mean)


def test_the_copy_is_for_evaluation_and_leaves_the_model_alone():
    model = network()
    ema = ModelEma(model, decay=0.9)
    change(model, 1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    ema.update(model)
    assert model.training and not ema.module.training
    assert all(p.requires_grad for p in model.parameters())
    assert not any(p.requires_grad for p in ema.module.parameters())
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())
    ema.module[3].weight.zero_()
    assert model[3].weight.abs().sum() > 0


def test_warm_up_rises_to_the_decay():
    ema = ModelEma(network(), decay=0.9, warmup=True)
    table = [0.0] + [1 - n ** (-2 / 3) for n in range(2, 31)]
    assert [ema.decay_at(step) for step in range(1, 31)] == pytest.approx(table)
    assert ema.decay_at(32) == 0.9 == ema.decay_at(10**9)


def test_a_resumed_average_has_the_same_bits():
    model = network()
    ema = ModelEma(model, decay=0.9)
    for step in range(5):
        change(model, step)
        ema.update(model)
    file = io.BytesIO()
    torch.save([ema.state_dict(), model.state_dict()], file)
    file.seek(0)
    saved, saved_model = torch.load(file, weights_only=True)

    other = network(seed=9)
    resumed = ModelEma(other, decay=0.9)
    resumed.load_state_dict(saved)
    other.load_state_dict(saved_model)
    for step in range(5, 9):
        for each, average in ((model, ema), (other, resumed)):
            change(each, step)
            average.update(each)
    assert resumed.num_updates == 9
    for name, value in ema.module.state_dict().items():
        assert torch.equal(value, resumed.module.state_dict()[name]), name


def test_channels_last_stays():
    model = network().to(memory_format=torch.channels_last)
    ema = ModelEma(model, decay=0.9)
    ema.update(model)
    assert ema.module[0].weight.stride() == model[0].weight.stride()


@pytest.mark.parametrize("decay", [0.0, 1.0, -0.1, float("nan")])
def test_an_impossible_decay_is_refused(decay):
    with pytest.raises(ValueError, match="expected more than 0 and less than 1"):
        ModelEma(network(), decay=decay)


def test_a_wrapped_model_is_refused():
    model = network()
    ema = ModelEma(model, decay=0.9)
    with pytest.raises(ValueError, match="give the model inside"):
        ema.update(nn.ModuleDict({"module": model}))
