"""Whose statistics normalise which pictures: an exercise of `notebooks/01_mean_std`."""

from __future__ import annotations

from collections.abc import Mapping

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Wrong

_WHICH = {
    "a network trained from scratch": "training",
    "its test pictures": "training",
    "a pretrained network, fine-tuned on seedlings": "pretrained",
    "the last fold of a cross-validation": "training",
}
_REASONS = {
    "a network trained from scratch": "nothing is known but the training split, and the test pictures must "
    "stay unseen",
    "its test pictures": "a network expects what it was trained on, so test pictures get the same numbers as "
    "training ones",
    "a pretrained network, fine-tuned on seedlings": "its weights were learnt with one pair of numbers; they "
    "go with the weights",
    "the last fold of a cross-validation": "the held-out fold plays the test set, so only the other folds "
    "may be counted",
}


def _choices(which_statistics: Mapping[str, str]) -> None:
    same_type(which_statistics, dict)
    missing = [name for name in _WHICH if name not in which_statistics]
    if missing:
        raise Wrong(f"there is no answer for {missing[0]!r}; keep the keys as they stand in the question")
    for name, right in _WHICH.items():
        got = str(which_statistics[name]).strip().lower()
        if got not in ("training", "test", "all", "pretrained"):
            raise Wrong(f"{name}: got {got!r}, expected one of 'training', 'test', 'all', 'pretrained'")
        if got != right:
            raise Wrong(f"{name}: not {got!r}; {_REASONS[name]}")


which_statistics = Exercise(
    name="which_statistics",
    question="Whose mean and standard deviation normalise the pictures? For each case choose 'training' (the "
    "training pictures'), 'test' (the test pictures'), 'all' (both together) or 'pretrained' (those that the "
    "weights were trained with).",
    verify=_choices,
    hint_text="Two questions decide each case. Which numbers has the network seen during training? And does "
    "somebody later rely on a test figure that must not have looked at the test pictures?",
    solution_source="""
        which_statistics = {
            "a network trained from scratch": "training",
            "its test pictures": "training",
            "a pretrained network, fine-tuned on seedlings": "pretrained",
            "the last fold of a cross-validation": "training",
        }
    """,
    praise="one pair of numbers belongs to one set of weights, for as long as the weights live.",
    wrong_answers={
        "test pictures get the same numbers as training ones": """
            which_statistics = {
                "a network trained from scratch": "training",
                "its test pictures": "test",
                "a pretrained network, fine-tuned on seedlings": "pretrained",
                "the last fold of a cross-validation": "training",
            }
        """,
        "they go with the weights": """
            which_statistics = {
                "a network trained from scratch": "training",
                "its test pictures": "training",
                "a pretrained network, fine-tuned on seedlings": "training",
                "the last fold of a cross-validation": "training",
            }
        """,
        "must stay unseen": """
            which_statistics = dict.fromkeys([
                "a network trained from scratch",
                "its test pictures",
                "a pretrained network, fine-tuned on seedlings",
                "the last fold of a cross-validation",
            ], "all")
        """,
        "expected one of": """
            which_statistics = {
                "a network trained from scratch": "train",
                "its test pictures": "training",
                "a pretrained network, fine-tuned on seedlings": "pretrained",
                "the last fold of a cross-validation": "training",
            }
        """,
        "there is no answer for": """
            which_statistics = {"its test pictures": "training"}
        """,
    },
    other_right_answers=[
        """
        which_statistics = dict.fromkeys([
            "a network trained from scratch", "its test pictures", "the last fold of a cross-validation"
        ], "Training")
        which_statistics["a pretrained network, fine-tuned on seedlings"] = "Pretrained"
        """,
        """
        which_statistics = {
            "the last fold of a cross-validation": "training ",
            "a pretrained network, fine-tuned on seedlings": " pretrained",
            "its test pictures": "training",
            "a network trained from scratch": "training",
            "my own note": "remember it",
        }
        """,
    ],
)
