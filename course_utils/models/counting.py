"""How large a network is and how much it computes.

The unit of computation is the multiply-accumulate (MAC): one weight times one input, added up. Papers that
print "FLOPs" often mean MACs; a MAC is two floating-point operations. Only convolutions and linear layers are
counted, as in the papers' tables: norms, activations and attention products are a few percent of a
convolutional network. Notebooks 07 and 11 count by hand first.
"""

import copy
from math import prod

import torch
from torch import Tensor, nn


def count_parameters(model: nn.Module, *, trainable_only: bool = False) -> int:
    """Return the number of parameters; with `trainable_only` without the frozen ones."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable_only)


def count_macs(model: nn.Module, *, image_size: int | tuple[int, int], in_channels: int = 3) -> int:
    """Return the multiply-accumulates of convolutions and linear layers for one picture of `image_size`.

    One picture of zeros goes through a copy, so `model` is left alone. Networks on the device "meta" count
    too.
    """
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    counts: list[int] = []

    def count(module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        if isinstance(module, nn.Linear):
            counts.append(output.numel() * module.in_features)
        elif isinstance(module, nn.Conv2d):
            counts.append(output.numel() * module.in_channels // module.groups * prod(module.kernel_size))

    shadow = copy.deepcopy(model).eval()
    for module in shadow.modules():
        module.register_forward_hook(count)
    with torch.no_grad():
        shadow(next(shadow.parameters()).new_zeros(1, in_channels, height, width))
    return sum(counts)
