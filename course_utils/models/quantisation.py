"""Weights as whole numbers of a few bits: symmetric quantisation, a scale for each output channel.

Jacob et al. 2017, arXiv 1712.05877; Krishnamoorthi 2018, arXiv 1806.08342, section 3.1. A weight w becomes
q = round(w / scale), a whole number from -127 to 127 (for 8 bits), and is read as q * scale. Here only what
is stored shrinks: the network computes in floats as before. Computing in int8 as well, with measured times,
is the work of a runtime: `export.quantise_onnx`. Notebook 14 derives it.
"""

import copy
from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_utils.models.pruning import prunable_layers

SCALE = ".scale"  # what the name of a tensor of scales ends with


class Quantised(NamedTuple):
    """`values` int8 of the weight's shape, and `scale` float32, which broadcasts to it."""

    values: Tensor
    scale: Tensor

    def restored(self) -> Tensor:
        """Return the weight as floats: values * scale."""
        return self.values * self.scale


def quantise(weight: Tensor, *, bits: int = 8, per_channel: bool = True) -> Quantised:
    """Return `weight` (out, ...) as whole numbers from -(2^(bits-1) - 1) to that, for `bits` from 2 to 8.

    The largest magnitude of each output channel (or, without `per_channel`, of the whole weight) becomes the
    largest number, so the error is at most half a scale. Zero stays exactly zero.
    """
    if not 2 <= bits <= 8:
        raise ValueError(f"bits is {bits}; expected 2 to 8, since the values are kept as int8")
    if not weight.is_floating_point() or weight.ndim < 1:
        raise ValueError(f"the weight is {weight.dtype} of the shape {tuple(weight.shape)}; expected floats")
    largest_number = 2 ** (bits - 1) - 1
    flat = weight.detach().flatten(1) if per_channel and weight.ndim > 1 else weight.detach().reshape(1, -1)
    largest = flat.abs().amax(dim=1)  # (out,) or (1,)
    scale = torch.where(largest > 0, largest / largest_number, torch.ones_like(largest))
    scale = scale.reshape(-1, *[1] * (weight.ndim - 1))  # (out, 1, ...), to broadcast
    values = (weight.detach() / scale).round().clamp(-largest_number, largest_number)
    return Quantised(values.to(torch.int8), scale.float())


def with_quantised_weights(model: nn.Module, *, bits: int = 8, per_channel: bool = True) -> nn.Module:
    """Return a copy of `model` that computes in floats with the weights that `bits` can express.

    Weights of convolutions and linear layers are quantised; biases and norms, which are few, stay.
    """
    smaller = copy.deepcopy(model)
    with torch.no_grad():
        for layer in prunable_layers(smaller).values():
            layer.weight.copy_(quantise(layer.weight, bits=bits, per_channel=per_channel).restored())
    return smaller


def quantised_state(model: nn.Module, *, per_channel: bool = True) -> dict[str, Tensor]:
    """Return the `state_dict` with int8 weights, for `models.weights.save_weights`: a quarter of the bytes.

    Beside each quantised `NAME` stands `NAME.scale`; all else is as it was. `load_quantised_` reads it.
    """
    weights = {f"{name}.weight" if name else "weight" for name in prunable_layers(model)}
    state: dict[str, Tensor] = {}
    for name, tensor in model.state_dict().items():
        if name in weights:
            state[name], state[name + SCALE] = quantise(tensor, per_channel=per_channel)
        else:
            state[name] = tensor.detach().clone()
    return state


def load_quantised_(model: nn.Module, state: Mapping[str, Tensor]) -> nn.Module:
    """Put what `quantised_state` gave into `model`, as floats, and give `model`; every name has to fit."""
    scales = {name.removesuffix(SCALE): tensor for name, tensor in state.items() if name.endswith(SCALE)}
    without = [name for name in scales if name not in state]
    if without:
        raise ValueError(f"there are scales without weights: {', '.join(without)}; the state is incomplete")
    plain = {
        name: tensor * scales[name] if name in scales else tensor
        for name, tensor in state.items()
        if not name.endswith(SCALE)
    }
    integers = [name for name, tensor in plain.items() if tensor.dtype == torch.int8]
    if integers:
        raise ValueError(f"int8 weights without a scale: {', '.join(integers)}; the state is incomplete")
    model.load_state_dict(plain)
    return model
