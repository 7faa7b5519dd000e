"""Exercises on leaderboards: the luck of the best of many entries, and a plan for what to send.

Used by `notebooks/16_kaggle_submission`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Verdict, Wrong

_CASES = [(0.7, 100, 1), (0.7, 100, 20), (0.7, 1000, 20), (0.5, 30, 200), (0.95, 50, 5)]


def _expected_best(accuracy: float, num_public: int, num_entries: int) -> float:
    """E[max] of k independent binomial shares: the sum of P(max >= j) over j = 1 .. n, divided by n."""
    below = stats.binom.cdf(np.arange(num_public), num_public, accuracy)  # P(X <= j - 1)
    return float((1 - below**num_entries).sum() / num_public)


def _verify_luck(answer: Callable[..., Any]) -> None:
    for accuracy, num_public, num_entries in _CASES:
        got = answer(accuracy, num_public, num_entries)
        called = f"luck_of_the_best({accuracy}, {num_public}, {num_entries})"
        same_type(got, float, what=called)
        best = _expected_best(accuracy, num_public, num_entries)
        want = best - accuracy
        deviation = np.sqrt(accuracy * (1 - accuracy) / num_public)
        if abs(got - want) <= 0.1 * deviation:
            continue
        if abs(got - best) <= 0.1 * deviation:
            raise Wrong(
                f"{called} is {got:.4f}: that is the best score. The luck is what it lies above {accuracy}"
            )
        if abs(got - want * num_public) <= 0.1 * deviation * num_public:
            raise Wrong(f"{called} is {got:.4f}: that counts pictures; give a share of {num_public}")
        if num_entries > 1 and abs(got) < 0.1 * deviation:
            raise Wrong(
                f"{called} is {got:.4f}: that is the mean entry's luck. The best of {num_entries} is chosen"
            )
        raise Wrong(
            f"{called} is {got:.4f}, expected {want:.4f} (up to {0.1 * deviation:.4f}). If you simulate, "
            "repeat the whole contest thousands of times and average"
        )


luck_of_the_best = Exercise(
    name="luck_of_the_best",
    question=(
        "Write `luck_of_the_best(accuracy, num_public, num_entries)`: `num_entries` equally good "
        "entries, each "
        "right on a picture with probability `accuracy`, independent of each other, are scored on "
        "`num_public` "
        "pictures. By how much does the best public score lie above `accuracy`, on average?"
    ),
    verify=_verify_luck,
    hint_text=(
        "Draw `np.random.default_rng(0).binomial(num_public, accuracy, size=(20000, num_entries))`: a row is "
        "one contest. Take the largest of each row, the mean over rows, divide by `num_public`, subtract."
    ),
    solution_source="""
        import numpy as np

        def luck_of_the_best(accuracy, num_public, num_entries):
            generator = np.random.default_rng(0)
            right = generator.binomial(num_public, accuracy, size=(20000, num_entries))
            return float(right.max(axis=1).mean() / num_public - accuracy)
    """,
    praise=(
        "Ten times the pictures cost the best entry about two thirds of its luck. Entries that resemble each "
        "other, as real ones do, have less of it."
    ),
    wrong_answers={
        "that is the best score": """
            import numpy as np

            def luck_of_the_best(accuracy, num_public, num_entries):
                right = np.random.default_rng(0).binomial(num_public, accuracy, size=(20000, num_entries))
                return float(right.max(axis=1).mean() / num_public)
        """,
        "the mean entry's luck": """
            import numpy as np

            def luck_of_the_best(accuracy, num_public, num_entries):
                right = np.random.default_rng(0).binomial(num_public, accuracy, size=(20000, num_entries))
                return float(right.mean() / num_public - accuracy)
        """,
        "that counts pictures": """
            import numpy as np

            def luck_of_the_best(accuracy, num_public, num_entries):
                right = np.random.default_rng(0).binomial(num_public, accuracy, size=(20000, num_entries))
                return float(right.max(axis=1).mean() - accuracy * num_public)
        """,
    },
    other_right_answers=[
        """
        import numpy as np
        from scipy.stats import binom

        def luck_of_the_best(accuracy, num_public, num_entries):
            below = binom.cdf(np.arange(num_public), num_public, accuracy) ** num_entries
            return (1 - below).sum() / num_public - accuracy
        """,
        """
        import numpy as np

        def luck_of_the_best(accuracy, num_public, num_entries):
            generator, total = np.random.default_rng(5), 0.0
            for _ in range(5000):
                total += generator.binomial(num_public, accuracy, size=num_entries).max() / num_public
            return total / 5000 - accuracy
        """,
    ],
)

# Of the plan: pictures, and pictures a second at 128 pixels on two cores, forward and with a training step.
LABELLED, TEST, MINUTES = 4000, 10000, 120
FORWARD, STEP = 150.0, 45.0
_VIEWS = {
    "identity": 1,
    "flips": 2,
    "turns": 4,
    "eight": 8,
    "five_crops": 5,
    "ten_crops": 10,
}
_CHOOSERS = ("out_of_fold", "public", "private")


def plan_minutes(plan: dict[str, Any]) -> float:
    """The minutes that a plan takes: training every fold of every model, and predicting with all views."""
    pixels = (plan["image_size"] / 128) ** 2
    members = plan["num_folds"] * plan["num_models"]
    learnt = LABELLED * (plan["num_folds"] - 1) / plan["num_folds"]
    train_s = members * plan["epochs"] * learnt * pixels / STEP
    predict_s = members * (TEST + LABELLED / plan["num_folds"]) * _VIEWS[plan["views"]] * pixels / FORWARD
    return (train_s + predict_s) / 60


def _verify_plan(answer: Any) -> Verdict:
    same_type(answer, dict, what="entry_plan")
    keys = ("num_folds", "num_models", "image_size", "epochs", "views", "chosen_by")
    if set(answer) != set(keys):
        odd = sorted(set(answer) ^ set(keys))
        raise Wrong(f"the plan has the keys {', '.join(keys)}; look at {', '.join(map(str, odd))}")
    for key, lowest in {"num_folds": 2, "num_models": 1, "image_size": 32, "epochs": 1}.items():
        same_type(answer[key], int, what=key)
        if answer[key] < lowest:
            raise Wrong(f"{key} is {answer[key]}, expected at least {lowest}")
    if answer["views"] not in _VIEWS:
        raise Wrong(f"views is {answer['views']!r}, expected one of {', '.join(_VIEWS)}")
    if answer["chosen_by"] not in _CHOOSERS:
        raise Wrong(f"chosen_by is {answer['chosen_by']!r}, expected one of {', '.join(_CHOOSERS)}")
    if answer["chosen_by"] == "public":
        raise Wrong(
            "chosen by the public board: it holds fewer pictures than your own, and you ask it again and "
            "again"
        )
    if answer["chosen_by"] == "private":
        raise Wrong("nobody sees the private board before the end")
    if answer["views"] in ("turns", "eight"):
        raise Wrong(
            f"the pictures are handwritten letters: with the views {answer['views']!r} an N turns into a Z. "
            "Take views that keep the label"
        )
    if answer["views"] in ("flips", "ten_crops"):
        raise Wrong(
            f"the pictures are handwritten letters: {answer['views']!r} mirrors them. Take views that "
            "keep the label"
        )
    minutes = plan_minutes(answer)
    if minutes > MINUTES:
        raise Wrong(
            f"the plan takes {minutes:.0f} minutes, {MINUTES} are allowed; what buys least for its time?"
        )
    if minutes < MINUTES / 4:
        raise Wrong(
            f"the plan takes {minutes:.0f} of {MINUTES} minutes; spend the rest: folds, models, epochs or "
            "pixels"
        )
    return Verdict(
        "correct", f"{minutes:.0f} of {MINUTES} minutes. Is it a good plan? Only out-of-fold figures tell."
    )


entry_plan = Exercise(
    name="entry_plan",
    question=(
        f"Plan an entry to a contest of handwritten letters: {LABELLED} labelled and {TEST} test pictures, "
        f"{MINUTES} minutes on two cores, on which a network like Lite0 does {STEP:.0f} training steps or "
        f"{FORWARD:.0f} predictions of one picture a second at 128 pixels. Give a dictionary `entry_plan` "
        "with num_folds, num_models, image_size, epochs, views (a set of `tta.VIEW_SETS`, or 'identity') "
        "and chosen_by ('out_of_fold', 'public' or 'private'). There are many good answers; spend at least "
        "a quarter of the time."
    ),
    verify=_verify_plan,
    hint_text=(
        "Training costs folds x models x epochs x pictures x (image_size / 128)^2 / 45 seconds. Half the "
        "side costs a quarter, and letters need few pixels. Which views leave a letter a letter?"
    ),
    solution_source="""
        entry_plan = {
            "num_folds": 5,
            "num_models": 2,
            "image_size": 64,
            "epochs": 25,
            "views": "five_crops",
            "chosen_by": "out_of_fold",
        }
    """,
    wrong_answers={
        "are allowed": """
            entry_plan = {"num_folds": 10, "num_models": 3, "image_size": 128, "epochs": 30,
                          "views": "identity", "chosen_by": "out_of_fold"}
        """,
        "again and again": """
            entry_plan = {"num_folds": 5, "num_models": 2, "image_size": 64, "epochs": 25,
                          "views": "identity", "chosen_by": "public"}
        """,
        "an N turns into a Z": """
            entry_plan = {"num_folds": 5, "num_models": 2, "image_size": 64, "epochs": 25,
                          "views": "turns", "chosen_by": "out_of_fold"}
        """,
        "mirrors them": """
            entry_plan = {"num_folds": 5, "num_models": 2, "image_size": 64, "epochs": 25,
                          "views": "flips", "chosen_by": "out_of_fold"}
        """,
        "spend the rest": """
            entry_plan = {"num_folds": 5, "num_models": 1, "image_size": 32, "epochs": 2,
                          "views": "identity", "chosen_by": "out_of_fold"}
        """,
    },
    other_right_answers=[
        """
        entry_plan = {"num_folds": 5, "num_models": 1, "image_size": 96, "epochs": 20,
                      "views": "identity", "chosen_by": "out_of_fold"}
        """,
        """
        entry_plan = dict(num_folds=4, num_models=4, image_size=48, epochs=30, views="five_crops",
                          chosen_by="out_of_fold")
        """,
    ],
)
