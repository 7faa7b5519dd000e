"""Optimisers by name, with weight decay where it belongs.

Weight decay pulls weights towards zero. On a batch norm's scale or a bias that only hurts, so parameters
with one dimension get none (He et al. 2018, "Bag of Tricks", arXiv 1812.01187, section 3.1). Notebook 04
derives the optimisers and draws their paths.

Sources: AdaGrad, Duchi et al. 2011; RMSProp, Tieleman and Hinton 2012; Adam, arXiv 1412.6980; AdamW, arXiv
1711.05101; AdaBelief, arXiv 2010.07468 (timm's); Ranger, which is RAdam (arXiv 1908.03265) with Lookahead
(arXiv 1907.08610) and centred gradients (arXiv 2004.01461) (pytorch-optimizer's).
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from course_utils.params import check_choice

Groups = list[dict[str, Any]]


def parameter_groups(model: nn.Module, weight_decay: float) -> Groups:
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
    """Give the optimiser `name` over the parameters of `model`.

    One of adamw, adam, sgd, adagrad, rmsprop, adabelief, ranger. `momentum` is used by sgd (with Nesterov's
    correction) and rmsprop (0: as published); the rest is as the library has it, but for one setting of
    ranger. adamw, adabelief and ranger take the decay off the weight; adam, sgd, adagrad and rmsprop add it
    to the gradient. Raises ValueError for another name, ModuleNotFoundError when a package is not
    installed.
    """
    check_choice("optimizer", name, _BUILDERS)
    return _BUILDERS[name](parameter_groups(model, weight_decay), learning_rate, momentum)


def _adamw(groups: Groups, rate: float, momentum: float) -> torch.optim.Optimizer:
    return torch.optim.AdamW(groups, lr=rate, fused=True)


def _adam(groups: Groups, rate: float, momentum: float) -> torch.optim.Optimizer:
    return torch.optim.Adam(groups, lr=rate, fused=True)


def _sgd(groups: Groups, rate: float, momentum: float) -> torch.optim.Optimizer:
    # not fused: that one cannot begin the momentum of layers that are unfrozen later (torch 2.14)
    return torch.optim.SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0)


def _adagrad(groups: Groups, rate: float, momentum: float) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(groups, lr=rate)


def _rmsprop(groups: Groups, rate: float, momentum: float) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(groups, lr=rate, momentum=momentum)


def _adabelief(groups: Groups, rate: float, momentum: float) -> torch.optim.Optimizer:
    from timm.optim import AdaBelief

    return AdaBelief(groups, lr=rate)


def _ranger(groups: Groups, rate: float, momentum: float) -> torch.optim.Optimizer:
    try:
        from pytorch_optimizer import Ranger
    except ImportError as error:
        raise ModuleNotFoundError(
            "the optimiser ranger comes from the package pytorch-optimizer, which is not installed. Install "
            "it (pip install pytorch-optimizer), or choose another optimizer, such as adamw."
        ) from error
    # without it the library climbs: its first five steps have the factor -1 (pytorch-optimizer 4.1)
    return Ranger(groups, lr=rate, degenerated_to_sgd=True)


_BUILDERS: dict[str, Callable[[Groups, float, float], torch.optim.Optimizer]] = {
    "adamw": _adamw,
    "adam": _adam,
    "sgd": _sgd,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adabelief": _adabelief,
    "ranger": _ranger,
}
