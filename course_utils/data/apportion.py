"""Deal items to parts (train, val, test or folds) so that every class keeps its proportions and no group is
torn.

The machinery under `course_utils.data.splits`. Rounding is by largest remainder (Hamilton's method); groups
are dealt greedily by the increase of the chi-square distance to the wanted table of counts. Every random
choice is the rank of a keyed hash (BLAKE2b, RFC 7693) of the item's own key, so it depends on no generator,
no numpy version and on no other item: adding one picture moves at most the picture at each boundary.
`notebooks/02_dataset_splitting` derives the rule.
"""

import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

import numpy as np


def hash_rank(seed: int, *words: object) -> int:
    """A number in [0, 2**64) that depends on the seed and the words only; NFC and NFD spellings are equal."""
    text = unicodedata.normalize("NFC", "\x1f".join(str(word) for word in words))
    digest = hashlib.blake2b(f"{seed}\x1e{text}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def round_shares(
    total: int, weights: Sequence[float], *, required: Sequence[int], ties: Sequence[object]
) -> list[int]:
    """Whole numbers that sum to `total`, in proportion to `weights`: each share's floor, then largest
    remainders.

    Parts in `required` get at least one, first come first served where `total` is too small. Equal remainders
    go to the part with the smaller entry in `ties`.
    """
    weight_sum = sum(weights)
    if weight_sum <= 0:
        weights, weight_sum = [1.0] * len(weights), float(len(weights))
    # Rounded to nine digits so that 0.7 * 10 and 0.3 * 5 are the 7 and 1.5 that they look like.
    shares = [round(total * weight / weight_sum, 9) for weight in weights]
    counts = [int(share) for share in shares]
    by_remainder = sorted(range(len(shares)), key=lambda part: (-round(shares[part] % 1, 9), ties[part]))
    for part in by_remainder[: total - sum(counts)]:
        counts[part] += 1
    needy = [part for part in required[:total] if counts[part] == 0]
    kept = set(required[:total])
    for part in needy:
        richest = max(range(len(counts)), key=lambda other: (counts[other] - (other in kept), counts[other]))
        counts[richest] -= 1
        counts[part] += 1
    return counts


@dataclass
class Bundle:
    """Items that stay together: positions, counts by class (C,), and a rank that decides their turn."""

    items: list[int]
    counts: np.ndarray
    rank: int


