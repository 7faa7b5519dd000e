"""Mean and variance from counts, and of two parts together: exercises of `notebooks/01_mean_std`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong

Answer = Callable[..., Any]


def _from_counts(std_from_histogram: Answer) -> None:
    few = np.zeros(256, dtype=np.int64)
    few[[0, 51, 255]] = 3, 2, 1
    many = np.random.default_rng(1).integers(0, 5_000_000, 256)
    for counts, what in ((few, "your result for six pixels"), (many, "your result for many pixels")):
        values = np.arange(256) / 255
        mean = counts @ values / counts.sum()
        std = np.sqrt(counts @ (values - mean) ** 2 / counts.sum())
        got = std_from_histogram(counts.copy())
        same_type(got, (float, np.ndarray), what=what)
        if counts is few and np.allclose(got, values.std()):
            raise Wrong(
                f"{what} is {float(np.ravel(got)[0]):.4g}: every value from 0 to 255 counts once here. "
                "Weight by the counts"
            )
        close(got, std, 1e-6, what=what)
    grey = np.zeros(256, dtype=np.int64)
    grey[254] = 3_000_000  # one value only: the difference of two nearly equal numbers, or exactly zero
    close(std_from_histogram(grey), 0.0, 1e-6, what="your result for pixels that are all equal")


std_from_histogram = Exercise(
    name="std_from_histogram",
    question="Write `std_from_histogram(counts)`: `counts` holds how many pixels have the value 0, 1, ... "
    "255. Return the standard deviation of these pixels in units where 255 is 1.",
    verify=_from_counts,
    hint_text="With `values = np.arange(256) / 255` the sum over all pixels is `(counts * values).sum()`. "
    "Find the mean first, then average the squared distances from it, again weighted by the counts.",
    solution_source="""
        import numpy as np


        def std_from_histogram(counts):
            values = np.arange(256) / 255
            mean = (counts * values).sum() / counts.sum()
            variance = (counts * (values - mean) ** 2).sum() / counts.sum()
            return np.sqrt(variance)
    """,
    praise="256 counts stand for any number of pixels, and counts of two folders can simply be added.",
    wrong_answers={
        "did you forget to divide by 255?": """
            import numpy as np
            def std_from_histogram(counts):
                values = np.arange(256)
                mean = (counts * values).sum() / counts.sum()
                return np.sqrt((counts * (values - mean) ** 2).sum() / counts.sum())
        """,
        "is a root missing": """
            import numpy as np
            def std_from_histogram(counts):
                values = np.arange(256) / 255
                mean = (counts * values).sum() / counts.sum()
                return (counts * (values - mean) ** 2).sum() / counts.sum()
        """,
        "Weight by the counts": """
            import numpy as np
            def std_from_histogram(counts):
                return (np.arange(256) / 255).std()
        """,
        "n - 1 instead of n": """
            import numpy as np
            def std_from_histogram(counts):
                return np.repeat(np.arange(256) / 255, np.minimum(counts, 1000)).std(ddof=1)
        """,
    },
    other_right_answers=[
        """
        import math
        def std_from_histogram(counts):
            pixels = total = squares = 0
            for value, count in enumerate(counts.tolist()):
                pixels, total = pixels + count, total + count * value
                squares += count * value * value
            return math.sqrt(pixels * squares - total * total) / pixels / 255
        """,
        """
        import numpy as np
        def std_from_histogram(counts):
            values = np.linspace(0, 1, 256)
            mean = np.average(values, weights=counts)
            return float(np.average((values - mean) ** 2, weights=counts) ** 0.5)
        """,
    ],
)


def _two_parts(merge_statistics: Answer) -> None:
    generator = np.random.default_rng(3)
    for sizes in ((40, 10), (7, 1000), (1, 1)):
        parts = [generator.normal(place, 0.1, size) for place, size in zip((0.2, 0.7), sizes, strict=True)]
        first, second = ((len(part), float(part.mean()), float(part.var())) for part in parts)
        both = np.concatenate(parts)
        got = merge_statistics(first, second)
        if not hasattr(got, "__len__") or len(got) != 3:
            raise Wrong(f"return three values, (count, mean, variance); got {got!r:.80}")
        what = f"for parts of {sizes[0]} and {sizes[1]} pixels"
        _explain_merge([float(value) for value in got], first, second)
        for name, mine, right in zip(
            ("count", "mean", "variance"), got, (len(both), both.mean(), both.var()), strict=True
        ):
            close(mine, right, 1e-9, what=f"the {name} {what}")


def _explain_merge(got: Sequence[float], first: tuple, second: tuple) -> None:
    """Name the usual mistakes, where the numbers show them (`close` says the rest)."""
    (count_1, mean_1, variance_1), (count_2, mean_2, variance_2) = first, second
    count = count_1 + count_2
    if count_1 != count_2 and np.isclose(got[1], (mean_1 + mean_2) / 2):
        raise Wrong("the mean of two means counts both parts the same; weight each with its number of pixels")
    within = (count_1 * variance_1 + count_2 * variance_2) / count
    if np.isclose(got[2], within) and within > 0:
        raise Wrong("the variance is the part within the two; the distance between their means is missing")
    if np.isclose(got[2], variance_1 + variance_2) and within > 0:
        raise Wrong("variances of parts are not added up: that rule is for sums of independent numbers")


merge_statistics = Exercise(
    name="merge_statistics",
    question="Two workers have each gone through half of a folder. Write `merge_statistics(first, second)`: "
    "each is (count, mean, variance) of one channel. Return (count, mean, variance) of all pixels together, "
    "without seeing a pixel.",
    verify=_two_parts,
    hint_text="This is the law of total variance with two pictures. Weight with `count / total`; the "
    "variance between the parts is the weighted average of `(mean_of_part - mean) ** 2`.",
    solution_source="""
        def merge_statistics(first, second):
            count_1, mean_1, variance_1 = first
            count_2, mean_2, variance_2 = second
            count = count_1 + count_2
            mean = (count_1 * mean_1 + count_2 * mean_2) / count
            within = (count_1 * variance_1 + count_2 * variance_2) / count
            between = (count_1 * (mean_1 - mean) ** 2 + count_2 * (mean_2 - mean) ** 2) / count
            return count, mean, within + between
    """,
    praise="statistics of parts, from several cores or machines, are put together in just this way.",
    wrong_answers={
        "weight each with its number of pixels": """
            def merge_statistics(first, second):
                count, mean = first[0] + second[0], (first[1] + second[1]) / 2
                return count, mean, (first[2] + second[2]) / 2 + (first[1] - second[1]) ** 2 / 4
        """,
        "the distance between their means is missing": """
            def merge_statistics(first, second):
                (n, a, v), (m, b, w) = first, second
                return n + m, (n * a + m * b) / (n + m), (n * v + m * w) / (n + m)
        """,
        "that rule is for sums of independent numbers": """
            def merge_statistics(first, second):
                (n, a, v), (m, b, w) = first, second
                return n + m, (n * a + m * b) / (n + m), v + w
        """,
        "return three values": """
            def merge_statistics(first, second):
                return first[0] + second[0]
        """,
    },
    other_right_answers=[
        """
        def merge_statistics(first, second):
            (n, a, v), (m, b, w) = first, second
            total = n + m
            return total, a + (b - a) * m / total, (n * v + m * w) / total + n * m * (b - a) ** 2 / total**2
        """,
        """
        import numpy as np
        def merge_statistics(first, second):
            parts = np.array([first, second], dtype=float)
            total = parts[:, 0].sum()
            mean = parts[:, 0] @ parts[:, 1] / total
            squares = parts[:, 0] @ (parts[:, 2] + parts[:, 1] ** 2) / total
            return np.array([total, mean, squares - mean**2])
        """,
    ],
)
