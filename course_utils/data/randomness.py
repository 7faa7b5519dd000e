"""Random numbers that depend on what they are for, not on how many were drawn before.

A running generator gives image 7 other numbers when another worker, another order or a resumed run asks
first. Here the numbers of image 7 in epoch 3 are a function of (seed, kind, epoch, 7) alone: a counter is
mixed into bits by SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number generators").
Notebook 06 uses it for augmentation; notebook 15 shows what it saves.
"""

import numpy as np

from course_utils import runtime

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def uniforms(seed: int, kind: str, epoch: int, indices: np.ndarray, count: int) -> np.ndarray:
    """Give `count` numbers in [0, 1) for each of the images `indices` (B,): float64 (B, count).

    The row of an image depends on (seed, kind, epoch, its index) only, not on the other images asked for.
    """
    key = np.uint64(runtime.derive_seed(seed, kind, epoch))
    position = np.asarray(indices, dtype=np.uint64)[:, np.newaxis] * np.uint64(count)  # (B,) -> (B, 1)
    counter = position + np.arange(1, count + 1, dtype=np.uint64)  # (B, count); wraps at 2**64, as it may
    bits = np.asarray(key + counter * _GOLDEN, dtype=np.uint64)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits ^= bits >> np.uint64(31)
    return (bits >> np.uint64(11)).astype(np.float64) * 2.0**-53


def permutation(seed: int, kind: str, epoch: int, num_items: int) -> np.ndarray:
    """Give 0 .. num_items - 1 in an order that depends on (seed, kind, epoch) only: int64 (num_items,)."""
    return np.argsort(uniforms(seed, kind, epoch, np.arange(num_items), 1)[:, 0], kind="stable")
