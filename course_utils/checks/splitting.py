"""Exercises on splitting a data set: copies on both sides, shares, groups.

Used by `notebooks/02_dataset_splitting`.
"""

from __future__ import annotations

from typing import Any

from course_utils.checks.assertions import equal, same_type
from course_utils.checks.exercise import Exercise, Wrong

_TRAIN_HASHES = {"oak/1.png": "aa", "oak/2.png": "bb", "elm/1.png": "cc", "elm/7.png": "dd"}
_VAL_HASHES = {"oak/9.png": "bb", "elm/1.png": "ee", "elm/5.png": "ff", "elm/3.png": "dd", "elm/6.png": "ff"}


def _verify_copies(answer: Any) -> None:
    got = answer(dict(_TRAIN_HASHES), dict(_VAL_HASHES))
    same_type(got, (list, tuple), what="your result")
    if set(got) & set(_TRAIN_HASHES.values()):
        raise Wrong("your result holds hashes; return the paths of the validation pictures")
    if "elm/1.png" in got:
        raise Wrong(
            "`elm/1.png` exists on both sides, but with different hashes: two pictures that share a name"
        )
    if set(got) & {"elm/5.png", "elm/6.png"}:
        raise Wrong("`elm/5.png` and `elm/6.png` are copies of each other, both in val: that is allowed")
    if set(got) & {"oak/2.png", "elm/7.png"}:
        raise Wrong("return the paths on the validation side only")
    equal(list(got), ["elm/3.png", "oak/9.png"])
    equal(list(answer({"a.png": "x"}, {"b.png": "y"})), [], what="the result without any copy")


COPIES_ACROSS = Exercise(
    name="copies_across",
    question="Write `copies_across(train_hashes, val_hashes)`. Both are dicts from path to hash. Return the "
    "sorted list of the validation paths whose bytes are also in train.",
    verify=_verify_copies,
    hint_text="Only the hash says whether two files are the same. Put the hashes of train into a set, then "
    "keep each validation path whose hash is in it.",
    solution_source="""
        def copies_across(train_hashes, val_hashes):
            learnt = set(train_hashes.values())
            return sorted(path for path, digest in val_hashes.items() if digest in learnt)
    """,
    praise="A set makes this fast: one look-up per picture instead of a comparison with each other one.",
    wrong_answers={
        "share a name": """
            def copies_across(train_hashes, val_hashes):
                return sorted(set(train_hashes) & set(val_hashes))
        """,
        "holds hashes": """
            def copies_across(train_hashes, val_hashes):
                return sorted(set(train_hashes.values()) & set(val_hashes.values()))
        """,
        "both in val": """
            def copies_across(train_hashes, val_hashes):
                every = [*train_hashes.values(), *val_hashes.values()]
                return sorted(path for path, digest in val_hashes.items() if every.count(digest) > 1)
        """,
        "their order is not": """
            def copies_across(train_hashes, val_hashes):
                return [path for path in val_hashes if val_hashes[path] in train_hashes.values()]
        """,
    },
    other_right_answers=[
        """
        def copies_across(train_hashes, val_hashes):
            found = []
            for path in val_hashes:
                if val_hashes[path] in train_hashes.values():
                    found.append(path)
            found.sort()
            return found
        """,
        """
        def copies_across(train_hashes, val_hashes):
            both = set(train_hashes.values()).intersection(val_hashes.values())
            return sorted(filter(lambda path: val_hashes[path] in both, val_hashes))
        """,
    ],
)

_SHARES: list[tuple[int, tuple[float, ...], list[int]]] = [
    (10, (0.5, 0.5), [5, 5]),
    (54, (0.7, 0.3), [38, 16]),
    (11, (0.7, 0.15, 0.15), [8, 2, 1]),
    (10, (0.25, 0.25, 0.5), [3, 2, 5]),
    (7, (0.75, 0.25), [5, 2]),
    (8, (0.4, 0.3, 0.3), [3, 3, 2]),
]


