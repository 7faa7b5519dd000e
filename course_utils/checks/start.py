"""The first two exercises of the course, asked in `notebooks/00_start_here`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong

Answer = Callable[..., Any]


def _counted(share_right: Answer) -> None:
    cases = (
        ([7, 2, 1, 0], [7, 2, 1, 6]),
        ([3, 3, 3], [8, 8, 8]),
        ([5], [5]),
        ([0, 1, 2, 3, 4], [0, 1, 2, 4, 3]),
    )
    for predicted, true in cases:
        want = sum(mine == right for mine, right in zip(predicted, true, strict=True)) / len(true)
        got = share_right(list(predicted), list(true))
        what = f"for the predictions {predicted} and the truth {true} your result"
        same_type(got, (int, float, np.ndarray), what=what)
        if len(true) > 1 and want > 0 and np.allclose(got, want * len(true)):
            raise Wrong(f"{what} is {got}: that is how many are right; divide by how many there are")
        if want != 0.5 and np.allclose(got, 1 - want):
            raise Wrong(f"{what} is {got}: that is the share of wrong ones")
        close(got, want, 1e-9, what=what)


share_right = Exercise(
    name="share_right",
    question="Write `share_right(predicted, true)`: two lists of class numbers, equally long. Return the "
    "share of pictures whose prediction is right, a number from 0 to 1. This is the accuracy.",
    verify=_counted,
    hint_text="Go through both lists together with `zip(predicted, true)`, count where the two are equal, "
    "and divide by the number of pictures.",
    solution_source="""
        def share_right(predicted, true):
            right = 0
            for mine, truth in zip(predicted, true):
                if mine == truth:
                    right += 1
            return right / len(true)
    """,
    praise="you have written your first metric. The library's is called `metrics.accuracy`.",
    wrong_answers={
        "divide by how many there are": """
            def share_right(predicted, true):
                return sum(mine == truth for mine, truth in zip(predicted, true))
        """,
        "not in percent": """
            def share_right(predicted, true):
                return 100 * sum(mine == truth for mine, truth in zip(predicted, true)) / len(true)
        """,
        "the share of wrong ones": """
            def share_right(predicted, true):
                return sum(mine != truth for mine, truth in zip(predicted, true)) / len(true)
        """,
        "expected 0.75": """
            def share_right(predicted, true):
                return float(predicted == true)
        """,
    },
    other_right_answers=[
        """
        import numpy as np
        def share_right(predicted, true):
            return (np.array(predicted) == np.array(true)).mean()
        """,
        """
        def share_right(predicted, true):
            return 1 - sum(map(bool, map(lambda a, b: a - b, predicted, true))) / len(true)
        """,
    ],
)


def _nearest(nearest_mean: Answer) -> None:
    generator = np.random.default_rng(0)
    means = generator.random((4, 3, 3))
    pictures = [np.clip(means[place] + generator.normal(0, 0.05, (3, 3)), 0, 1) for place in (0, 1, 2, 3, 0)]
    distances = np.array([((means - picture) ** 2).sum(axis=(1, 2)) for picture in pictures])  # (5, K)
    answers = []
    for picture, of_picture in zip(pictures, distances, strict=True):
        got = nearest_mean(picture.copy(), means.copy())
        smallest = [of_picture.min(), of_picture.min() ** 0.5]
        if isinstance(got, float | np.floating) and np.isclose(got, smallest).any():
            raise Wrong(
                "your result is the smallest distance itself; return which mean it belongs to (argmin)"
            )
        same_type(got, int)
        answers.append(int(got))
    want = distances.argmin(axis=1).tolist()
    if answers == want:
        return
    if answers == distances.argmax(axis=1).tolist():
        raise Wrong(f"you gave {answers[0]}, the mean that is farthest away; the nearest is {want[0]}")
    place = next(i for i in range(len(want)) if answers[i] != want[i])
    reason = f"for one of the pictures you gave {answers[place]}, expected {want[place]}"
    if answers == [int((means - picture).sum(axis=(1, 2)).argmin()) for picture in pictures]:
        reason += (
            ". Do positive and negative differences cancel each other? Square them, or take their absolute "
            "values, before you add them up"
        )
    raise Wrong(reason)


nearest_mean = Exercise(
    name="nearest_mean",
    question="Write `nearest_mean(picture, means)`: `picture` is an array (H, W), `means` an array (K, H, W) "
    "with the average picture of each class. Return the number of the class whose average is nearest to the "
    "picture.",
    verify=_nearest,
    hint_text="`means - picture` is an array (K, H, W): NumPy takes the picture from each mean. Square it "
    "and add up over the last two axes: that leaves K distances. `argmin` tells the place of the smallest.",
    solution_source="""
        def nearest_mean(picture, means):
            distances = ((means - picture) ** 2).sum(axis=(1, 2))  # (K,)
            return int(distances.argmin())
    """,
    praise="a whole classifier in two lines: everything that follows in the course tries to beat it.",
    wrong_answers={
        "farthest away": """
            def nearest_mean(picture, means):
                return int(((means - picture) ** 2).sum(axis=(1, 2)).argmax())
        """,
        "the smallest distance itself": """
            def nearest_mean(picture, means):
                return ((means - picture) ** 2).sum(axis=(1, 2)).min()
        """,
        "cancel each other": """
            def nearest_mean(picture, means):
                return int((means - picture).sum(axis=(1, 2)).argmin())
        """,
        "your result is None": """
            def nearest_mean(picture, means):
                best = int(((means - picture) ** 2).sum(axis=(1, 2)).argmin())
        """,
    },
    other_right_answers=[
        """
        import numpy as np
        def nearest_mean(picture, means):
            return np.argmin([np.linalg.norm(mean - picture) for mean in means])
        """,
        """
        def nearest_mean(picture, means):
            best, smallest = 0, float("inf")
            for place, mean in enumerate(means):
                distance = abs(mean - picture).sum()
                if distance < smallest:
                    best, smallest = place, distance
            return best
        """,
    ],
)
