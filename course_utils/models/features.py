"""What a network computes on the way to its logits: by layer, for t-SNE, nearest neighbours and distillation.

Hooks read the layers' inputs and outputs during an ordinary forward pass, so nothing is rebuilt and any
network will do. Notebook 12 derives it by hand.
"""

import difflib
from typing import NamedTuple

from torch import Tensor, nn

from course_utils.models.heads import classifier_of


class Features(NamedTuple):
    """`features` (B, D) of one layer and the `logits` (B, K) of the same pass."""

    features: Tensor
    logits: Tensor


def feature_layers(model: nn.Module) -> list[str]:
    """Return the names of the layers worth looking at, in the order of the forward pass.

    These are our networks' `stage_names`, the stages that timm lists, or else the network's direct children
    with parameters. The last is the head, which stands for its input. Any other name of
    `model.named_modules()` is good for `features` too.
    """
    head, _ = classifier_of(model)
    info = getattr(model, "feature_info", None)
    stages = getattr(model, "stage_names", None)
    if isinstance(stages, tuple):
        names = list(stages)
    elif isinstance(info, list):
        names = [entry["module"] for entry in info if entry.get("module")]
    else:
        names = [name for name, child in model.named_children() if any(True for _ in child.parameters())]
    known = dict(model.named_modules())
    return [name for name in names if name in known and not head.startswith(name)] + [head]


def features(model: nn.Module, images: Tensor, *, layer: str | None = None) -> Features:
    """Return a layer's values for `images` (B, C, H, W), averaged over the map, and the logits.

    Without `layer` these are the penultimate features, the input of the last linear layer. Gradients, device
    and training mode are the caller's: use `model.eval()` and `torch.inference_mode()` to look at a trained
    network. ValueError for an unknown layer, and for one that gives no tensor.
    """
    head_name, head = classifier_of(model)
    module, reads_input = head, True
    if layer is not None and layer != head_name:
        module, reads_input = module_by_name(model, layer), False
    seen: list[Tensor] = []
    if reads_input:
        handle = module.register_forward_pre_hook(lambda _module, inputs: seen.append(inputs[0]))
    else:
        handle = module.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    try:
        logits = model(images)
    finally:
        handle.remove()
    if not seen or not isinstance(seen[-1], Tensor):
        raise ValueError(
            f"layer {layer!r} gave no tensor in the forward pass; choose one of {feature_layers(model)}"
        )
    channels_last = getattr(model, "output_fmt", "NCHW") == "NHWC" and not reads_input
    return Features(_pooled(seen[-1], channels_last=channels_last), logits)


def module_by_name(model: nn.Module, name: str) -> nn.Module:
    """Return the module called `name`; an unknown name is a ValueError with the nearest one."""
    modules = dict(model.named_modules())
    if name not in modules or not name:
        near = difflib.get_close_matches(name, modules, n=1, cutoff=0.0) or ["none"]
        raise ValueError(
            f"{type(model).__name__} has no layer {name!r}; the nearest name is {near[0]!r}, "
            f"and its stages are {', '.join(feature_layers(model))}"
        )
    return modules[name]


def _pooled(values: Tensor, *, channels_last: bool) -> Tensor:
    """Average all but batch and channels: maps (B, C, H, W), tokens (B, N, C) or vectors (B, C) to (B, C)."""
    if values.ndim == 4:
        return values.mean((1, 2) if channels_last else (2, 3))  # (B, C)
    if values.ndim == 3:
        return values.mean(1)  # (B, C)
    return values.flatten(1)
