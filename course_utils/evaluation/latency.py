"""How long does a call take? Measured so that the answer can be believed.

Single times on a shared machine are noise, and a machine that warms up or slows down favours whoever comes
first. So the candidates take turns, in an order that rotates from round to round, and the median counts.
Notebook 14 measures with it.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Latency:
    """Seconds for one call: the median over the rounds, and the quartiles as its spread."""

    median_s: float
    low_s: float
    high_s: float
    num_rounds: int


def measure_latency(
    calls: Mapping[str, Callable[[], object]],
    *,
    num_rounds: int = 15,
    num_warmup: int = 2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Latency]:
    """Time each of `calls` once in each of `num_rounds` rounds, taking turns, after `num_warmup` rounds more.

    A call that takes less than about a tenth of a millisecond should repeat its work inside. `clock` gives
    seconds; on a GPU the calls have to wait for it themselves. ValueError without calls, and for fewer than 3
    rounds.
    """
    if not calls or num_rounds < 3 or num_warmup < 0:
        raise ValueError(
            f"got {len(calls)} calls, num_rounds {num_rounds} and num_warmup {num_warmup}; expected a call "
            "or more, 3 rounds or more, and 0 or more"
        )
    names = list(calls)
    times: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(num_warmup + num_rounds):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            started = clock()
            calls[name]()
            seconds = clock() - started
            if turn >= num_warmup:
                times[name].append(seconds)
    result = {}
    for name, values in times.items():
        low, median, high = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
        result[name] = Latency(median, low, high, num_rounds)
    return result
