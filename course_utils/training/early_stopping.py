"""Stop when the validation metric has not improved for a while (Prechelt 1998, "Early Stopping - But When?").

Notebook 05 shows the counter that most tutorials get wrong by one.
"""

import math
from dataclasses import dataclass


@dataclass
class EarlyStopping:
    """Follow one metric: `update` once per epoch, `should_stop` after it.

    `patience` counts epochs in a row without improvement after which training stops; 0 never stops. A value
    that is not finite is never an improvement.
    """

    patience: int
    higher_is_better: bool = True
    best: float | None = None
    best_epoch: int | None = None
    epochs_without: int = 0

    def update(self, value: float, epoch: int) -> bool:
        """Take the value of `epoch`; tell whether it is the best so far (of equal ones the first is)."""
        sign = 1 if self.higher_is_better else -1
        improved = math.isfinite(value) and (self.best is None or sign * value > sign * self.best)
        if improved:
            self.best, self.best_epoch, self.epochs_without = value, epoch, 0
        else:
            self.epochs_without += 1
        return improved

    @property
    def should_stop(self) -> bool:
        """Tell whether `patience` epochs in a row have brought nothing."""
        return 0 < self.patience <= self.epochs_without
