"""Look at a network in evaluation mode and leave it as it was.

`model.train(was_training)` afterwards would not do: it also wakes up batch norms that were frozen on purpose.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluation_mode(model: nn.Module) -> Iterator[nn.Module]:
    """Put `model` into evaluation mode inside the block; every module gets its own mode back after it."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        yield model
    finally:
        for module, was_training in modes:
            module.training = was_training
