"""Why training does not get on: an exercise of `notebooks/04_optimizers`."""

from __future__ import annotations

from collections.abc import Mapping

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Wrong

_CAUSES = ("rate too high", "rate too low", "saddle or plateau", "dead start")
_CASES = {
    "the loss jumps up and down, the gradient stays large": "rate too high",
    "the loss falls a little with every step, steadily": "rate too low",
    "the gradient is almost zero, then after 500 steps the loss falls": "saddle or plateau",
    "all hidden units have the same weights, from the first step to the last": "dead start",
}
_WHY = {
    "the loss jumps up and down, the gradient stays large": "the steps are too long for the steepest "
    "direction, so the weights bounce from wall to wall",
    "the loss falls a little with every step, steadily": "nothing is in the way, but the steps are short",
    "the gradient is almost zero, then after 500 steps the loss falls": "a flat place that can be "
    "left is no minimum: there was a way down all along",
    "all hidden units have the same weights, from the first step to the last": "equal units get equal "
    "gradients, whatever the rate is",
}


def _diagnose(why_it_stalls: Mapping[str, str]) -> None:
    same_type(why_it_stalls, dict)
    for case, right in _CASES.items():
        if case not in why_it_stalls:
            raise Wrong(f"there is no answer for {case!r}; keep the keys as they stand in the stub")
        got = str(why_it_stalls[case]).strip().lower()
        if got not in _CAUSES:
            raise Wrong(f"{case}: got {got!r}, expected one of {', '.join(map(repr, _CAUSES))}")
        if got != right:
            raise Wrong(f"{case}: not {got!r}; {_WHY[case]}")


why_it_stalls = Exercise(
    name="why_it_stalls",
    question="Training does not get on. Name the likeliest cause of each picture: 'rate too high', 'rate too "
    "low', 'saddle or plateau' or 'dead start'.",
    verify=_diagnose,
    hint_text="Look at the size of the gradient beside the loss, as in section 2. And ask what would change "
    "with another learning rate.",
    solution_source="""
        why_it_stalls = {
            "the loss jumps up and down, the gradient stays large": "rate too high",
            "the loss falls a little with every step, steadily": "rate too low",
            "the gradient is almost zero, then after 500 steps the loss falls": "saddle or plateau",
            "all hidden units have the same weights, from the first step to the last": "dead start",
        }
    """,
    praise="log the norm of the gradient beside the loss: the two together tell the cases apart.",
    wrong_answers={
        "bounce from wall to wall": """
            why_it_stalls = {
                "the loss jumps up and down, the gradient stays large": "saddle or plateau",
                "the loss falls a little with every step, steadily": "rate too low",
                "the gradient is almost zero, then after 500 steps the loss falls": "saddle or plateau",
                "all hidden units have the same weights, from the first step to the last": "dead start",
            }
        """,
        "whatever the rate is": """
            why_it_stalls = {
                "the loss jumps up and down, the gradient stays large": "rate too high",
                "the loss falls a little with every step, steadily": "rate too low",
                "the gradient is almost zero, then after 500 steps the loss falls": "saddle or plateau",
                "all hidden units have the same weights, from the first step to the last": "rate too low",
            }
        """,
        "expected one of": """
            why_it_stalls = {"the loss jumps up and down, the gradient stays large": "bad luck"}
        """,
        "there is no answer for": """
            why_it_stalls = {"the loss jumps up and down, the gradient stays large": "rate too high"}
        """,
    },
    other_right_answers=[
        """
        why_it_stalls = {
            "the loss jumps up and down, the gradient stays large": "Rate too high",
            "the loss falls a little with every step, steadily": " rate too low",
            "the gradient is almost zero, then after 500 steps the loss falls": "Saddle or plateau",
            "all hidden units have the same weights, from the first step to the last": "dead start ",
        }
        """,
        """
        why_it_stalls = dict(zip([
            "all hidden units have the same weights, from the first step to the last",
            "the gradient is almost zero, then after 500 steps the loss falls",
            "the loss falls a little with every step, steadily",
            "the loss jumps up and down, the gradient stays large",
        ], ["dead start", "saddle or plateau", "rate too low", "rate too high"]))
        """,
    ],
)
