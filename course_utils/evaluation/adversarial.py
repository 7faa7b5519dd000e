"""Adversarial examples by projected gradient descent: changes too small to be seen, made to deceive.

Madry et al. 2017, arXiv 1706.06083, section 2.1. One step without a random start is the fast gradient sign
method (Goodfellow et al. 2014, arXiv 1412.6572). Notebook 06 trains on such pictures, notebook 13 attacks.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.data.transforms import normalise
from course_utils.models.modes import evaluation_mode


def pgd(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    *,
    eps: float,
    mean: Sequence[float],
    std: Sequence[float],
    steps: int = 10,
    step_size: float | None = None,
    targeted: bool = False,
    random_start: bool = True,
    seed: int = 0,
) -> Tensor:
    """Return pictures near `images` on which the network's loss is high: float (B, C, H, W) in [0, 1].

    `images` lie in [0, 1], not normalised: `mean` and `std` per channel are applied inside, since the
    network was trained behind them. No pixel moves by more than `eps` (in the same [0, 1] units; 8/255 is
    usual for photographs), and none leaves [0, 1]. `targets` (B,) are the true classes, whose loss rises;
    with `targeted` they are wanted classes, whose loss falls. `step_size` defaults to 2.5 eps / steps.
    `random_start` begins at a random point of the box, drawn from `seed`. The network runs in evaluation
    mode; its mode, weights and gradients stay as they are.
    """
    step_size = _checked(images, targets, eps, steps, step_size)
    lowest, highest = (images - eps).clamp(min=0.0), (images + eps).clamp(max=1.0)
    direction = -1.0 if targeted else 1.0
    changed = images.detach().clone()
    if random_start and eps > 0:
        generator = torch.Generator().manual_seed(seed)
        noise = torch.rand(images.shape, generator=generator).to(images) * 2 - 1  # in [-1, 1)
        changed = (changed + eps * noise).clamp(lowest, highest)
    with evaluation_mode(model), torch.enable_grad():
        for _ in range(steps):
            changed = changed.detach().requires_grad_(True)
            # The sum, not the mean: how far one picture moves must not depend on how many there are.
            loss = F.cross_entropy(model(normalise(changed, mean, std)), targets, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, changed)
            changed = changed.detach() + direction * step_size * gradient.sign()
            changed = changed.clamp(lowest, highest)  # back into the box: the projection
    return changed.detach()


def _checked(images: Tensor, targets: Tensor, eps: float, steps: int, step_size: float | None) -> float:
    if not images.is_floating_point() or (len(images) and not 0 <= images.min() <= images.max() <= 1):
        got = f"{images.dtype} from {images.min():.3g} to {images.max():.3g}"
        raise ValueError(
            f"images are {got}; expected floats in [0, 1], before normalisation. Divide uint8 by 255, and "
            "give mean and std to pgd instead of normalising first."
        )
    if not 0 <= eps <= 1:
        raise ValueError(
            f"eps is {eps}; expected 0 to 1, in units of [0, 1] pixels (write 8/255 for 8 of 255)"
        )
    if steps < 1 or (step_size is not None and step_size <= 0):
        raise ValueError(f"steps is {steps} and step_size {step_size}; expected 1 or more, and more than 0")
    if targets.shape != images.shape[:1]:
        raise ValueError(f"targets have the shape {tuple(targets.shape)}; expected {tuple(images.shape[:1])}")
    return 2.5 * eps / steps if step_size is None else step_size
