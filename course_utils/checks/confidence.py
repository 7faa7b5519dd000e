"""Exercises of notebook 13 on what a network gets wrong and how sure it is: confusions, calibration."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, equal
from course_utils.checks.exercise import Exercise, Wrong


def _verify_most_confused(answer: Callable[..., Any]) -> None:
    for seed, num_classes in ((0, 4), (1, 10), (2, 6)):
        matrix = _matrix(seed, num_classes)
        given = matrix.copy()
        got = answer(given)
        what = f"most_confused of a matrix of {num_classes} classes"
        if not np.array_equal(given, matrix):
            raise Wrong("your function changes the matrix that it was given; work on a copy")
        if got is None:
            raise Wrong(f"{what} is None: does your function `return` what it computes?")
        if np.size(got) != 2:
            raise Wrong(f"{what} is {got!r:.100}, expected two classes (a, b)")
        pair = tuple(int(value) for value in np.ravel(got))
        wrong = matrix - np.diag(np.diag(matrix))
        both = wrong + wrong.T
        want = _place(np.triu(both))
        if pair[0] == pair[1]:
            raise Wrong(
                f"{what} is {pair}: the diagonal holds the right answers, so leave it out (0 there will do)"
            )
        if set(pair) == set(_place(wrong)) != set(want):
            raise Wrong(
                f"{what} is {pair}: that is the largest single cell. {want[0]} and {want[1]} are mixed up "
                f"{both[want]} times in both directions *together*: add the transposed matrix"
            )
        if pair == want[::-1]:
            raise Wrong(f"{what}: the pair is right, but the smaller class comes first: expected {want}")
        equal(pair, want, what=what)


def _matrix(seed: int, num_classes: int) -> np.ndarray:
    """Counts in which the largest error cell and the most confused pair are different ones."""
    rng = np.random.default_rng(seed)
    matrix = rng.integers(0, 6, (num_classes, num_classes))
    np.fill_diagonal(matrix, rng.integers(80, 99, num_classes))
    a, b, c, d = rng.permutation(num_classes)[:4]
    matrix[a, b], matrix[b, a] = 9, 10
    matrix[c, d], matrix[d, c] = 14, 1
    return matrix


def _place(table: np.ndarray) -> tuple[int, int]:
    row, column = np.unravel_index(int(table.argmax()), table.shape)
    return int(row), int(column)


most_confused = Exercise(
    name="most_confused",
    question=(
        "Write `most_confused(matrix)`: the two classes `(a, b)`, the smaller number first, that are mixed "
        "up most often, a taken for b and b taken for a counted together. `matrix` is a confusion matrix "
        "(K, K) of counts, a row for each true class."
    ),
    verify=_verify_most_confused,
    hint_text=(
        "`matrix + matrix.T` counts both directions. Set its diagonal to 0 (`np.fill_diagonal`, on the new "
        "array). `np.unravel_index(table.argmax(), table.shape)` gives row and column of the largest entry."
    ),
    solution_source="""
        import numpy as np

        def most_confused(matrix):
            both = matrix + matrix.T  # a new array; the one that was given stays as it is
            np.fill_diagonal(both, 0)
            a, b = np.unravel_index(both.argmax(), both.shape)  # the first of two equal cells: a < b
            return int(a), int(b)
    """,
    praise="One number each for 45 pairs of digits: read the top of that list before anything else.",
    wrong_answers={
        "diagonal holds the right answers": """
            import numpy as np
            def most_confused(matrix):
                return np.unravel_index(matrix.argmax(), matrix.shape)
        """,
        "directions *together*": """
            import numpy as np
            def most_confused(matrix):
                wrong = matrix - np.diag(np.diag(matrix))
                return tuple(sorted(np.unravel_index(wrong.argmax(), wrong.shape)))
        """,
        "smaller class comes first": """
            import numpy as np
            def most_confused(matrix):
                both = matrix + matrix.T
                np.fill_diagonal(both, 0)
                a, b = np.unravel_index(both.argmax(), both.shape)
                return b, a
        """,
        "changes the matrix": """
            import numpy as np
            def most_confused(matrix):
                np.fill_diagonal(matrix, 0)
                both = matrix + matrix.T
                return np.unravel_index(both.argmax(), both.shape)
        """,
    },
    other_right_answers=(
        """
        def most_confused(matrix):
            pairs = [(a, b) for b in range(len(matrix)) for a in range(b)]
            return max(pairs, key=lambda pair: matrix[pair] + matrix[pair[::-1]])
        """,
        """
        import numpy as np
        def most_confused(matrix):
            upper = np.triu(matrix, 1) + np.tril(matrix, -1).T
            return np.array(np.unravel_index(upper.argmax(), upper.shape))
        """,
    ),
)


def _verify_calibration_error(answer: Callable[..., Any]) -> None:
    for seed, num_images, num_bins in ((0, 400, 10), (1, 150, 15), (2, 60, 5)):
        rng = np.random.default_rng(seed)
        confidence = rng.uniform(0.35, 1, num_images) ** 0.5
        right = rng.uniform(size=num_images) < np.where(confidence > 0.8, confidence - 0.2, confidence + 0.1)
        got = answer(confidence.copy(), right.copy(), num_bins)
        counts, gaps = _bins(confidence, right, num_bins)
        want = float((counts * np.abs(gaps)).sum() / num_images)
        what = f"calibration_error of {num_images} pictures in {num_bins} bins"
        causes = {
            float(np.abs(gaps).mean()): "that is the plain mean of the gaps; a bin counts by its pictures",
            float(np.abs(gaps).max()): "that is the widest gap alone",
            abs(float(confidence.mean() - right.mean())): (
                "gaps of opposite sign cancel in it: take the size of each bin's gap before you add them up"
            ),
            float((counts * gaps**2).sum() / num_images): "those are squared gaps",
            float((counts * np.abs(gaps)).sum()): "divide by the number of pictures",
        }
        if np.size(got) == 1 and not isinstance(got, str) and np.isfinite(np.asarray(got, float)).all():
            for value, cause in causes.items():
                if abs(float(np.asarray(got).item()) - value) < 1e-9 < abs(want - value):
                    raise Wrong(f"{what} is {value:.4f}, expected {want:.4f}: {cause}")
        close(got, want, 1e-6, what=what)


def _bins(confidence: np.ndarray, right: np.ndarray, num_bins: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures in each bin that holds any, and confidence minus accuracy there."""
    place = np.ceil(confidence * num_bins).astype(int) - 1
    counts = np.bincount(place, minlength=num_bins)
    sums = np.bincount(place, weights=confidence - right, minlength=num_bins)
    return counts[counts > 0], sums[counts > 0] / counts[counts > 0]


