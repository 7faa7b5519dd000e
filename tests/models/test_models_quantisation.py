"""Quantised weights against the formula, and their files."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.models.mobilenet_v3 import mobilenet_v3_small
from course_utils.models.quantisation import (
    load_quantised_,
    quantise,
    quantised_state,
    with_quantised_weights,
)
from course_utils.models.weights import read_weights, save_weights


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("shape", [(5, 3, 3, 3), (4, 7), (6,)])
def test_quantise_equals_the_formula(bits, shape):
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(bits))
    found = quantise(weight, bits=bits)
    table = weight.numpy().reshape(shape[0], -1) if len(shape) > 1 else weight.numpy()[None]
    scale = np.abs(table).max(axis=1, keepdims=True) / (2 ** (bits - 1) - 1)
    np.testing.assert_allclose(found.scale.numpy().reshape(-1, 1), scale, rtol=1e-6)
    assert found.values.dtype == torch.int8 and found.values.abs().max() == 2 ** (bits - 1) - 1
    error = (found.restored() - weight).abs().reshape(table.shape).numpy()
    assert (error <= scale / 2 + 1e-6).all()
    assert (error > scale / 8).any() or bits == 2, "it does round"


def test_zero_is_kept_and_channels_have_scales_of_their_own():
    weight = torch.tensor([[0.0, 0.0], [1e-3, -2e-3], [100.0, 0.0]])
    own, common = quantise(weight), quantise(weight, per_channel=False)
    assert own.scale.shape == (3, 1) and common.scale.shape == (1, 1)
    assert torch.equal(own.values, torch.tensor([[0, 0], [64, -127], [127, 0]], dtype=torch.int8))
    assert torch.equal(common.values, torch.tensor([[0, 0], [0, 0], [127, 0]], dtype=torch.int8))
    with pytest.raises(ValueError, match="2 to 8"):
        quantise(weight, bits=16)
    with pytest.raises(ValueError, match="expected floats"):
        quantise(weight.to(torch.int8))


def test_fewer_bits_make_larger_errors():
    torch.manual_seed(0)
    model = mobilenet_v3_small(num_classes=4, width_factor=0.5).eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    errors = []
    for bits in (8, 6, 4, 2):
        smaller = with_quantised_weights(model, bits=bits)
        weights = [network.features[3].block[0][0].weight.detach() for network in (smaller, model)]
        errors.append(float((weights[0] - weights[1]).abs().mean()))
    assert errors == sorted(errors) and errors[0] > 0
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    norm = next(name for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d))
    assert torch.equal(smaller.state_dict()[f"{norm}.weight"], before[f"{norm}.weight"])


def test_the_file_is_a_quarter_and_comes_back(tmp_path):
    torch.manual_seed(0)
    model = mobilenet_v3_small(num_classes=4)
    save_weights(tmp_path / "float.safetensors", model.state_dict())
    save_weights(tmp_path / "int8.safetensors", quantised_state(model))
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("float", "int8")]
    assert 0.25 < sizes[1] / sizes[0] < 0.32
    fresh = load_quantised_(mobilenet_v3_small(num_classes=4), read_weights(tmp_path / "int8.safetensors"))
    expected = with_quantised_weights(model).state_dict()
    assert all(torch.equal(value, expected[name]) for name, value in fresh.state_dict().items())


def test_a_state_that_is_incomplete_is_refused():
    model = nn.Sequential(nn.Linear(4, 3))
    state = quantised_state(model)
    assert set(state) == {"0.weight", "0.weight.scale", "0.bias"}
    with pytest.raises(ValueError, match=r"without a scale: 0\.weight"):
        load_quantised_(model, {name: value for name, value in state.items() if name != "0.weight.scale"})
    with pytest.raises(ValueError, match=r"scales without weights: 0\.weight"):
        load_quantised_(model, {name: value for name, value in state.items() if name != "0.weight"})
    with pytest.raises(RuntimeError, match=r"0\.bias"):
        load_quantised_(model, {name: value for name, value in state.items() if name != "0.bias"})
