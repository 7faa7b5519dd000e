"""Which loss fits which question: an exercise of `notebooks/03_losses`."""

from __future__ import annotations

from collections.abc import Mapping

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Wrong

_CASES = {
    "one of 12 plants in a picture": "softmax",
    "which of 20 objects are in a picture, any number of them": "sigmoid",
    "the height of a plant in cm": "squared error",
    "is there a tumour, yes or no": "sigmoid",
    "one of 1,000 classes, some labels wrong": "softmax",
}
_WHY = {
    "one of 12 plants in a picture": "exactly one class is right, so the probabilities must compete for 1",
    "which of 20 objects are in a picture, any number of them": "several answers may be right at once, so "
    "each class needs a yes or no of its own",
    "the height of a plant in cm": "the answer is a quantity with distances: 19 cm is nearly 20 cm",
    "is there a tumour, yes or no": "with one output there is one probability and its complement",
    "one of 1,000 classes, some labels wrong": "exactly one class is right (label smoothing may be added)",
}


def _choose(which_loss: Mapping[str, str]) -> None:
    same_type(which_loss, dict)
    for case, right in _CASES.items():
        if case not in which_loss:
            raise Wrong(f"there is no answer for {case!r}; keep the keys as they stand in the stub")
        got = str(which_loss[case]).strip().lower()
        if got not in ("softmax", "sigmoid", "squared error"):
            raise Wrong(f"{case}: got {got!r}, expected one of 'softmax', 'sigmoid', 'squared error'")
        binary = case.startswith("is there") and got == "softmax"  # two logits do the same as one
        if got != right and not binary:
            raise Wrong(f"{case}: not {got!r}; {_WHY[case]}")


which_loss = Exercise(
    name="which_loss",
    question="Which output and loss fits? For each case choose 'softmax' (softmax with cross-entropy), "
    "'sigmoid' (a sigmoid per output with binary cross-entropy) or 'squared error'.",
    verify=_choose,
    hint_text="Two questions: is the answer a quantity or a name? And can several names be right at once?",
    solution_source="""
        which_loss = {
            "one of 12 plants in a picture": "softmax",
            "which of 20 objects are in a picture, any number of them": "sigmoid",
            "the height of a plant in cm": "squared error",
            "is there a tumour, yes or no": "sigmoid",
            "one of 1,000 classes, some labels wrong": "softmax",
        }
    """,
    praise="the loss is a statement about what an answer is.",
    wrong_answers={
        "a yes or no of its own": """
            which_loss = {
                "one of 12 plants in a picture": "softmax",
                "which of 20 objects are in a picture, any number of them": "softmax",
                "the height of a plant in cm": "squared error",
                "is there a tumour, yes or no": "sigmoid",
                "one of 1,000 classes, some labels wrong": "softmax",
            }
        """,
        "must compete for 1": """
            which_loss = dict.fromkeys([
                "one of 12 plants in a picture",
                "which of 20 objects are in a picture, any number of them",
                "the height of a plant in cm",
                "is there a tumour, yes or no",
                "one of 1,000 classes, some labels wrong",
            ], "sigmoid")
        """,
        "expected one of": """
            which_loss = {"one of 12 plants in a picture": "cross-entropy"}
        """,
        "there is no answer for": """
            which_loss = {"one of 12 plants in a picture": "softmax"}
        """,
    },
    other_right_answers=[
        """
        which_loss = {
            "one of 12 plants in a picture": "Softmax",
            "which of 20 objects are in a picture, any number of them": "sigmoid ",
            "the height of a plant in cm": "Squared error",
            "is there a tumour, yes or no": "softmax",
            "one of 1,000 classes, some labels wrong": "softmax",
        }
        """,
        """
        which_loss = dict.fromkeys(
            ["one of 12 plants in a picture", "one of 1,000 classes, some labels wrong"], "softmax"
        )
        which_loss["the height of a plant in cm"] = "squared error"
        which_loss["is there a tumour, yes or no"] = "sigmoid"
        which_loss["which of 20 objects are in a picture, any number of them"] = "sigmoid"
        """,
    ],
)
