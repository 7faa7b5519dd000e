"""Exercise of `notebooks/08_transfer_resnet34` on the size leak: what the size of a file alone gives away."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong

_SETS: list[tuple[list[tuple[int, int]], list[str]]] = [
    (
        [(256, 256)] * 5 + [(64, 64)] * 4,
        ["cloudy", "cloudy", "cloudy", "desert", "desert", "water", "green_area", "water", "water"],
    ),
    (
        [(64, 64)] * 3 + [(64, 48)] * 3 + [(32, 32)] * 2,
        ["ant", "bee", "ant", "bee", "bee", "bee", "ant", "ant"],
    ),
    ([(32, 32)] * 4, ["a", "b", "c", "c"]),
    ([(10, 10), (20, 20), (30, 30)], ["a", "a", "b"]),
]


def _by_size(keys: Sequence[Hashable], labels: Sequence[str]) -> dict[Hashable, Counter[str]]:
    counts: dict[Hashable, Counter[str]] = defaultdict(Counter)
    for key, label in zip(keys, labels, strict=True):
        counts[key][label] += 1
    return counts


def _accuracy(keys: Sequence[Hashable], labels: Sequence[str]) -> float:
    counts = _by_size(keys, labels)
    return sum(max(one.values()) for one in counts.values()) / len(labels)


def _verify(answer: Callable[..., Any]) -> None:
    for sizes, labels in _SETS:
        what = f"accuracy_from_size for {len(labels)} pictures of {len(set(sizes))} size(s)"
        got = answer(list(sizes), list(labels))
        same_type(got, float, what=what)
        want = _accuracy(sizes, labels)
        if math.isclose(got, want):
            continue
        counts = _by_size(sizes, labels)
        shares = [max(one.values()) / one.total() for one in counts.values()]
        if math.isclose(got, max(Counter(labels).values()) / len(labels)):
            raise Wrong(
                f"{what} is {got:.4g}: that is what always naming the most frequent class gets. Ask for the "
                "most frequent class of each size"
            )
        if math.isclose(got, sum(shares) / len(shares)):
            raise Wrong(
                f"{what} is {got:.4g}, expected {want:.4g}: that is the mean of the sizes' shares. Every "
                "picture counts the same, so add up the right ones and divide once"
            )
        if math.isclose(got, _accuracy([width for width, _ in sizes], labels)):
            raise Wrong(f"{what} is {got:.4g}, expected {want:.4g}: look at the height as well as the width")
        close(got, want, 1e-9, what=what)


accuracy_from_size = Exercise(
    name="accuracy_from_size",
    question=(
        "Write `accuracy_from_size(sizes, labels)`: `sizes` are (width, height) of each picture, `labels` "
        "the class names. Which accuracy has the rule that never sees a pixel, and names for each size "
        "the class that has this size most often? (On the same pictures; no split.)"
    ),
    verify=_verify,
    hint_text=(
        "Count the labels for each size separately: a dictionary of `collections.Counter`. Of each size "
        "the rule gets the largest count right. Add these up, then divide once by the number of pictures."
    ),
    solution_source="""
        from collections import Counter, defaultdict

        def accuracy_from_size(sizes, labels):
            counts = defaultdict(Counter)
            for size, label in zip(sizes, labels, strict=True):
                counts[size][label] += 1
            return sum(max(one.values()) for one in counts.values()) / len(labels)
    """,
    praise="Hold every validation accuracy against this one: it is the true zero of your scale.",
    wrong_answers={
        "always naming the most frequent class": """
            from collections import Counter

            def accuracy_from_size(sizes, labels):
                return max(Counter(labels).values()) / len(labels)
        """,
        "add up the right ones and divide once": """
            from collections import Counter, defaultdict

            def accuracy_from_size(sizes, labels):
                counts = defaultdict(Counter)
                for size, label in zip(sizes, labels):
                    counts[size][label] += 1
                shares = [max(one.values()) / sum(one.values()) for one in counts.values()]
                return sum(shares) / len(shares)
        """,
        "look at the height": """
            from collections import Counter, defaultdict

            def accuracy_from_size(sizes, labels):
                counts = defaultdict(Counter)
                for (width, height), label in zip(sizes, labels):
                    counts[width][label] += 1
                return sum(max(one.values()) for one in counts.values()) / len(labels)
        """,
    },
    other_right_answers=[
        """
        import pandas as pd

        def accuracy_from_size(sizes, labels):
            table = pd.crosstab(pd.Series([str(size) for size in sizes]), pd.Series(labels))
            return float(table.max(axis=1).sum() / len(labels))
        """,
        """
        def accuracy_from_size(sizes, labels):
            right = 0
            for size in set(sizes):
                here = [label for other, label in zip(sizes, labels) if other == size]
                right += max(here.count(label) for label in set(here))
            return right / len(sizes)
        """,
    ],
)
