"""Split labelled pictures into train, val and test, or into folds: stratified, grouped and repeatable.

Rules, derived in `notebooks/02_dataset_splitting`:

- each class is divided by itself, by largest remainder, so every part is within one picture of the class's
  exact share;
- a class with at least two pictures (or groups) is in the first two parts for every seed, and in all parts
  when it has as many pictures as there are parts;
- a class with a single picture (or a single group) cannot be both learnt and checked: an error, or
  `rare="train"`;
- all pictures of one group are on one side (photographs of one object, copies of one file);
- which picture goes where depends on the seed and its own key only: same answer with every numpy version and
  operating system, and adding one picture later moves at most one other picture at each boundary of its
  class.
"""

from collections.abc import Hashable, Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from course_utils.data.apportion import Bundle, Dealer, hash_rank, make_bundles

Rare = Literal["error", "train"]


def stratified_split(
    labels: Sequence[Hashable] | np.ndarray,
    *,
    fractions: Sequence[float] = (0.7, 0.15, 0.15),
    seed: int,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    keys: Sequence[str] | None = None,
    rare: Rare = "error",
) -> tuple[np.ndarray, ...]:
    """Sorted positions of each part, one int64 array per fraction; the first part is the training side.

    `labels` (N,): class names or numbers. `fractions`: each above 0, sum 1. `groups` (N,): equal entries stay
    together; None or "" means no group. `keys` (N,): a name per item that stays when others come or go, its
    relative path for instance; without keys the position is the key. `rare`: what to do with a class of one
    picture or of one group. ValueError: fractions that do not sum to 1, lengths that differ, repeated keys, a
    rare class under "error", and groups so entangled that a class cannot be on both sides.
    """
    shares = _check_fractions(fractions)
    part_of = _deal(labels, shares, seed=seed, groups=groups, keys=keys, rare=rare, even_totals=False)
    return tuple(np.flatnonzero(part_of == part) for part in range(len(shares)))


def kfold(
    labels: Sequence[Hashable] | np.ndarray,
    *,
    num_folds: int,
    seed: int,
    groups: Sequence[Hashable] | np.ndarray | None = None,
    keys: Sequence[str] | None = None,
    rare: Rare = "error",
) -> list[tuple[np.ndarray, np.ndarray]]:
    """`num_folds` pairs (training positions, validation positions), sorted int64 arrays.

    Every picture is validated exactly once, except those of a class with a single picture or group under
    `rare="train"`: they are in every training part and in no validation part. Arguments and errors as in
    `stratified_split`.
    """
    if not isinstance(num_folds, int) or num_folds < 2:
        raise ValueError(f"num_folds is {num_folds!r}, expected a whole number of at least 2")
    if num_folds > len(labels):
        raise ValueError(f"num_folds is {num_folds}, but there are only {len(labels)} items; lower num_folds")
    shares = np.full(num_folds, 1.0 / num_folds)
    part_of = _deal(labels, shares, seed=seed, groups=groups, keys=keys, rare=rare, even_totals=True)
    return [(np.flatnonzero(part_of != fold), np.flatnonzero(part_of == fold)) for fold in range(num_folds)]


