"""Check and tidy the arguments of a split, so that the dealing itself can trust them."""

from collections.abc import Hashable, Sequence
from itertools import pairwise

import numpy as np

from course_utils.params import check_choice


def check_fractions(fractions: Sequence[float]) -> np.ndarray:
    """The fractions as an array (P,) that sums to 1 exactly as far as floats go.

    ValueError for anything else than two or more shares of 1.
    """
    shares = np.asarray(list(fractions), dtype=np.float64)
    if (
        len(shares) < 2
        or not np.isfinite(shares).all()
        or (shares <= 0).any()
        or abs(shares.sum() - 1.0) > 1e-6
    ):
        raise ValueError(
            f"fractions are {tuple(fractions)}; expected two or more numbers above 0 that sum to 1, "
            "such as (0.7, 0.3)"
        )
    return shares / shares.sum()


def check_items(
    labels: Sequence[Hashable] | np.ndarray,
    groups: Sequence[Hashable] | np.ndarray | None,
    keys: Sequence[str] | None,
    seed: int,
    rare: str,
) -> tuple[list, list | None, list[str]]:
    """Labels, groups and keys as lists of equal length; ValueError as told in `course_utils.data.splits`."""
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ValueError(f"seed is {seed!r}; expected a whole number")
    check_choice("rare", rare, ("error", "train"))
    label_list = plain_list(labels)
    if not label_list:
        raise ValueError("there is nothing to split: labels is empty")
    group_list = None if groups is None else plain_list(groups)
    key_list = (
        [str(position) for position in range(len(label_list))] if keys is None else [str(key) for key in keys]
    )
    for name, values in (("groups", group_list), ("keys", key_list)):
        if values is not None and len(values) != len(label_list):
            raise ValueError(
                f"{name} has {len(values)} entries, labels has {len(label_list)}; they go together one to one"
            )
    for first, second in pairwise(sorted(key_list)):
        if first == second:
            raise ValueError(
                f"keys holds {first!r} twice; each item needs a key of its own, such as its relative path"
            )
    return label_list, group_list, key_list


def plain_list(values: Sequence[Hashable] | np.ndarray) -> list:
    """A list of Python values, whatever came in."""
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def encode_labels(labels: list) -> tuple[list[str], np.ndarray]:
    """Class names in the order of their text, and each item's class number, (N,)."""
    distinct = sorted(set(labels), key=lambda label: (str(label), type(label).__name__))
    number = {label: code for code, label in enumerate(distinct)}
    return [str(label) for label in distinct], np.array([number[label] for label in labels], dtype=np.int64)
