"""An exponential moving average (EMA) of a network's weights, and of its batch norms' statistics.

After each optimiser step every weight of the average moves a little towards the trained one:
average = decay * average + (1 - decay) * weight. It remembers about 1 / (1 - decay) steps. Source: Polyak and
Juditsky 1992; the warm-up of the decay is the one of timm's `ModelEmaV3`. Notebook 10 derives it, and shows
what goes wrong without the warm-up and with averaged counters.
"""

from copy import deepcopy
from itertools import chain
from typing import Any

import torch
from torch import nn


class ModelEma:
    """The averaged copy of `model` in `module` (evaluation mode, no gradients); `update` after each step.

    `decay` in (0, 1). With `warmup` the decay rises as 1 - n^(-2/3), n counting the updates, until it reaches
    `decay`: so a short run averages over a share of its steps and forgets the random start. The first update
    copies in any case. Floating-point tensors are averaged, buffers of whole numbers (such as a batch norm's
    `num_batches_tracked`) copied. `device`: where the average is kept; None: where the model is now. Give the
    model itself, not a wrapper (DistributedDataParallel, a compiled one).
    """

    def __init__(
        self,
        model: nn.Module,
        *,
        decay: float,
        warmup: bool = True,
        device: torch.device | str | None = None,
    ) -> None:
        if not 0 < decay < 1:
            raise ValueError(f"the decay of the EMA is {decay}; expected more than 0 and less than 1")
        self.decay = decay
        self.warmup = warmup
        self.num_updates = 0
        self.module = deepcopy(model).eval().requires_grad_(False)
        if device is not None:
            self.module.to(device)

    def decay_at(self, step: int) -> float:
        """Give the decay of the update number `step`, which counts from 1."""
        if step <= 1:
            return 0.0
        return min(self.decay, 1 - step ** (-2 / 3)) if self.warmup else self.decay

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take one step towards the weights of `model`, which must have the layers of the copied one.

        ValueError for another model.
        """
        self.num_updates += 1
        averages, currents = _tensors(self.module), _tensors(model)
        if averages.keys() != currents.keys():
            odd = sorted(averages.keys() ^ currents.keys())[0]
            raise ValueError(
                f"the model is another than the averaged one: only one of the two has {odd!r}. A wrapper "
                "such as DistributedDataParallel adds a prefix; give the model inside."
            )
        floats: list[torch.Tensor] = []
        targets: list[torch.Tensor] = []
        for name, average in averages.items():
            current = currents[name].to(average.device)
            if average.is_floating_point():
                floats.append(average)
                targets.append(current)
            else:
                average.copy_(current)
        torch._foreach_lerp_(floats, targets, 1 - self.decay_at(self.num_updates))

    def state_dict(self) -> dict[str, Any]:
        """Give the averages by name and the number of updates: all that a resumed run needs."""
        return {"module": self.module.state_dict(), "num_updates": self.num_updates}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict()`; `decay` and `warmup` stay those that this object was made with."""
        self.module.load_state_dict(state["module"])
        self.num_updates = int(state["num_updates"])


def _tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Give the parameters and buffers by name; one that two layers share only once, so that it moves once."""
    return dict(chain(module.named_parameters(), module.named_buffers()))
