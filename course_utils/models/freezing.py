"""Freezing: train the head alone, or the last stages, and leave what was learnt before untouched.

A frozen layer needs more than `requires_grad=False`: in training mode a batch norm still normalises with the
batch's statistics and still updates its running ones, so a "frozen" backbone drifts. And the usual remedy,
calling `eval()` on it, is undone by the next `model.train()`. Here a frozen batch norm is put into evaluation
mode and ignores `train()` until it is unfrozen. Fine-tuning may want the same of layers that do move:
`hold_batch_norms`. Notebooks 08 and 09 show the drift and the remedy.
"""

from torch import nn

from course_utils.models.features import module_by_name
from course_utils.models.heads import classifier_of


def freeze(model: nn.Module, *, until: str | None = None) -> int:
    """Freeze everything before the layer `until` and return how many numbers are frozen.

    `until` is a name from `feature_layers(model)` or `model.named_modules()`; that layer, all that are
    defined after it and the head are trained. None freezes all but the head. Earlier freezing is replaced, so
    calling this with ever earlier layers thaws a network step by step. With synchronised batch norms, convert
    first, then freeze.
    """
    head_name, _ = classifier_of(model)
    if until is not None:
        module_by_name(model, until)
    num_frozen = 0
    reached = False
    for name, module in model.named_modules():  # in the order of definition, that of the forward pass
        reached = reached or name == until
        trained = reached or name == head_name or name.startswith(f"{head_name}.")
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(trained)
            num_frozen += 0 if trained else parameter.numel()
        if _has_statistics(module):
            _release(module, mode=model.training) if trained else _hold(module)
    return num_frozen


def unfreeze(model: nn.Module) -> None:
    """Make every parameter trainable again, and let batch norms follow `train()` again."""
    for module in model.modules():
        for parameter in module.parameters(recurse=False):
            parameter.requires_grad_(True)
        if _has_statistics(module):
            _release(module, mode=model.training)


def hold_batch_norms(model: nn.Module) -> int:
    """Hold every batch norm in evaluation mode, whatever else is trained, and return how many there are.

    Their running statistics stay those of pretraining, and the batch is not normalised by itself: with few
    pictures or small batches fine-tuning would else begin by changing every feature. Scale and shift stay
    trainable if they are. `unfreeze` ends it, so hold after freezing or thawing.
    """
    norms = [module for module in model.modules() if _has_statistics(module)]
    for norm in norms:
        _hold(norm)
    return len(norms)


def set_fine_tuning(model: nn.Module, fine_tune: str) -> None:
    """Train "all", the "head" alone, or the layer named `fine_tune` and everything after it."""
    if fine_tune == "all":
        unfreeze(model)
    else:
        freeze(model, until=None if fine_tune == "head" else fine_tune)


def _stay_in_evaluation(mode: bool = True) -> None:
    """Do nothing; this stands in for `train()` of a frozen batch norm.

    A plain function, bound to no instance, so that the network can still be copied (EMA) and pickled
    (workers).
    """


def _has_statistics(module: nn.Module) -> bool:
    return getattr(module, "running_mean", None) is not None


def _hold(module: nn.Module) -> None:
    module.__dict__.pop("train", None)
    module.eval()
    module.__dict__["train"] = _stay_in_evaluation  # the parent's train() calls this in place of the method


def _release(module: nn.Module, *, mode: bool) -> None:
    if module.__dict__.pop("train", None) is not None:
        module.train(mode)
