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
from typing import Literal

import numpy as np

from course_utils.data.apportion import Dealer, hash_rank, make_bundles
from course_utils.data.split_arguments import check_fractions, check_items, encode_labels

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
    shares = check_fractions(fractions)
    part_of = _deal(labels, shares, seed=seed, groups=groups, keys=keys, rare=rare, folds=False)
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
        raise ValueError(f"num_folds is {num_folds!r}; expected a whole number of at least 2")
    if num_folds > len(labels):
        raise ValueError(f"num_folds is {num_folds}, but there are only {len(labels)} items; lower num_folds")
    shares = np.full(num_folds, 1.0 / num_folds)
    part_of = _deal(labels, shares, seed=seed, groups=groups, keys=keys, rare=rare, folds=True)
    return [(np.flatnonzero(part_of != fold), np.flatnonzero(part_of == fold)) for fold in range(num_folds)]


def _deal(
    labels: Sequence[Hashable] | np.ndarray,
    shares: np.ndarray,
    *,
    seed: int,
    groups: Sequence[Hashable] | np.ndarray | None,
    keys: Sequence[str] | None,
    rare: Rare,
    folds: bool,
) -> np.ndarray:
    """The part of every item, (N,); among folds, items of a class kept for training only have part -1."""
    label_list, group_list, key_list = check_items(labels, groups, keys, seed, rare)
    class_names, codes = encode_labels(label_list)
    ranks = [hash_rank(seed, key) for key in key_list]
    bundles, singles = make_bundles(codes, ranks, group_list, len(class_names))

    num_units = np.bincount(codes[singles], minlength=len(class_names))
    for bundle in bundles:
        num_units += bundle.counts > 0
    lonely = num_units == 1
    _refuse_lonely(lonely, class_names, codes, rare)
    held = {item for bundle in bundles if bundle.counts[lonely].any() for item in bundle.items}
    held |= {item for item in singles if lonely[codes[item]]}

    dealer = Dealer(codes, ranks, shares, seed, class_names, num_units, even_totals=folds)
    if folds:
        dealer.leave_out(sorted(held))
    else:
        dealer.place(sorted(held), 0)
    alone: list[list[int]] = [[] for _ in class_names]
    for item in singles:
        if item not in held:
            alone[codes[item]].append(item)
    dealer.deal_bundles([bundle for bundle in bundles if bundle.items[0] not in held])
    dealer.mend([len(items) for items in alone])
    for code, items in enumerate(alone):
        dealer.deal_singles(code, items)
    _check_coverage(dealer, lonely, rare, folds)
    return dealer.part_of


def _check_coverage(dealer: Dealer, lonely: np.ndarray, rare: Rare, folds: bool) -> None:
    """ValueError where groups of several classes leave a class without a training or a checking side."""
    for code, name in enumerate(dealer.class_names):
        own_parts = set(dealer.part_of[dealer.codes == code].tolist())
        trained = folds or 0 in own_parts
        checked = len(own_parts) > 1 or lonely[code] or rare == "train"
        if not (trained and checked):
            raise ValueError(
                f"class {name!r}: its {dealer.num_units[code]} groups are so tied to groups of other classes "
                "that no way was found to have it on both sides; check the groups, or try another seed"
            )


def _refuse_lonely(lonely: np.ndarray, class_names: list[str], codes: np.ndarray, rare: Rare) -> None:
    """ValueError that lists the classes of a single picture or group, unless they may stay in training."""
    if not lonely.any() or rare == "train":
        return
    counts = np.bincount(codes)
    listed = ", ".join(f"{class_names[code]!r} ({counts[code]})" for code in np.flatnonzero(lonely))
    raise ValueError(
        f"{lonely.sum()} class(es) have a single picture or group and cannot be on both sides: "
        f'{listed} pictures. Add pictures, leave the class out, or pass rare="train" to keep it in training.'
    )