def _deal(
    labels: Sequence[Hashable] | np.ndarray,
    shares: np.ndarray,
    *,
    seed: int,
    groups: Sequence[Hashable] | np.ndarray | None,
    keys: Sequence[str] | None,
    rare: Rare,
    even_totals: bool,
) -> np.ndarray:
    """The part of every item, (N,); with `even_totals` (folds) a rare class held back is marked -1."""
    label_list, group_list, key_list = _check_items(labels, groups, keys, seed, rare)
    class_names, codes = _encode(label_list)
    ranks = [hash_rank(seed, key) for key in key_list]
    bundles, singles = make_bundles(codes, ranks, group_list, len(class_names))
    dealer = Dealer(codes, ranks, shares, seed, class_names, even_totals)

    units = [np.flatnonzero(bundle.counts) for bundle in bundles] + [
        np.array([codes[item]]) for item in singles
    ]
    num_units = np.bincount(np.concatenate(units), minlength=len(class_names))
    lonely = np.flatnonzero(num_units == 1)
    _refuse_lonely(lonely, class_names, codes, rare)
    order = list(range(len(shares)))
    held = [bundle for bundle in bundles if bundle.counts[lonely].any()]
    held_items = {item for bundle in held for item in bundle.items}
    held_items |= {item for item in singles if codes[item] in lonely}
    dealer.place(sorted(held_items), 0)

    free = [bundle for bundle in bundles if not any(bundle is other for other in held)]
    alone: list[list[int]] = [[] for _ in class_names]
    for item in singles:
        if item not in held_items:
            alone[codes[item]].append(item)
    dealer.deal_bundles(free)
    dealer.mend(free, [len(items) for items in alone], order)
    for code, items in enumerate(alone):
        if items:
            turn = sorted(order, key=lambda part: hash_rank(seed, code, part)) if even_totals else order
            dealer.deal_singles(code, items, turn)
    _check_coverage(dealer, num_units, free, rare)
    if even_totals:
        dealer.part_of[sorted(held_items)] = -1
    return dealer.part_of


def _check_coverage(dealer: Dealer, num_units: np.ndarray, free: Sequence[Bundle], rare: Rare) -> None:
    """ValueError where a class of two units or more sits in one part only."""
    for code, name in enumerate(dealer.class_names):
        num_parts = int((dealer.have[:, code] > 0).sum())
        if num_units[code] >= 2 and num_parts < 2 and not (rare == "train" and dealer.have[0, code]):
            raise ValueError(
                f"class {name!r}: its {num_units[code]} groups are so tied to other classes' groups that they cannot "
                f'be on both sides; check the groups, or pass rare="train" to keep the class in the training part'
            )


def _refuse_lonely(lonely: np.ndarray, class_names: Sequence[str], codes: np.ndarray, rare: Rare) -> None:
    if len(lonely) == 0 or rare == "train":
        return
    counts = np.bincount(codes)
    listed = ", ".join(
        f"{class_names[code]!r} ({counts[code]} in one group)"
        if counts[code] > 1
        else f"{class_names[code]!r} (1)"
        for code in lonely
    )
    raise ValueError(
        f"{len(lonely)} class(es) have a single picture or a single group and cannot be on both sides: "
        f'{listed}. Add pictures, leave the class out, or pass rare="train" to keep it in the training part'
    )


def _check_fractions(fractions: Sequence[float]) -> np.ndarray:
    """The fractions as an array (P,) that sums to 1 exactly as far as floats go."""
    shares = np.asarray(list(fractions), dtype=np.float64)
    if (
        len(shares) < 2
        or not np.isfinite(shares).all()
        or (shares <= 0).any()
        or abs(shares.sum() - 1.0) > 1e-6
    ):
        raise ValueError(
            f"fractions are {tuple(fractions)}, expected two or more numbers above 0 that sum to 1, such as (0.7, 0.3)"
        )
    return shares / shares.sum()


def _check_items(
    labels: Sequence[Hashable] | np.ndarray,
    groups: Sequence[Hashable] | np.ndarray | None,
    keys: Sequence[str] | None,
    seed: int,
    rare: str,
) -> tuple[list, list | None, list[str]]:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer):
        raise ValueError(f"seed is {seed!r}, expected a whole number")
    if rare not in ("error", "train"):
        raise ValueError(f'rare is {rare!r}, expected "error" or "train"')
    label_list = _plain(labels)
    if not label_list:
        raise ValueError("there is nothing to split: labels is empty")
    group_list = None if groups is None else _plain(groups)
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


def _plain(values: Sequence[Hashable] | np.ndarray) -> list:
    return values.tolist() if isinstance(values, np.ndarray) else list(values)


def _encode(labels: list) -> tuple[list[str], np.ndarray]:
    """Class names in the order of their text, and each item's class number, (N,)."""
    distinct = sorted(set(labels), key=lambda label: (str(label), type(label).__name__))
    number = {label: code for code, label in enumerate(distinct)}
    return [str(label) for label in distinct], np.array([number[label] for label in labels], dtype=np.int64)
