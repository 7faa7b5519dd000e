"""Optimisers by name, with weight decay where it belongs.

Weight decay pulls weights towards zero. On a batch norm's scale or a bias that only hurts, so parameters
with one dimension get none (He et al. 2018, "Bag of Tricks", arXiv 1812.01187, section 3.1). Notebook 04
derives the optimisers.
"""

from typing import Any

import torch
from torch import nn


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Give two groups: matrices and filters with `weight_decay`, biases and norms without.

    Frozen parameters are included, so that unfreezing needs no new optimiser; without a gradient they stay.
    """
    parameters = list(model.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def build_optimizer(
    name: str, model: nn.Module, *, learning_rate: float, weight_decay: float = 0.0, momentum: float = 0.9
) -> torch.optim.Optimizer:
    """Give the optimiser "adamw", "adam" or "sgd" over the parameters of `model`.

    "sgd" uses `momentum` with Nesterov's correction. "adam" adds the decay to the gradient, "adamw" takes it
    off the weight (arXiv 1711.05101). Raises ValueError for another name.
    """
    groups = parameter_groups(model, weight_decay)
    if name == "adamw":
        return torch.optim.AdamW(groups, lr=learning_rate, fused=True)
    if name == "adam":
        return torch.optim.Adam(groups, lr=learning_rate, fused=True)
    if name == "sgd":
        return torch.optim.SGD(groups, lr=learning_rate, momentum=momentum, nesterov=momentum > 0, fused=True)
    raise ValueError(f"optimizer is {name!r}; expected adamw, adam or sgd.")
