"""The exercise on how large a validation part must be for what one wants to tell apart.

Used by `notebooks/02_dataset_splitting`.
"""

from __future__ import annotations

from typing import Any

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong

_SIZES = [(0.9, 0.02, 865), (0.5, 0.05, 385), (0.97, 0.01, 1118), (0.8, 0.1, 62)]


def _verify_size(answer: Any) -> None:
    for accuracy, half_width, want in _SIZES:
        got = answer(accuracy, half_width)
        called = f"pictures_needed({accuracy}, {half_width})"
        same_type(got, float, what=called)
        if got != want:
            deviation = (accuracy * (1 - accuracy)) ** 0.5
            if abs(got - 1.96 * deviation / half_width) < 1.01:
                raise Wrong(f"{called} is {got:g}, expected {want}: n stands under a root, so square")
            if abs(got - want / 4) < 1.01:
                raise Wrong(
                    f"{called} is {got:g}, expected {want}: `half_width` is one side, do not halve it"
                )
            if want - 1 <= got < want:
                raise Wrong(f"{called} is {got:g}, expected {want}: round up to a whole number of pictures")
        close(got, want, what=called)


PICTURES_NEEDED = Exercise(
    name="pictures_needed",
    question="Write `pictures_needed(accuracy, half_width)`: how many validation pictures are needed so "
    "that the 95 % "
    "interval `accuracy ± 1.96 * sqrt(accuracy * (1 - accuracy) / n)` reaches at most `half_width` to each "
    "side?",
    verify=_verify_size,
    hint_text="Set `1.96 * sqrt(p * (1 - p) / n) = half_width`, square both sides, solve for n, and round up "
    "(`math.ceil`).",
    solution_source="""
        import math

        def pictures_needed(accuracy, half_width):
            return math.ceil(accuracy * (1 - accuracy) * (1.96 / half_width) ** 2)
    """,
    praise="Half the width costs four times the pictures. So small differences on small parts mean little.",
    wrong_answers={
        "so square": """
            import math

            def pictures_needed(accuracy, half_width):
                return math.ceil(1.96 * math.sqrt(accuracy * (1 - accuracy)) / half_width)
        """,
        "one side": """
            import math

            def pictures_needed(accuracy, half_width):
                return math.ceil(accuracy * (1 - accuracy) * (1.96 / (2 * half_width)) ** 2)
        """,
        "round up": """
            def pictures_needed(accuracy, half_width):
                return int(accuracy * (1 - accuracy) * (1.96 / half_width) ** 2)
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def pictures_needed(accuracy, half_width):
            deviation = np.sqrt(accuracy * (1 - accuracy))
            return int(np.ceil((1.96 * deviation / half_width) ** 2))
        """,
        """
        def pictures_needed(accuracy, half_width):
            n = 1
            while 1.96 * (accuracy * (1 - accuracy) / n) ** 0.5 > half_width:
                n += 1
            return n
        """,
    ],
)
