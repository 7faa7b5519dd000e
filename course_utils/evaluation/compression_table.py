"""One table for all that makes a network smaller: bytes, accuracy, time, each measured in the same way.

The table shows what was gained and what was paid, whatever it is. Notebook 14 fills it.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.evaluation.comparison import wilson_interval
from course_utils.evaluation.latency import measure_latency


@dataclass(frozen=True)
class Candidate:
    """A network in some form: what it is called, how it is called, and its file on disk.

    `predict` takes normalised images (B, C, H, W) and gives logits (B, K): a module in evaluation mode, or
    an exported network.
    """

    name: str
    predict: Callable[[Tensor], Tensor]
    path: Path


@dataclass(frozen=True)
class Row:
    """What was measured of a candidate.

    `num_bytes` is the size of its file, `num_bytes_zipped` that of the file after lossless compression
    (zlib), which is what zeros are worth. `accuracy` in [0, 1] with its 95 % interval `low` to `high`;
    `changed` is the share of pictures on which it decides otherwise than the first candidate. `latency_s` is
    the median time for a batch of `batch_size` pictures, from `latency_low_s` to `latency_high_s`
    (quartiles).
    """

    name: str
    num_bytes: int
    num_bytes_zipped: int
    accuracy: float
    low: float
    high: float
    changed: float
    latency_s: float
    latency_low_s: float
    latency_high_s: float
    batch_size: int


@torch.inference_mode()
def compression_table(
    candidates: Sequence[Candidate],
    images: Tensor,
    targets: Tensor,
    *,
    batch_size: int = 1,
    num_rounds: int = 15,
    calls_in_round: int = 5,
) -> list[Row]:
    """Measure every candidate on the same `images` (N, C, H, W), normalised, with `targets` (N,).

    The first candidate is the reference. Times are of batches of `batch_size`, the mean of `calls_in_round`
    calls in each of `num_rounds` rounds, the candidates taking turns. Do nothing else on the machine
    meanwhile. ValueError for candidates of equal name, or without pictures.
    """
    names = [one.name for one in candidates]
    if not candidates or len(set(names)) < len(names) or len(images) == 0 or len(images) != len(targets):
        raise ValueError(
            f"got the candidates {names}, {len(images)} images and {len(targets)} targets; expected "
            "candidates of "
            "different names, and a target for each of at least one image"
        )
    truth = targets.cpu().numpy()
    guesses = [_predicted(one, images) for one in candidates]
    few = images[:batch_size]

    def repeated(predict: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        def call() -> None:
            for _ in range(calls_in_round):
                predict(few)

        return call

    times = measure_latency({one.name: repeated(one.predict) for one in candidates}, num_rounds=num_rounds)
    rows = []
    for one, guess in zip(candidates, guesses, strict=True):
        num_right = int((guess == truth).sum())
        low, high = wilson_interval(num_right, len(truth))
        num_bytes, num_bytes_zipped = file_sizes(one.path)
        time_of = times[one.name]
        rows.append(
            Row(
                one.name,
                num_bytes,
                num_bytes_zipped,
                num_right / len(truth),
                low,
                high,
                float(np.mean(guess != guesses[0])),
                time_of.median_s / calls_in_round,
                time_of.low_s / calls_in_round,
                time_of.high_s / calls_in_round,
                len(few),
            )
        )
    return rows


def file_sizes(path: str | Path) -> tuple[int, int]:
    """Return the bytes of a file, and its bytes after zlib's best lossless compression."""
    data = Path(path).read_bytes()
    return len(data), len(zlib.compress(data, 9))


def _predicted(one: Candidate, images: Tensor, batch_size: int = 256) -> np.ndarray:
    logits = torch.cat([torch.as_tensor(one.predict(part)) for part in images.split(batch_size)])
    if not bool(torch.isfinite(logits).all()):
        raise FloatingPointError(f"{one.name} gives logits that are not finite; leave it out")
    return logits.argmax(dim=1).cpu().numpy()