calibration_error = Exercise(
    name="calibration_error",
    question=(
        "Write `calibration_error(confidence, right, num_bins)`, the ECE. `confidence` (N,) lies in (0, 1], "
        "`right` (N,) is True or False, bins are equally wide, from 0 to 1. In each bin that holds pictures: "
        "the gap between mean confidence and accuracy, without its sign. The result is the mean of the gaps "
        "over *all pictures*."
    ),
    verify=_verify_calibration_error,
    hint_text=(
        "`edges = np.linspace(0, 1, num_bins + 1)`. For each bin `inside = (confidence > low) & (confidence "
        "<= high)`; skip it if nothing is inside; else add `inside.sum() * abs(...)`. Divide once, at the "
        "end."
    ),
    solution_source="""
        import numpy as np

        def calibration_error(confidence, right, num_bins):
            edges = np.linspace(0, 1, num_bins + 1)
            total = 0.0
            for low, high in zip(edges[:-1], edges[1:]):
                inside = (confidence > low) & (confidence <= high)
                if inside.any():
                    total += inside.sum() * abs(confidence[inside].mean() - right[inside].mean())
            return total / len(confidence)
    """,
    praise="It depends on the number of bins and of pictures: section 5.2 shows by how much.",
    wrong_answers={
        "a bin counts by its pictures": """
            import numpy as np
            def calibration_error(confidence, right, num_bins):
                edges = np.linspace(0, 1, num_bins + 1)
                gaps = []
                for low, high in zip(edges[:-1], edges[1:]):
                    inside = (confidence > low) & (confidence <= high)
                    if inside.any():
                        gaps.append(abs(confidence[inside].mean() - right[inside].mean()))
                return np.mean(gaps)
        """,
        "opposite sign cancel": """
            def calibration_error(confidence, right, num_bins):
                return abs(confidence.mean() - right.mean())
        """,
        "division by zero": """
            import numpy as np
            def calibration_error(confidence, right, num_bins):
                edges, total = np.linspace(0, 1, num_bins + 1), 0
                for low, high in zip(edges[:-1], edges[1:]):
                    inside = (confidence > low) & (confidence <= high)
                    with np.errstate(invalid="ignore"):
                        gap = confidence[inside].sum() / inside.sum() - right[inside].sum() / inside.sum()
                        total += inside.sum() * abs(gap)
                return total / len(confidence)
        """,
        "divide by the number of pictures": """
            import numpy as np
            def calibration_error(confidence, right, num_bins):
                place = np.ceil(confidence * num_bins)
                return sum(abs((confidence - right)[place == p].sum()) for p in np.unique(place))
        """,
    },
    other_right_answers=(
        """
        import numpy as np
        def calibration_error(confidence, right, num_bins):
            place = np.ceil(confidence * num_bins).astype(int)
            sums = np.bincount(place, weights=confidence - right, minlength=num_bins + 1)
            return np.abs(sums).sum() / len(confidence)
        """,
        """
        import pandas as pd
        def calibration_error(confidence, right, num_bins):
            gaps = pd.Series(confidence - right)
            edges = [place / num_bins for place in range(num_bins + 1)]
            groups = gaps.groupby(pd.cut(confidence, edges), observed=True)
            return float((groups.mean().abs() * groups.size()).sum() / len(gaps))
        """,
    ),
)
