"""How long a batch norm remembers (Ioffe and Szegedy 2015, arXiv 1502.03167, algorithm 2).

In evaluation a batch norm uses running averages of mean and variance. Each step replaces the fraction
`momentum` of them, so they reflect about the last 1 / momentum steps. MobileNetV3's 0.01 was chosen for runs
of a million steps; a run of 300 steps ends with averages that are still a twentieth part initial values, and
a network that is good in training mode fails in evaluation. Notebook 09 shows it.
"""

from torch import nn
from torch.nn.modules.batchnorm import _NormBase


def set_batch_norm_momentum(model: nn.Module, momentum: float) -> int:
    """Set the `momentum` of every batch norm of `model`, in (0, 1]; give how many there are.

    ValueError outside of it.
    """
    if not 0 < momentum <= 1:
        raise ValueError(
            f"momentum is {momentum}; expected more than 0 and at most 1 (PyTorch's usual is 0.1)"
        )
    norms = [module for module in model.modules() if isinstance(module, _NormBase)]
    for norm in norms:
        norm.momentum = momentum
    return len(norms)
