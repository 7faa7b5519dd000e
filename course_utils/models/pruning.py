"""Leave out the smallest weights: magnitude pruning, by masks that can be trained on and made permanent.

Han et al. 2015, arXiv 1506.02626. The masks are torch's own (`torch.nn.utils.prune`). Single zeros make no
ordinary computation faster and no plain file smaller: for that whole channels have to go, see
`channel_pruning`. Notebook 14 draws the curve.
"""

import copy

from torch import nn
from torch.nn.utils import prune

SCOPES = ("global", "layer")


def pruned(model: nn.Module, share: float, *, scope: str = "global") -> nn.Module:
    """Return a copy of `model` in which the `share` in [0, 1) of weights with the smallest magnitude is 0.

    Weights of convolutions and linear layers count, biases and norms stay. `scope` "global" compares weights
    over the whole network, so layers lose different shares; "layer" takes the same share from each. The masks
    stay attached, so zeros stay zeros while the copy is trained on; `make_permanent_` ends that, and is
    needed before the copy is copied, saved or pruned again. ValueError for an impossible share or scope, and
    for a network that carries masks.
    """
    if not 0 <= share < 1:
        raise ValueError(
            f"share is {share}; expected at least 0 and less than 1 (0.9 leaves every tenth weight)"
        )
    if scope not in SCOPES:
        raise ValueError(f"scope is {scope!r}; expected one of {', '.join(SCOPES)}")
    if any(prune.is_pruned(layer) for layer in prunable_layers(model).values()):
        raise ValueError(
            "this network carries masks already; call make_permanent_ on it, then prune it further"
        )
    smaller = copy.deepcopy(model)
    layers = list(prunable_layers(smaller).values())
    if not layers:
        raise ValueError(f"{type(model).__name__} has no convolution and no linear layer to prune")
    if scope == "global":
        prune.global_unstructured(
            [(layer, "weight") for layer in layers], pruning_method=prune.L1Unstructured, amount=float(share)
        )
    else:
        for layer in layers:
            prune.l1_unstructured(layer, "weight", amount=float(share))
    return smaller


def make_permanent_(model: nn.Module) -> nn.Module:
    """Write the zeros into the weights of `model` and take its masks off; give `model`.

    Parameters and `state_dict` have their usual names again. A network without masks is left as it is.
    """
    for layer in prunable_layers(model).values():
        if prune.is_pruned(layer):
            prune.remove(layer, "weight")
    return model


def prunable_layers(model: nn.Module) -> dict[str, nn.Conv2d | nn.Linear]:
    """Return the convolutions and linear layers of `model` by name."""
    return {
        name: module for name, module in model.named_modules() if isinstance(module, nn.Conv2d | nn.Linear)
    }


def sparsity(model: nn.Module) -> float:
    """Return the share of zeros among the weights of convolutions and linear layers, in [0, 1]."""
    weights = [layer.weight.detach() for layer in prunable_layers(model).values()]
    return sum(int((weight == 0).sum()) for weight in weights) / sum(weight.numel() for weight in weights)


def sparsity_by_layer(model: nn.Module) -> dict[str, float]:
    """Return the share of zeros in the weight of each convolution and linear layer, by its name."""
    layers = prunable_layers(model)
    return {name: float((layer.weight.detach() == 0).float().mean()) for name, layer in layers.items()}
