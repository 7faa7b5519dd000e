"""Which part of a network depends on the classes: its last linear layer, for our networks and for timm's.

Everything that treats the head in another way than the rest asks here: pretrained weights, freezing,
features.
"""

from torch import Tensor, nn

HEAD_STARTS = ("quiet", "library")


def classifier_of(model: nn.Module) -> tuple[str, nn.Module]:
    """Return the name and the module of the layer that makes the logits.

    Our networks and timm's say it by `get_classifier()`; of any other network it is the last linear layer. A
    network without one, or with several (distilled transformers), is a ValueError.
    """
    get_classifier = getattr(model, "get_classifier", None)
    if get_classifier is not None:
        classifier = get_classifier()
        for name, module in model.named_modules():
            if module is classifier and not isinstance(module, nn.Identity):
                return name, module
    else:
        linear = [(name, module) for name, module in model.named_modules() if isinstance(module, nn.Linear)]
        if linear:
            return linear[-1]
    raise ValueError(f"{type(model).__name__} has no single layer that makes the logits; give it one")


def restart_head(model: nn.Module, *, std: float = 0.01) -> None:
    """Give the head of pretrained features small weights (normal, deviation `std`) and biases of zero.

    The first logits are then nearly equal and the loss is the logarithm of the number of classes, whatever
    the head was made with. timm's EfficientNets follow TensorFlow, where a head's weights are as large as
    1 / sqrt(number of classes), so that over 1,280 features it begins sure, and wrong: notebook 17.
    """
    _, head = classifier_of(model)
    assert isinstance(head.weight, Tensor)
    nn.init.normal_(head.weight, std=std)
    if isinstance(head.bias, Tensor):
        nn.init.zeros_(head.bias)
