"""Learning rates over time: a rate for each step, and one that looks at the results. Notebook 04 draws them.

Sources: one-cycle, Smith and Topin 2017, arXiv 1708.07120; cosine and restarts, Loshchilov and Hutter 2016,
arXiv 1608.03983; warm-up, Goyal et al. 2017, arXiv 1706.02677. The curves are those of
`torch.optim.lr_scheduler`; this file gives them one way to be called, saved and resumed.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch.optim import lr_scheduler

from course_utils.params import check_choice
from course_utils.training.config_rules import SCHEDULES


class Schedule:
    """Sets the optimiser's learning rates: `step()` after each optimiser step, `epoch_end(metric)` after each
    epoch.

    `by_step` are schedulers that are all advanced with each step, and multiply; `plateau`, if there is one,
    sees the metric.
    """

    def __init__(
        self,
        name: str,
        by_step: Sequence[lr_scheduler.LRScheduler],
        plateau: lr_scheduler.ReduceLROnPlateau | None = None,
    ) -> None:
        self.name = name
        self._by_step = list(by_step)
        self._plateau = plateau

    def step(self) -> None:
        """Go to the learning rates of the next step."""
        for part in self._by_step:
            part.step()

    def epoch_end(self, metric_value: float) -> None:
        """Look at the metric of the epoch that has ended; only "plateau" does anything with it."""
        if self._plateau is not None:
            self._plateau.step(metric_value)

    def state_dict(self) -> dict[str, Any]:
        """Give all that changes during training, as plain numbers, texts, lists and dicts.

        The milestones stay out: they are settings, and torch keeps them as a `Counter`.
        """
        parts = [_without_milestones(part.state_dict()) for part in self._by_step]
        plateau = None if self._plateau is None else dict(self._plateau.state_dict())
        return {"name": self.name, "by_step": parts, "plateau": plateau}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict()` of the same schedule. The rates themselves are in the optimiser's state.

        Raises ValueError when the state is that of another schedule.
        """
        mine = (self.name, len(self._by_step), self._plateau is None)
        theirs = (state.get("name"), len(state.get("by_step", ())), state.get("plateau") is None)
        if mine != theirs:
            raise ValueError(
                f"the saved state is that of the schedule {theirs[0]!r} with {theirs[1]} part(s), this one "
                f"is {mine[0]!r} with {mine[1]}; resume with the settings that the run was started with"
            )
        for part, saved in zip(self._by_step, state["by_step"], strict=True):
            part.load_state_dict(dict(saved))
        if self._plateau is not None:
            self._plateau.load_state_dict(dict(state["plateau"]))


def build_schedule(
    name: str,
    optimizer: torch.optim.Optimizer,
    *,
    total_steps: int,
    warmup_steps: int = 0,
    steps_per_epoch: int | None = None,
    step_epochs: int = 10,
    milestones: Sequence[int] = (),
    decay_factor: float = 0.1,
    restart_factor: int = 2,
    plateau_patience: int = 3,
    higher_is_better: bool = True,
) -> Schedule:
    """Give the schedule `name` over `total_steps` steps; the optimiser's rate is the highest one.

    - "one_cycle" rises over the first 30 % and ends near zero. It has its own warm-up. All others rise
      linearly for `warmup_steps`, and then:
    - "constant" stays, "cosine" falls to zero at the end of training.
    - "step" multiplies by `decay_factor` every `step_epochs` epochs, "multi_step" at each of the
      `milestones`; both count from the start of training and need `steps_per_epoch`.
    - "cosine_restarts" falls to zero and jumps back. The first cycle lasts `step_epochs` epochs (needs
      `steps_per_epoch`), each further one `restart_factor` times as long.
    - "plateau" multiplies by `decay_factor` when the metric has not improved for more than
      `plateau_patience` epochs.

    Raises ValueError for an impossible setting.
    """
    _check(name, total_steps, warmup_steps, steps_per_epoch, milestones)
    if name == "one_cycle":
        highest = [group["lr"] for group in optimizer.param_groups]
        one_cycle = lr_scheduler.OneCycleLR(
            optimizer, max_lr=highest, total_steps=total_steps + 1, cycle_momentum=False
        )
        return Schedule(name, [one_cycle])

    rise = _warm_up(optimizer, warmup_steps)
    per_epoch = steps_per_epoch or 1
    if name == "cosine":
        falling = lr_scheduler.CosineAnnealingLR(optimizer, T_max=total_steps - warmup_steps)
        return Schedule(name, _one_after_the_other(optimizer, rise, falling, warmup_steps))
    if name == "cosine_restarts":
        waves = lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer, T_0=step_epochs * per_epoch, T_mult=restart_factor
        )
        return Schedule(name, _one_after_the_other(optimizer, rise, waves, warmup_steps))
    if name == "step":
        stairs = lr_scheduler.StepLR(optimizer, step_size=step_epochs * per_epoch, gamma=decay_factor)
        return Schedule(name, [*rise, stairs])
    if name == "multi_step":
        at = [epoch * per_epoch for epoch in milestones]
        return Schedule(name, [*rise, lr_scheduler.MultiStepLR(optimizer, milestones=at, gamma=decay_factor)])
    if name == "plateau":
        # threshold 0: better is better, as in early stopping; eps 0: rates below 1e-8 are lowered, too
        direction: Literal["max", "min"] = "max" if higher_is_better else "min"
        plateau = lr_scheduler.ReduceLROnPlateau(
            optimizer, direction, factor=decay_factor, patience=plateau_patience, threshold=0.0, eps=0.0
        )
        return Schedule(name, rise, plateau)
    return Schedule(name, rise)


def _check(
    name: str, total_steps: int, warmup_steps: int, steps_per_epoch: int | None, milestones: Sequence[int]
) -> None:
    check_choice("schedule", name, SCHEDULES)
    if not 0 <= warmup_steps < max(1, total_steps):
        raise ValueError(
            f"warmup_steps is {warmup_steps}; expected 0 to {total_steps - 1}, fewer than all steps"
        )
    if name == "one_cycle" and warmup_steps:
        raise ValueError("one_cycle has its own warm-up; set warmup_epochs to 0 or choose cosine")
    if name in ("step", "multi_step", "cosine_restarts") and (steps_per_epoch is None or steps_per_epoch < 1):
        raise ValueError(f"schedule {name!r} counts epochs, so it needs steps_per_epoch (1 or more)")
    if name == "multi_step" and not milestones:
        raise ValueError("schedule 'multi_step' needs milestones, the epochs after which the rate falls")


def _warm_up(optimizer: torch.optim.Optimizer, num_steps: int) -> list[lr_scheduler.LRScheduler]:
    """Give a straight rise whose value before step s is (s + 1) / (num_steps + 1); none for 0 steps."""
    if num_steps == 0:
        return []
    return [lr_scheduler.LinearLR(optimizer, start_factor=1 / (num_steps + 1), total_iters=num_steps)]


def _one_after_the_other(
    optimizer: torch.optim.Optimizer,
    rise: list[lr_scheduler.LRScheduler],
    main: lr_scheduler.LRScheduler,
    warmup_steps: int,
) -> list[lr_scheduler.LRScheduler]:
    if not rise:
        return [main]
    return [lr_scheduler.SequentialLR(optimizer, [*rise, main], milestones=[warmup_steps])]


def _without_milestones(state: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in state.items() if key != "milestones"}
