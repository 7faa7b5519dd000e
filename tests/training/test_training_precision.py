"""The measured choice: what follows from which rates, and that measuring leaves no trace."""

import pytest
import torch
from tiny_training import batches, small_network
from torch import nn

from course_utils.training import checkpoint, precision
from course_utils.training.precision import Engine, choose_engine

CPU = torch.device("cpu")
LOSS = nn.CrossEntropyLoss()


def choose(model=None, data=None, **asked) -> Engine:
    asked = {"precision": "auto", "memory_format": "auto", **asked}
    return choose_engine(model or small_network(), data or batches(), loss_function=LOSS, device=CPU, **asked)


@pytest.mark.parametrize(
    ("channels_last", "bfloat16", "expected"),
    [
        (2.0, 0.5, ("float32", "channels_last")),
        (1.04, 1.0, ("float32", "contiguous")),
        (1.06, 1.14, ("float32", "channels_last")),
        (0.9, 1.16, ("bfloat16", "contiguous")),
        (1.5, 3.0, ("bfloat16", "channels_last")),
    ],
)
def test_only_what_is_clearly_faster_is_taken(monkeypatch, channels_last, bfloat16, expected):
    def rates(model, images, targets, candidates, loss_function):
        factors = {"channels_last": channels_last, "bfloat16": bfloat16}
        return {(p, f): 100 * factors.get(p, 1) * factors.get(f, 1) for p, f in candidates}

    monkeypatch.setattr(precision, "measure", rates)
    engine = choose()
    assert (engine.precision, engine.memory_format) == expected
    assert engine.is_measured and len(engine.images_per_second) == 3
    line = str(engine)
    assert "\n" not in line and all(word in line for word in (*expected, "100.0", "images a second"))
    assert Engine.from_dict(engine.as_dict()) == engine


def test_only_what_is_asked_for_is_tried(monkeypatch):
    tried = []

    def rates(model, images, targets, candidates, loss_function):
        tried.extend(candidates)
        return dict.fromkeys(candidates, 1.0)

    monkeypatch.setattr(precision, "measure", rates)
    assert not choose(precision="float16", memory_format="channels_last").is_measured and not tried
    choose(precision="bfloat16")
    assert tried == [("bfloat16", "contiguous"), ("bfloat16", "channels_last")]
    tried.clear()
    choose(memory_format="channels_last")
    assert tried == [("float32", "channels_last"), ("bfloat16", "channels_last")]


def test_a_real_measurement_leaves_no_trace():
    """Weights, running statistics, gradients, mode, strides and the generator stay as they are."""
    model = small_network().eval()
    strides = [parameter.stride() for parameter in model.parameters()]
    before = checkpoint.digest(model.state_dict())
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    engine = choose(model)
    assert torch.equal(torch.rand(3), expected)
    assert checkpoint.digest(model.state_dict()) == before and not model.training
    assert [parameter.stride() for parameter in model.parameters()] == strides
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(rate > 0 for rate in engine.images_per_second.values())


def test_one_picture_is_not_measured():
    engine = choose(data=batches(1))
    assert (engine.precision, engine.memory_format) == ("float32", "contiguous")
    assert "one picture" in engine.why and not engine.is_measured
