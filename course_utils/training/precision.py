"""How fast can this machine compute this network? Precision and memory format, chosen by a short measurement.

channels_last stores the channels of a pixel side by side: up to 2.3 times as fast for networks of depthwise
convolutions on a CPU, nothing for others. bfloat16 halves the memory traffic on GPUs and on CPUs with AMX,
and is slower on all others. Nobody knows beforehand, so "auto" times one batch, says what it chose, and keeps
the choice with the run: resuming repeats it. Notebook 15 shows the measurement.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

from course_utils.data.loaders import Batches

FORMATS = {"contiguous": torch.contiguous_format, "channels_last": torch.channels_last}
GAIN_OF_FORMAT = 1.05  # below this a difference is noise
GAIN_OF_PRECISION = 1.15  # fewer digits have to be worth it
_MOST_IMAGES_ON_CPU = 16
_ROUNDS = 4  # and one before them that is not counted
_BUDGET_S = 4.0  # one round is counted in any case

Candidate = tuple[str, str]  # precision, memory format


@dataclass(frozen=True)
class Engine:
    """The precision and memory format of a run, `images_per_second` of what was tried, and why it is so."""

    precision: str
    memory_format: str
    images_per_second: dict[str, float]
    why: str

    @property
    def dtype(self) -> torch.dtype:
        """Give the type that the forward pass computes in."""
        return getattr(torch, self.precision)

    @property
    def torch_format(self) -> torch.memory_format:
        """Give torch's own name of the memory format."""
        return FORMATS[self.memory_format]

    @property
    def is_measured(self) -> bool:
        """Tell whether anything was tried."""
        return bool(self.images_per_second)

    def __str__(self) -> str:
        return f"engine: {self.precision}, {self.memory_format} ({self.why})"

    def as_dict(self) -> dict[str, Any]:
        """Give the fields by name, as engine.json holds them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Engine":
        """Make the choice again from `as_dict()`."""
        return cls(**values)


def choose_engine(
    model: nn.Module,
    batches: Batches,
    *,
    precision: str,
    memory_format: str,
    loss_function: Callable[[Tensor, Tensor], Tensor],
    device: torch.device,
) -> Engine:
    """Give what was asked for; where that is "auto", time forward and backward of a real batch and choose.

    The work is done on copies and the random generators are put back, so `model` and all that follows are as
    if nothing had been measured. The memory format is chosen first, then the precision within it: float32 or
    bfloat16 (float16 only when asked for by name). The timing of a choice is the median of several turns.
    """
    if "auto" not in (precision, memory_format):
        return Engine(precision, memory_format, {}, "set in the configuration")
    images, targets, _ = batches[0, 0]
    most = _MOST_IMAGES_ON_CPU if device.type == "cpu" else len(images)
    images, targets = images[:most].to(device), targets[:most].to(device)
    best_precision = "float32" if precision == "auto" else precision
    best_format = "contiguous" if memory_format == "auto" else memory_format
    if len(images) < 2:
        return Engine(best_precision, best_format, {}, "a batch of one picture is too small to measure with")

    rates: dict[Candidate, float] = {}
    reasons = []
    if memory_format == "auto":
        formats = [(best_precision, name) for name in FORMATS]
        rates |= measure(model, images, targets, formats, loss_function)
        if rates[best_precision, "channels_last"] >= GAIN_OF_FORMAT * rates[best_precision, "contiguous"]:
            best_format = "channels_last"
        reasons.append(_compared(rates, formats, "memory format", GAIN_OF_FORMAT))
    if precision == "auto":
        precisions = [("float32", best_format), ("bfloat16", best_format)]
        rates |= measure(model, images, targets, precisions, loss_function)
        if rates["bfloat16", best_format] >= GAIN_OF_PRECISION * rates["float32", best_format]:
            best_precision = "bfloat16"
        reasons.append(_compared(rates, precisions, "precision", GAIN_OF_PRECISION))
    told = {", ".join(candidate): round(rate, 1) for candidate, rate in rates.items()}
    return Engine(best_precision, best_format, told, "; ".join(reasons))


def measure(
    model: nn.Module,
    images: Tensor,
    targets: Tensor,
    candidates: Sequence[Candidate],
    loss_function: Callable[[Tensor, Tensor], Tensor],
) -> dict[Candidate, float]:
    """Give the images per second of forward and backward for each candidate, trained in turns.

    Taking turns spreads what else the machine does evenly. `model` stays as it is.
    """
    devices = [images.device] if images.device.type == "cuda" else []
    times: dict[Candidate, list[float]] = {candidate: [] for candidate in candidates}
    started = time.perf_counter()
    with torch.random.fork_rng(devices=devices):
        copies = {name: _copy(model, images.device, name) for name in {name for _, name in candidates}}
        for number in range(1 + _ROUNDS):
            if number > 1 and time.perf_counter() - started > _BUDGET_S:
                break
            for precision, name in candidates:
                ordered = images.contiguous(memory_format=FORMATS[name])
                seconds = _seconds(copies[name], ordered, targets, getattr(torch, precision), loss_function)
                times[precision, name].append(seconds)
    return {candidate: len(images) / median(seconds[1:]) for candidate, seconds in times.items()}


def _copy(model: nn.Module, device: torch.device, memory_format: str) -> nn.Module:
    copied = deepcopy(model).train()
    return copied.to(device, memory_format=FORMATS[memory_format])  # type: ignore[call-overload]


def _seconds(
    network: nn.Module,
    images: Tensor,
    targets: Tensor,
    dtype: torch.dtype,
    loss_function: Callable[[Tensor, Tensor], Tensor],
) -> float:
    network.zero_grad()
    _finish(images.device)
    started = time.perf_counter()
    with torch.autocast(images.device.type, dtype=dtype, enabled=dtype != torch.float32):
        loss = loss_function(network(images), targets)
    loss.backward()
    _finish(images.device)
    return time.perf_counter() - started


def _finish(device: torch.device) -> None:
    """Wait until the device has done what it was given: GPUs are handed work ahead."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _compared(
    rates: Mapping[Candidate, float], candidates: Sequence[Candidate], what: str, gain: float
) -> str:
    place = 1 if what == "memory format" else 0
    figures = ", ".join(f"{candidate[place]} {rates[candidate]:.1f}" for candidate in candidates)
    usual, other = (candidate[place] for candidate in candidates)
    return f"{what}, in images a second: {figures}; {other} is taken from {gain:g} times {usual} on"