def _verify_shares(answer: Any) -> None:
    for count, fractions, want in _SHARES:
        got = answer(count, fractions)
        called = f"largest_remainder({count}, {fractions})"
        same_type(got, (list, tuple), what=called)
        got = list(got)
        if len(got) != len(want):
            raise Wrong(f"{called} gives {len(got)} numbers, expected one per part, {len(want)}")
        for part in got:
            if part != int(part):
                raise Wrong(f"{called} gives {part:g}; there are no parts of pictures")
        if sum(got) > count:
            raise Wrong(f"{called} gives {got}, {sum(got)} pictures of {count}: some are dealt twice")
        if sum(got) < count:
            raise Wrong(f"{called} gives {got}, {sum(got)} pictures of {count}: some are lost")
        if got != want:
            raise Wrong(
                f"{called} gives {got}, expected {want}: what is left goes, one by one, to the parts with "
                "the largest remainders, the earlier part first where they are equal"
            )


LARGEST_REMAINDER = Exercise(
    name="largest_remainder",
    question="Write `largest_remainder(count, fractions)`: divide the `count` pictures of a class among the "
    "parts. Return a list of whole numbers that add up to `count`. First each part gets its share rounded "
    "down; what is left goes, one each, to the parts that lost most by rounding (the earlier part first "
    "where equal).",
    verify=_verify_shares,
    hint_text="Compute `exact = count * fraction` and `floor = int(exact)` for each part. Sort the "
    "positions of the "
    "parts by `-(exact - floor)`; `sorted` keeps the order of equal ones. Add 1 to the first few.",
    solution_source="""
        def largest_remainder(count, fractions):
            exact = [count * fraction for fraction in fractions]
            counts = [int(share) for share in exact]
            order = sorted(range(len(exact)), key=lambda part: -round(exact[part] - counts[part], 9))
            for part in order[: count - sum(counts)]:
                counts[part] += 1
            return counts
    """,
    praise="Elections are counted this way too (Hare quota); no part is off by a whole picture.",
    wrong_answers={
        "are lost": """
            def largest_remainder(count, fractions):
                return [int(count * fraction) for fraction in fractions]
        """,
        "dealt twice": """
            import math

            def largest_remainder(count, fractions):
                return [math.ceil(count * fraction - 1e-9) for fraction in fractions]
        """,
        "largest remainders": """
            def largest_remainder(count, fractions):
                counts = [int(count * fraction + 1e-9) for fraction in fractions]
                counts[0] += count - sum(counts)
                return counts
        """,
        "no parts of pictures": """
            def largest_remainder(count, fractions):
                return [count * fraction for fraction in fractions]
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def largest_remainder(count, fractions):
            exact = count * np.asarray(fractions)
            counts = np.floor(exact + 1e-9).astype(int)
            order = np.argsort(-np.round(exact - counts, 6), kind="stable")
            counts[order[: count - counts.sum()]] += 1
            return counts.tolist()
        """,
        """
        def largest_remainder(count, fractions):
            counts = [0] * len(fractions)
            for part, fraction in enumerate(fractions):
                counts[part] = int(count * fraction + 1e-9)
            left = [round(count * f - c, 9) for f, c in zip(fractions, counts)]
            while sum(counts) < count:
                best = left.index(max(left))
                counts[best] += 1
                left[best] = -1
            return tuple(counts)
        """,
    ],
)

_GROUPS = [name for number, name in enumerate("abcdefghijklmnopqrst") for _ in range(1 + number % 5)]


def _verify_groups(answer: Any) -> None:
    first = [_checked_parts(answer(list(_GROUPS), 0.3, seed), seed) for seed in range(6)]
    again = [_checked_parts(answer(list(_GROUPS), 0.3, seed), seed) for seed in range(6)]
    if first != again:
        raise Wrong("the same seed gives another split the second time: make a generator from `seed`")
    if all(parts == first[0] for parts in first):
        raise Wrong("six seeds give one and the same split: shuffle the groups with a generator from `seed`")


