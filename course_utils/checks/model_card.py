"""The blank sheet of `notebooks/17_your_own_images`, last part: the card that goes with a model."""

from __future__ import annotations

from typing import Any

from course_utils.checks.assertions import close
from course_utils.checks.blank_sheet import needs_keys
from course_utils.checks.exercise import Exercise, Verdict, Wrong

_CARD = ("question", "classes", "accuracy", "worst_class", "recall_of_worst", "not_for", "next")


def _verify_card(answer: Any) -> Verdict:
    needs_keys(answer, (*_CARD, "recall"), "own_card")
    for key in ("question", "not_for", "next"):
        if len(str(answer[key]).split()) < 4:
            raise Wrong(f"{key}: {answer[key]!r} says little; write a sentence of four words or more")
    recall = {str(name): float(value) for name, value in dict(answer["recall"]).items()}
    if sorted(recall) != sorted(str(name) for name in answer["classes"]):
        raise Wrong("recall has to hold a figure for each of the classes, and for no other")
    if not all(0 <= value <= 1 for value in (*recall.values(), float(answer["accuracy"]))):
        raise Wrong("accuracy and recall lie between 0 and 1")
    lowest = min(recall.values())
    if recall.get(str(answer["worst_class"])) != lowest:
        worst = min(recall, key=recall.__getitem__)
        raise Wrong(
            f"the worst class is {worst!r} with a recall of {lowest:.3g}, not {answer['worst_class']!r}"
        )
    close(answer["recall_of_worst"], lowest, 1e-3, what="recall_of_worst")
    if not lowest <= float(answer["accuracy"]) <= max(recall.values()):
        raise Wrong(
            f"an accuracy of {float(answer['accuracy']):.3g} lies outside of the recalls, {lowest:.3g} to "
            f"{max(recall.values()):.3g}; it is their mean, weighted by the pictures. Are they of the "
            "same part?"
        )
    return Verdict("correct", "The card holds together. Whether it is honest, only you know.")


own_card = Exercise(
    name="own_card",
    question=(
        "Write the card that goes with your model: a dictionary `own_card` with `question` (what the "
        "model answers, "
        "a sentence), `classes`, `accuracy`, `recall` (a dictionary by class), `worst_class`, "
        "`recall_of_worst`, "
        "`not_for` (what nobody should use it for), and `next` (what you would do with another week)."
    ),
    verify=_verify_card,
    hint_text=(
        "The figures stand in the run's report.json under `summary` and `per_class`. For `not_for`, "
        "think of a "
        "picture that is none of your classes, and of pictures from another camera."
    ),
    solution_source="""
        own_card = {
            "question": "Which of two fruits lies on my kitchen table?",
            "classes": ["apple", "pear"],
            "accuracy": 0.85,
            "recall": {"apple": 0.92, "pear": 0.75},
            "worst_class": "pear",
            "recall_of_worst": 0.75,
            "not_for": "Other fruits, and pictures that were not taken in my kitchen.",
            "next": "Forty more pears in the evening light, where most errors are.",
        }
    """,
    wrong_answers={
        "the worst class is 'pear'": """
            own_card = {"question": "Which fruit is this one?", "classes": ["apple", "pear"], "accuracy": 0.8,
                        "recall": {"apple": 0.9, "pear": 0.7}, "worst_class": "apple", "recall_of_worst": 0.9,
                        "not_for": "Fruits that are neither.", "next": "Take more pictures of pears."}
        """,
        "says little": """
            own_card = {"question": "fruits", "classes": ["apple", "pear"], "accuracy": 0.8,
                        "recall": {"apple": 0.9, "pear": 0.7}, "worst_class": "pear", "recall_of_worst": 0.7,
                        "not_for": "Fruits that are neither.", "next": "Take more pictures of pears."}
        """,
        "outside of the recalls": """
            own_card = {"question": "Which fruit is this?", "classes": ["apple", "pear"], "accuracy": 0.97,
                        "recall": {"apple": 0.9, "pear": 0.7}, "worst_class": "pear", "recall_of_worst": 0.7,
                        "not_for": "Fruits that are neither.", "next": "Take more pictures of pears."}
        """,
    },
    other_right_answers=[
        """
        own_card = dict(question="Is the cat on the sofa?", classes=("cat", "no cat"), accuracy=1.0,
                        recall={"cat": 1.0, "no cat": 1}, worst_class="cat", recall_of_worst=1.0,
                        not_for="Any other cat, any other sofa.", next="Find out why it is perfect.")
        """,
        """
        import numpy as np

        recall = dict(zip(["a", "b", "c"], np.array([0.5, 0.75, 0.25])))
        own_card = {"question": "Which letter is written here?", "classes": list(recall), "accuracy": 0.5,
                    "recall": recall, "worst_class": "c", "recall_of_worst": np.float64(0.25),
                    "not_for": "Printed letters, and digits too.", "next": "Look at all of the errors."}
        """,
    ],
)