@dataclass
class Dealer:
    """Assigns every item a part.

    `codes` holds the class number of each item, (N,); `ranks` its hash rank, (N,); `fractions` the wanted
    share of each part, (P,). With `even_totals` equal remainders go to the smallest part (folds), else by
    hash (splits, where a change in one class must not touch the others).
    """

    codes: np.ndarray
    ranks: Sequence[int]
    fractions: np.ndarray
    seed: int
    class_names: list[str]
    num_units: np.ndarray
    even_totals: bool = False
    part_of: np.ndarray = field(init=False)  # (N,), -1 until dealt
    bundles: list[Bundle] = field(init=False, default_factory=list)  # those dealt, which `mend` may move
    have: np.ndarray = field(init=False)  # (P, C) items dealt so far
    wanted: np.ndarray = field(init=False)  # (P, C)

    def __post_init__(self) -> None:
        num_classes, num_parts = len(self.class_names), len(self.fractions)
        self.part_of = np.full(len(self.codes), -1, dtype=np.int64)
        self.have = np.zeros((num_parts, num_classes), dtype=np.int64)
        self.wanted = np.outer(self.fractions, np.bincount(self.codes, minlength=num_classes))

    def place(self, items: Sequence[int], part: int) -> None:
        """Put the items into the part, from wherever they are."""
        for item in items:
            if self.part_of[item] >= 0:
                self.have[self.part_of[item], self.codes[item]] -= 1
            self.part_of[item] = part
            self.have[part, self.codes[item]] += 1

    def cost(self, bundle: Bundle) -> np.ndarray:
        """Increase of the chi-square distance to the wanted table if the bundle joined each part, (P,)."""
        gap = self.have - self.wanted  # (P, C)
        increase = (2 * gap + bundle.counts) * bundle.counts / np.maximum(self.wanted, 1e-9)
        return increase.sum(axis=1)  # (P, C) -> (P,)

    def leave_out(self, items: Sequence[int]) -> None:
        """Items that no part gets: their part stays -1 and the wanted counts shrink."""
        counts = np.bincount(self.codes[list(items)], minlength=len(self.class_names))
        self.wanted -= np.outer(self.fractions, counts)

    def deal_bundles(self, bundles: Sequence[Bundle]) -> None:
        """Large bundles first; those within a factor of two in hash order, so that seeds differ."""
        self.bundles = sorted(bundles, key=lambda one: (-len(one.items).bit_length(), one.rank))
        for bundle in self.bundles:
            costs = np.round(self.cost(bundle), 9)
            ties = [hash_rank(self.seed, "bundle", bundle.rank, part) for part in range(len(costs))]
            self.place(bundle.items, min(range(len(costs)), key=lambda part: (costs[part], ties[part])))

    def mend(self, num_singles: Sequence[int]) -> None:
        """Move bundles to parts that should have a class and will not get it from its `num_singles`, (C,)."""
        for code in range(len(self.class_names)):
            carriers = [bundle for bundle in self.bundles if bundle.counts[code]]
            lacking = [part for part in self.due_parts(code) if self.have[part, code] == 0]
            for part in lacking[: max(0, len(lacking) - num_singles[code])]:
                movable = [bundle for bundle in carriers if self.may_leave(bundle)]
                if movable:
                    best = min(movable, key=lambda one: (float(self.cost(one)[part]), one.rank))
                    self.place(best.items, part)

    def due_parts(self, code: int) -> list[int]:
        """The parts that must have the class: the first ones, as many as it has groups and single items.

        A class with fewer of them than there are folds starts at a fold of its own, so that the first
        folds are not the only ones with rare classes.
        """
        num_parts = len(self.fractions)
        start = hash_rank(self.seed, "start", self.class_names[code]) % num_parts if self.even_totals else 0
        return [(start + step) % num_parts for step in range(min(num_parts, int(self.num_units[code])))]

    def may_leave(self, bundle: Bundle) -> bool:
        """Whether the bundle's part can do without it: it keeps each of the classes, or need not have it."""
        part = self.part_of[bundle.items[0]]
        return all(
            self.have[part, code] > bundle.counts[code] or part not in self.due_parts(code)
            for code in np.flatnonzero(bundle.counts).tolist()
        )

    def deal_singles(self, code: int, items: Sequence[int]) -> None:
        """Fill the class up to its wanted counts; parts that should have the class and lack it come first."""
        dealt = self.have[:, code]
        room = np.maximum(self.wanted[:, code] - dealt, 0.0)
        required = [part for part in self.due_parts(code) if dealt[part] == 0]
        totals = self.have.sum(axis=1) if self.even_totals else np.zeros(len(self.fractions), dtype=np.int64)
        name = self.class_names[code]
        ties = [(int(total), hash_rank(self.seed, "tie", name, part)) for part, total in enumerate(totals)]
        counts = round_shares(len(items), room.tolist(), required=required, ties=ties)
        in_turn = sorted(items, key=lambda item: (self.ranks[item], item))
        start = 0
        for part, count in enumerate(counts):
            self.place(in_turn[start : start + count], part)
            start += count


def make_bundles(
    codes: np.ndarray, ranks: Sequence[int], groups: Sequence[Hashable] | None, num_classes: int
) -> tuple[list[Bundle], list[int]]:
    """Groups of two or more items as bundles, and the items without a group or alone in theirs."""
    members: dict[Hashable, list[int]] = defaultdict(list)
    singles = []
    for item in range(len(codes)):
        group = None if groups is None else groups[item]
        if group is None or group == "":
            singles.append(item)
        else:
            members[group].append(item)
    bundles = []
    for items in members.values():
        if len(items) == 1:
            singles.append(items[0])
        else:
            counts = np.bincount(codes[items], minlength=num_classes)
            bundles.append(Bundle(items, counts, min(ranks[item] for item in items)))
    return bundles, singles
