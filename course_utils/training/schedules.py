"""Learning rates over time, a value per step. Notebook 04 draws them.

Sources: one-cycle, Smith and Topin 2017, arXiv 1708.07120; cosine, Loshchilov and Hutter 2016, arXiv
1608.03983; warm-up, Goyal et al. 2017, arXiv 1706.02677.
"""

import torch
from torch.optim.lr_scheduler import (
    ConstantLR,
    CosineAnnealingLR,
    LinearLR,
    LRScheduler,
    OneCycleLR,
    SequentialLR,
)


def build_schedule(
    name: str, optimizer: torch.optim.Optimizer, *, total_steps: int, warmup_steps: int = 0
) -> LRScheduler:
    """Give the schedule "one_cycle", "cosine" or "constant" over `total_steps`; `step` it after each step.

    The optimiser's rate is the highest one. One-cycle rises over the first 30 % and ends near zero; it has
    its own warm-up, so `warmup_steps` with it is a ValueError. The others rise linearly for `warmup_steps`.
    """
    if not 0 <= warmup_steps < max(1, total_steps):
        raise ValueError(
            f"warmup_steps is {warmup_steps}; expected 0 to {total_steps - 1}, fewer than all steps."
        )
    if name == "one_cycle":
        if warmup_steps:
            raise ValueError("one_cycle has its own warm-up; set warmup_epochs to 0 or choose cosine.")
        highest = [group["lr"] for group in optimizer.param_groups]
        return OneCycleLR(optimizer, max_lr=highest, total_steps=total_steps + 1, cycle_momentum=False)
    if name not in ("cosine", "constant"):
        raise ValueError(f"schedule is {name!r}; expected one_cycle, cosine or constant.")
    rest = total_steps - warmup_steps
    main: LRScheduler
    if name == "cosine":
        main = CosineAnnealingLR(optimizer, T_max=rest)
    else:
        main = ConstantLR(optimizer, factor=1.0, total_iters=rest)
    if not warmup_steps:
        return main
    rise = LinearLR(optimizer, start_factor=1 / (warmup_steps + 1), total_iters=warmup_steps)
    return SequentialLR(optimizer, [rise, main], milestones=[warmup_steps])