def _checked_parts(got: Any, seed: int) -> tuple[list[int], list[int]]:
    """The two parts as sorted lists, after all that must hold for one split."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Wrong("return two lists: the positions for train, the positions for val")
    train, val = ([int(position) for position in part] for part in got)
    if sorted(train + val) != list(range(len(_GROUPS))):
        raise Wrong(
            f"{len(train)} + {len(val)} positions come back for {len(_GROUPS)} pictures; each position must "
            "be in "
            "exactly one of the two lists (positions of pictures, not of groups)"
        )
    torn = sorted({_GROUPS[position] for position in train} & {_GROUPS[position] for position in val})
    if torn:
        raise Wrong(f"with seed {seed} the group {torn[0]!r} is on both sides: deal groups, not pictures")
    share = len(val) / len(_GROUPS)
    if not 0.2 <= share <= 0.4:
        raise Wrong(
            f"with seed {seed} val holds {share:.0%} of the pictures, asked were 30 %: groups differ in "
            "size, "
            "so count pictures while you fill val"
        )
    return sorted(train), sorted(val)


GROUPED_SPLIT = Exercise(
    name="grouped_split",
    question="Write `grouped_split(groups, val_fraction, seed)`. `groups` names each picture's group. "
    "Return two lists "
    "of picture positions, `(train, val)`: no group is on both sides, val holds about `val_fraction` of the "
    "pictures (within a tenth of all), the same seed gives the same split and other seeds give others.",
    verify=_verify_groups,
    hint_text="Shuffle the sorted distinct groups with `random.Random(seed)`. Go through them and take a "
    "group into "
    "val while val stays at most `val_fraction * len(groups)` pictures large.",
    solution_source="""
        import random

        def grouped_split(groups, val_fraction, seed):
            names = sorted(set(groups))
            random.Random(seed).shuffle(names)
            chosen, size = set(), 0
            for name in names:
                if size + groups.count(name) <= val_fraction * len(groups):
                    chosen.add(name)
                    size += groups.count(name)
            val = [position for position, name in enumerate(groups) if name in chosen]
            train = [position for position, name in enumerate(groups) if name not in chosen]
            return train, val
    """,
    praise="`sorted(set(...))` matters: the order of a set of texts changes from one start of Python to the "
    "next.",
    wrong_answers={
        "is on both sides": """
            import numpy as np

            def grouped_split(groups, val_fraction, seed):
                order = np.random.default_rng(seed).permutation(len(groups))
                cut = int(len(groups) * val_fraction)
                return order[cut:].tolist(), order[:cut].tolist()
        """,
        "not of groups": """
            import numpy as np

            def grouped_split(groups, val_fraction, seed):
                order = np.random.default_rng(seed).permutation(len(set(groups)))
                cut = int(len(order) * val_fraction)
                return order[cut:].tolist(), order[:cut].tolist()
        """,
        "one and the same split": """
            def grouped_split(groups, val_fraction, seed):
                val = []
                for name in sorted(set(groups)):
                    own = [i for i, group in enumerate(groups) if group == name]
                    if len(val) + len(own) <= val_fraction * len(groups):
                        val += own
                return [i for i in range(len(groups)) if i not in val], val
        """,
        "count pictures": """
            def grouped_split(groups, val_fraction, seed):
                names = sorted(set(groups), key=groups.count)
                chosen = set(names[: int(len(names) * val_fraction)])
                val = [i for i, name in enumerate(groups) if name in chosen]
                return [i for i in range(len(groups)) if i not in val], val
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def grouped_split(groups, val_fraction, seed):
            names, code, sizes = np.unique(groups, return_inverse=True, return_counts=True)
            order = np.random.default_rng(seed).permutation(len(names))
            chosen = order[np.cumsum(sizes[order]) <= val_fraction * len(groups)]
            inside = np.isin(code, chosen)
            return np.flatnonzero(~inside), np.flatnonzero(inside)
        """,
        """
        from course_utils.data.splits import stratified_split

        def grouped_split(groups, val_fraction, seed):
            parts = stratified_split(
                ["all"] * len(groups), fractions=(1 - val_fraction, val_fraction), seed=seed, groups=groups
            )
            return tuple(part.tolist() for part in parts)
        """,
    ],
)
