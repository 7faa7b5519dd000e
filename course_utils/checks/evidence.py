"""Exercises of notebook 13 on when a difference is one: a paired interval, and a plan that could fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Wrong

_SPLITS = ("train", "val", "test", "new pictures")


def _verify_paired_interval(answer: Callable[..., Any]) -> None:
    ratios, alone = [], []
    for seed, num_images in ((0, 400), (1, 1000), (2, 600)):
        right_1, right_2 = _two_models(seed, num_images)
        low, high = _ends(answer(right_1.copy(), right_2.copy(), seed))
        what = f"paired_interval of {num_images} pictures"
        if (low, high) != _ends(answer(right_1.copy(), right_2.copy(), seed)):
            raise Wrong(
                f"{what} differs between two calls with the same seed: make a generator from it, "
                "`np.random.default_rng(seed)`"
            )
        each = right_1.astype(float) - right_2  # (N,): 1, 0 or -1
        centre, spread = each.mean(), each.std() / np.sqrt(num_images)
        if low > high:
            raise Wrong(f"{what} is ({low:.4f}, {high:.4f}): the lower end comes first")
        if abs((low + high) / 2 + centre) < 0.5 * spread:
            raise Wrong(f"{what} lies around {-centre:.4f}: first minus second, so expected {centre:.4f}")
        if abs((low + high) / 2 - 100 * centre) < 50 * spread:
            raise Wrong(f"{what}: give shares between -1 and 1, not percent")
        if abs((low + high) / 2 - centre) > 0.6 * spread:
            raise Wrong(f"{what} is ({low:.4f}, {high:.4f}), expected around {centre:.4f}")
        ratios.append((high - low) / (2 * 1.96 * spread))
        unpaired = np.sqrt((right_1.var() + right_2.var()) / num_images)
        alone.append(float(unpaired / spread))
    ratio = float(np.mean(ratios))
    if abs(ratio - np.mean(alone)) < 0.12 * np.mean(alone):
        raise Wrong(
            f"your intervals are {ratio:.1f} times too wide: did you draw pictures for each model by itself? "
            "Both have to be asked about the *same* drawn pictures"
        )
    if not 0.9 < ratio < 1.1:
        raise Wrong(
            f"your intervals are {ratio:.2f} times as wide as expected for 95 %: the quantiles 0.025 and "
            "0.975, of 1,000 draws or more?"
        )


def _two_models(seed: int, num_images: int) -> tuple[np.ndarray, np.ndarray]:
    """Which pictures two models get right: both fail on the same hard ones, mostly."""
    rng = np.random.default_rng(seed)
    hard = rng.uniform(size=num_images) < 0.3
    second = ~(hard & (rng.uniform(size=num_images) < 0.9))
    first = np.where(rng.uniform(size=num_images) < 0.15, True, second)
    return first & (rng.uniform(size=num_images) > 0.015), second


def _ends(got: Any) -> tuple[float, float]:
    if got is None:
        raise Wrong("paired_interval is None: does your function `return` what it computes?")
    if np.size(got) != 2:
        raise Wrong(f"paired_interval gives {got!r:.100}, expected two numbers (low, high)")
    low, high = (float(value) for value in np.ravel(got))
    if not (np.isfinite(low) and np.isfinite(high)):
        raise Wrong("an end of your interval is not a finite number")
    return low, high


paired_interval = Exercise(
    name="paired_interval",
    question=(
        "Write `paired_interval(right_1, right_2, seed)`: the 95 % bootstrap interval `(low, high)` of the "
        "accuracy of the first network minus that of the second. `right_1` and `right_2` (N,) say which of "
        "the same N pictures each gets right. Draw 1,000 times or more."
    ),
    verify=_verify_paired_interval,
    hint_text=(
        "Draw pictures, not answers: `drawn = generator.integers(0, N, N)`, and use the *same* `drawn` for "
        "both. Keep the difference of the two means, and take `np.quantile(differences, [0.025, 0.975])`."
    ),
    solution_source="""
        import numpy as np

        def paired_interval(right_1, right_2, seed):
            generator, count = np.random.default_rng(seed), len(right_1)
            differences = []
            for _ in range(2000):
                drawn = generator.integers(0, count, count)  # the same pictures for both
                differences.append(right_1[drawn].mean() - right_2[drawn].mean())
            return tuple(np.quantile(differences, [0.025, 0.975]))
    """,
    praise="If 0 lies outside of it, this test set tells the two networks apart.",
    wrong_answers={
        "*same* drawn pictures": """
            import numpy as np
            def paired_interval(right_1, right_2, seed):
                generator, count = np.random.default_rng(seed), len(right_1)
                first = right_1[generator.integers(0, count, (2000, count))].mean(axis=1)
                second = right_2[generator.integers(0, count, (2000, count))].mean(axis=1)
                return np.quantile(first - second, [0.025, 0.975])
        """,
        "first minus second": """
            import numpy as np
            def paired_interval(right_1, right_2, seed):
                count = len(right_1)
                drawn = np.random.default_rng(seed).integers(0, count, (2000, count))
                return np.quantile((right_2[drawn] * 1.0 - right_1[drawn]).mean(axis=1), [0.025, 0.975])
        """,
        "two calls with the same seed": """
            import numpy as np
            def paired_interval(right_1, right_2, seed):
                count = len(right_1)
                drawn = np.random.default_rng().integers(0, count, (2000, count))
                return np.quantile((right_1[drawn] * 1.0 - right_2[drawn]).mean(axis=1), [0.025, 0.975])
        """,
        "expected for 95 %": """
            import numpy as np
            def paired_interval(right_1, right_2, seed):
                count = len(right_1)
                drawn = np.random.default_rng(seed).integers(0, count, (2000, count))
                return np.quantile((right_1[drawn] * 1.0 - right_2[drawn]).mean(axis=1), [0.1, 0.9])
        """,
    },
    other_right_answers=(
        """
        import numpy as np
        def paired_interval(right_1, right_2, seed):
            each = right_1.astype(int) - right_2
            drawn = np.random.default_rng(seed).choice(each, (4000, len(each)))
            return [np.percentile(drawn.mean(axis=1), end) for end in (2.5, 97.5)]
        """,
        """
        import numpy as np
        def paired_interval(right_1, right_2, seed):
            only_1, only_2 = (right_1 & ~right_2).mean(), (right_2 & ~right_1).mean()
            shares = [only_1, only_2, 1 - only_1 - only_2]
            counts = np.random.default_rng(seed).multinomial(len(right_1), shares, size=5000)
            return np.quantile((counts[:, 0] - counts[:, 1]) / len(right_1), [0.025, 0.975])
        """,
    ),
)


def _verify_error_plan(answer: Any) -> None:
    from course_utils.evaluation.comparison import wilson_interval

    same_type(answer, dict, what="error_plan")
    expected = {"suspicion", "chosen_on", "tested_on", "accuracy", "accuracy_there", "num_pictures"}
    if set(answer) != expected:
        raise Wrong(f"error_plan has the keys {sorted(map(str, answer))}, expected {sorted(expected)}")
    same_type(answer["suspicion"], str, what="suspicion")
    if len(answer["suspicion"].split()) < 6:
        raise Wrong("say the suspicion in a sentence: which pictures fail more often than others, and why")
    for key in ("chosen_on", "tested_on"):
        if answer[key] not in _SPLITS:
            raise Wrong(f"{key} is {answer[key]!r:.60}, expected one of {', '.join(map(repr, _SPLITS))}")
    if answer["tested_on"] == "train":
        raise Wrong("the network has seen the training pictures: its errors there are not those you fear")
    if answer["chosen_on"] == answer["tested_on"]:
        raise Wrong(
            f"the suspicion comes from {answer['chosen_on']!r} and is tested there again: of many parts some "
            "look bad by chance, and those are the ones you would pick. Test it on other pictures"
        )
    same_type(answer["num_pictures"], int, what="num_pictures")
    for key in ("accuracy", "accuracy_there"):
        same_type(answer[key], float, what=key)
        if not 0 <= answer[key] <= 1:
            raise Wrong(f"{key} is {answer[key]}: a share between 0 and 1")
    there, number = answer["accuracy_there"], answer["num_pictures"]
    if number < 1 or there >= answer["accuracy"]:
        raise Wrong("expected one picture or more, and an accuracy there that lies below the accuracy of all")
    low, high = wilson_interval(round(there * number), number)
    if high >= answer["accuracy"]:
        raise Wrong(
            f"with {number} pictures the interval of {there:.3f} goes from {low:.3f} to {high:.3f} and holds "
            f"{answer['accuracy']:.3f}: even if you are right, the test will not show it. Take more pictures"
        )


error_plan = Exercise(
    name="error_plan",
    question=(
        "Plan a test of a suspicion of yours: `error_plan = {'suspicion': a sentence, 'chosen_on': the split "
        "that gave you the idea, 'tested_on': the split that decides ('train', 'val', 'test' or 'new "
        "pictures'), 'accuracy': that of all pictures, 'accuracy_there': what you expect in the suspected "
        "part, 'num_pictures': how many pictures of that part will be tested}`."
    ),
    verify=_verify_error_plan,
    hint_text=(
        "The pictures that gave you the idea cannot test it. And `wilson_interval(round(accuracy_there * "
        "num_pictures), num_pictures)` has to lie below `accuracy` as a whole, or the test cannot succeed."
    ),
    solution_source="""
        error_plan = {
            "suspicion": "Fours whose top is closed are taken for nines more often than others.",
            "chosen_on": "val",
            "tested_on": "test",
            "accuracy": 0.9,
            "accuracy_there": 0.6,
            "num_pictures": 60,
        }
    """,
    praise="This plan can fail, and it can succeed. Now carry it out, and report it whichever it does.",
    wrong_answers={
        "tested there again": """
            error_plan = dict(
                suspicion="Digits that lean to the left are read worse.", chosen_on="test", tested_on="test",
                accuracy=0.9, accuracy_there=0.8, num_pictures=500,
            )
        """,
        "will not show it": """
            error_plan = dict(
                suspicion="Digits that lean to the left are read worse.", chosen_on="val", tested_on="test",
                accuracy=0.9, accuracy_there=0.87, num_pictures=40,
            )
        """,
        "has seen the training pictures": """
            error_plan = dict(
                suspicion="Digits that lean to the left are read worse.", chosen_on="val", tested_on="train",
                accuracy=0.9, accuracy_there=0.7, num_pictures=400,
            )
        """,
        "in a sentence": """
            error_plan = dict(
                suspicion="thin digits", chosen_on="val", tested_on="test",
                accuracy=0.9, accuracy_there=0.7, num_pictures=400,
            )
        """,
    },
    other_right_answers=(
        """
        error_plan = dict(
            suspicion="Digits written with a thin pen lose strokes in the first pooling layers.",
            chosen_on="test", tested_on="new pictures", accuracy=0.92, accuracy_there=0.85, num_pictures=300,
        )
        """,
        """
        error_plan = {"suspicion": "A seven with a bar through it is taken for a two or a nine."}
        error_plan |= {"chosen_on": "train", "tested_on": "val", "num_pictures": 25}
        error_plan |= {"accuracy": 0.95, "accuracy_there": 0.5}
        """,
    ),
)
