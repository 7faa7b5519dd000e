"""Exercises of notebook 12 on neighbours: voting, perplexity, strangers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, equal, same_type
from course_utils.checks.exercise import Exercise, Wrong


def _verify_nearest_neighbour_accuracy(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(1)
    for labels in (np.arange(30) % 3, np.repeat([4, 7], 15)):
        values = rng.normal(size=(30, 3)) + 0.7 * np.eye(3)[labels % 3]
        given = values.copy()
        got = answer(given, labels)
        what = "nearest_neighbour_accuracy(values, labels)"
        if not np.array_equal(given, values):
            raise Wrong("your function changes the values that it was given")
        same_type(got, float, what=what)
        squared = ((values[:, None] - values[None]) ** 2).sum(2)
        np.fill_diagonal(squared, np.inf)
        want = float(np.mean(labels[squared.argmin(1)] == labels))
        farthest = np.where(np.isinf(squared), -1.0, squared)
        if got == 1.0:
            raise Wrong(
                f"{what} is 1: the nearest point to a point is the point itself, and it knows the answer"
            )
        if abs(got - np.mean(labels[farthest.argmax(1)] == labels)) < 1e-12 and abs(got - want) > 1e-12:
            raise Wrong(f"{what} is {got:.3f}, expected {want:.3f}: that is the farthest neighbour")
        close(got, want, 1e-9, what=what)


nearest_neighbour_accuracy = Exercise(
    name="nearest_neighbour_accuracy",
    question=(
        "Write `nearest_neighbour_accuracy(values, labels)`: the share of the points `values` (N, D) whose "
        "nearest "
        "other point (Euclidean distance) has the same label."
    ),
    verify=_verify_nearest_neighbour_accuracy,
    hint_text=(
        "All distances at once: `values[:, None] - values[None]` has the shape (N, N, D). Before you look "
        "for the "
        "smallest one in each row, think about the diagonal."
    ),
    solution_source="""
        import numpy as np

        def nearest_neighbour_accuracy(values, labels):
            differences = values[:, None] - values[None]  # (N, N, D)
            distances = (differences**2).sum(axis=2)  # (N, N)
            np.fill_diagonal(distances, np.inf)  # nobody is their own neighbour
            return np.mean(labels[distances.argmin(axis=1)] == labels)
    """,
    praise="This is leave-one-out: every point is once the question, and all others are the answer book.",
    wrong_answers={
        "the point itself": """
            import numpy as np
            def nearest_neighbour_accuracy(values, labels):
                distances = ((values[:, None] - values[None]) ** 2).sum(axis=2)
                return np.mean(labels[distances.argmin(axis=1)] == labels)
        """,
        "farthest": """
            import numpy as np
            def nearest_neighbour_accuracy(values, labels):
                distances = ((values[:, None] - values[None]) ** 2).sum(axis=2)
                return np.mean(labels[distances.argmax(axis=1)] == labels)
        """,
        "is 0.0666667, expected 0.333333": """
            import numpy as np
            def nearest_neighbour_accuracy(values, labels):
                distances = np.abs(values[:, None, 0] - values[None, :, 0])
                np.fill_diagonal(distances, np.inf)
                return np.mean(labels[distances.argmin(axis=1)] == labels)
        """,
    },
    other_right_answers=(
        """
        from course_utils.evaluation.embedding import knn_accuracy
        def nearest_neighbour_accuracy(values, labels):
            return knn_accuracy(values, labels, k=1)
        """,
        """
        import torch
        def nearest_neighbour_accuracy(values, labels):
            values, labels = torch.as_tensor(values), torch.as_tensor(labels)
            second = torch.cdist(values, values).topk(2, largest=False).indices[:, 1]
            return (labels[second] == labels).double().mean().item()
        """,
    ),
)


def _verify_perplexity_of(answer: Callable[..., Any]) -> None:
    cases = ([0.25] * 4, [0.5, 0.5, 0.0], [1.0], [0.7, 0.2, 0.05, 0.05], list(np.full(30, 1 / 30)))
    for case in cases:
        p = np.array(case)
        got = answer(p.copy())
        what = f"perplexity_of({case if len(case) < 6 else '30 times 1/30'})"
        entropy = -float((p[p > 0] * np.log2(p[p > 0])).sum())
        want = 2.0**entropy
        if isinstance(got, float) and np.isnan(got):
            raise Wrong(f"{what} is not a number: 0 times the logarithm of 0 counts as 0, so leave zeros out")
        same_type(got, float, what=what)
        if entropy > 0.1:
            causes = {
                entropy: "that is the entropy in bits; the perplexity is 2 to the power of it",
                entropy
                * float(np.log(2)): "that is the entropy; the perplexity is the base to the power of it",
                2.0
                ** (
                    entropy * float(np.log(2))
                ): "the logarithm is natural and the power is of 2: take one base",
                2.0**-entropy: "the sign: entropy is *minus* the sum",
                float(np.exp(entropy)): "the logarithm is to the base 2 and the power is of e: take one base",
            }
            for value, cause in causes.items():
                if abs(got - value) < 1e-9 < abs(want - value):
                    raise Wrong(f"{what} is {got:.4f}, expected {want:.4f}: {cause}")
        close(got, want, 1e-8, what=what)


perplexity_of = Exercise(
    name="perplexity_of",
    question=(
        "Write `perplexity_of(p)` for the probabilities `p` (N,) with which a point chooses neighbours: 2 "
        "to the "
        "power of the entropy in bits, which is minus the sum of p_j * log2(p_j). Some of them may be 0."
    ),
    verify=_verify_perplexity_of,
    hint_text=(
        "Four neighbours with a quarter each must give 4. What does `0 * np.log2(0)` give, and what should "
        "it?"
    ),
    solution_source="""
        import numpy as np

        def perplexity_of(p):
            p = p[p > 0]
            return 2.0 ** -(p * np.log2(p)).sum()
    """,
    praise="So perplexity is a number of neighbours: n equally likely ones give exactly n.",
    wrong_answers={
        "leave zeros out": """
            import warnings
            import numpy as np
            def perplexity_of(p):
                with np.errstate(all="ignore"):
                    return float(2.0 ** -(p * np.log2(p)).sum())
        """,
        "that is the entropy in bits": """
            import numpy as np
            def perplexity_of(p):
                p = p[p > 0]
                return -(p * np.log2(p)).sum()
        """,
        "take one base": """
            import numpy as np
            def perplexity_of(p):
                p = p[p > 0]
                return 2.0 ** -(p * np.log(p)).sum()
        """,
        "*minus* the sum": """
            import numpy as np
            def perplexity_of(p):
                p = p[p > 0]
                return 2.0 ** (p * np.log2(p)).sum()
        """,
    },
    other_right_answers=(
        """
        import math
        def perplexity_of(p):
            return math.exp(-sum(q * math.log(q) for q in p if q > 0))
        """,
        """
        from scipy.stats import entropy
        def perplexity_of(p):
            return 2 ** entropy(p, base=2)
        """,
    ),
)


def _verify_strangers(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(2)
    labels = np.arange(45) % 3
    values = rng.normal(0, 0.3, size=(45, 2)) + np.array([[0, 0], [6, 0], [0, 6]])[labels]
    planted = [4, 20, 33]
    values[planted] = values[[2, 1, 5]] + 0.01  # each now lies among the pictures of another class
    for k in (3, 5):
        squared = ((values[:, None] - values[None]) ** 2).sum(2)
        own_first = squared.argsort(1)[:, :k]
        np.fill_diagonal(squared, np.inf)
        neighbours = squared.argsort(1, kind="stable")[:, :k]
        want = np.flatnonzero((labels[neighbours] != labels[:, None]).all(1)).tolist()
        got = answer(values.copy(), labels.copy(), k)
        what = f"strangers(values, labels, {k})"
        if got is None:
            raise Wrong(f"{what} is None: does your function `return` what it computes?")
        places = [int(place) for place in np.asarray(got).ravel()]
        some = np.flatnonzero((labels[neighbours] != labels[:, None]).any(1)).tolist()
        with_self = np.flatnonzero((labels[own_first] != labels[:, None]).all(1)).tolist()
        if np.asarray(got).dtype == bool:
            raise Wrong(f"{what} is a mask; return the places, for instance by `np.flatnonzero`")
        if sorted(places) == with_self != want:
            raise Wrong(
                f"{what} finds {len(places)} pictures: each point is among its own neighbours, so leave it "
                "out"
            )
        if sorted(places) == some != want:
            raise Wrong(
                f"{what} finds {len(places)} pictures: *none* of the k neighbours may share the label"
            )
        equal(sorted(places), want, what=what)


strangers = Exercise(
    name="strangers",
    question=(
        "Write `strangers(values, labels, k)`: the places of those points none of whose k nearest other "
        "points shares "
        "their label, in any order."
    ),
    verify=_verify_strangers,
    hint_text=(
        "Distances as before, infinity on the diagonal, then `argsort(axis=1)[:, :k]` gives the neighbours "
        "(N, k). "
        "`labels[neighbours]` has the same shape."
    ),
    solution_source="""
        import numpy as np

        def strangers(values, labels, k):
            distances = ((values[:, None] - values[None]) ** 2).sum(axis=2)
            np.fill_diagonal(distances, np.inf)
            neighbours = distances.argsort(axis=1)[:, :k]  # (N, k)
            return np.flatnonzero((labels[neighbours] != labels[:, None]).all(axis=1))
    """,
    praise="Such pictures deserve a look: hard ones, rare ones, and wrong labels are among them.",
    wrong_answers={
        "among its own neighbours": """
            import numpy as np
            def strangers(values, labels, k):
                distances = ((values[:, None] - values[None]) ** 2).sum(axis=2)
                neighbours = distances.argsort(axis=1)[:, :k]
                return np.flatnonzero((labels[neighbours] != labels[:, None]).all(axis=1))
        """,
        "*none* of the k": """
            import numpy as np
            def strangers(values, labels, k):
                distances = ((values[:, None] - values[None]) ** 2).sum(axis=2)
                np.fill_diagonal(distances, np.inf)
                neighbours = distances.argsort(axis=1)[:, :k]
                return np.flatnonzero((labels[neighbours] != labels[:, None]).any(axis=1))
        """,
        "is a mask": """
            import numpy as np
            def strangers(values, labels, k):
                distances = ((values[:, None] - values[None]) ** 2).sum(axis=2)
                np.fill_diagonal(distances, np.inf)
                neighbours = distances.argsort(axis=1)[:, :k]
                return (labels[neighbours] != labels[:, None]).all(axis=1)
        """,
    },
    other_right_answers=(
        """
        from sklearn.neighbors import NearestNeighbors
        def strangers(values, labels, k):
            near = NearestNeighbors(n_neighbors=k).fit(values).kneighbors(return_distance=False)
            return [i for i in range(len(labels)) if labels[i] not in labels[near[i]]]
        """,
        """
        import numpy as np
        def strangers(values, labels, k):
            found = set()
            for i, value in enumerate(values):
                order = np.argsort(np.linalg.norm(values - value, axis=1))
                others = [j for j in order if j != i][:k]
                if all(labels[j] != labels[i] for j in others):
                    found.add(i)
            return sorted(found, reverse=True)
        """,
    ),
)
