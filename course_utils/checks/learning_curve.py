"""Exercises of `notebooks/08_transfer_resnet34` on learning curves: worth in pictures, and a plan to beat."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong

_CURVES: list[tuple[list[int], list[float], float]] = [
    ([10, 100, 1000], [0.4, 0.6, 0.8], 0.7),
    ([16, 64, 256], [0.3, 0.5, 0.9], 0.6),
    ([16, 64, 256], [0.3, 0.5, 0.9], 0.5),
    ([20, 40, 80, 160], [0.5, 0.7, 0.6, 0.9], 0.65),
    ([32, 128], [0.8, 0.9], 0.75),
    ([32, 128, 512], [0.4, 0.5, 0.6], 0.95),
]
_LOG, _LINEAR, _NEXT = "in the logarithm", "in the size itself", "the next measured size"


def _worth(sizes: Sequence[int], accuracies: Sequence[float], wanted: float, how: str = _LOG) -> float:
    """Give the size at which the curve first reaches `wanted`, read between the points by the rule `how`."""
    for place, (size, accuracy) in enumerate(zip(sizes, accuracies, strict=True)):
        if accuracy < wanted:
            continue
        if place == 0 or how == _NEXT:
            return float(size)
        before, low = sizes[place - 1], accuracies[place - 1]
        share = (wanted - low) / (accuracy - low)
        if how == _LINEAR:
            return before + share * (size - before)
        return before * (size / before) ** share
    return math.inf


def _verify_pictures_worth(answer: Callable[..., Any]) -> None:
    for sizes, accuracies, wanted in _CURVES:
        called = f"pictures_worth({sizes}, {accuracies}, {wanted})"
        got = answer(list(sizes), list(accuracies), wanted)
        same_type(got, float, what=called)
        want = _worth(sizes, accuracies, wanted)
        if math.isclose(got, want, rel_tol=1e-6):
            continue
        if want == math.inf:
            raise Wrong(
                f"{called} is {got:.6g}, but this curve never gets there: no number of pictures that was "
                "tried is enough, so the answer is infinity"
            )
        if math.isclose(got, _worth(sizes, accuracies, wanted, _LINEAR), rel_tol=1e-6):
            raise Wrong(
                f"{called} is {got:.6g}, expected {want:.6g}: you read it off {_LINEAR}. A learning curve is "
                f"drawn over the logarithm of the size, so go the same share of the way {_LOG}"
            )
        if math.isclose(got, _worth(sizes, accuracies, wanted, _NEXT), rel_tol=1e-6):
            raise Wrong(
                f"{called} is {got:.6g}, expected {want:.6g}: that is {_NEXT}. Read between the two points"
            )
        if math.isclose(got, _last(sizes, accuracies, wanted), rel_tol=1e-6):
            raise Wrong(f"{called} is {got:.6g}, expected {want:.6g}: the curve gets there earlier already")
        close(got, want, 1e-6, what=called)


def _last(sizes: Sequence[int], accuracies: Sequence[float], wanted: float) -> float:
    """Give the size at which the curve rises through `wanted` for the last time."""
    for place in range(len(sizes) - 1, 0, -1):
        if accuracies[place - 1] < wanted <= accuracies[place]:
            return _worth(sizes[place - 1 : place + 1], accuracies[place - 1 : place + 1], wanted)
    return float(sizes[0])


pictures_worth = Exercise(
    name="pictures_worth",
    question=(
        "Write `pictures_worth(sizes, accuracies, wanted)`: with how many pictures does this learning curve "
        "first reach the accuracy `wanted`? Between two points it is a straight line over the logarithm of "
        "the size. If it begins higher, the answer is the first size; if it never gets there, infinity."
    ),
    verify=_verify_pictures_worth,
    hint_text=(
        "Find the first place where the accuracy is at least `wanted`. Which share of the way from the "
        "accuracy before to this one is `wanted`? Go the same share from `log(size before)` to `log(size)`, "
        "then take `exp`. `float('inf')` is infinity."
    ),
    solution_source="""
        import math

        def pictures_worth(sizes, accuracies, wanted):
            for place, accuracy in enumerate(accuracies):
                if accuracy >= wanted:
                    break
            else:
                return math.inf
            if place == 0:
                return sizes[0]
            low = accuracies[place - 1]
            share = (wanted - low) / (accuracy - low)
            start, end = math.log(sizes[place - 1]), math.log(sizes[place])
            return math.exp(start + share * (end - start))
    """,
    praise="Now the two curves can be compared in pictures, not in points of accuracy.",
    wrong_answers={
        "so the answer is infinity": """
            import numpy as np

            def pictures_worth(sizes, accuracies, wanted):
                best = np.maximum.accumulate(accuracies)
                return float(np.exp(np.interp(wanted, best, np.log(sizes))))
        """,
        "over the logarithm of the size": """
            def pictures_worth(sizes, accuracies, wanted):
                for place, accuracy in enumerate(accuracies):
                    if accuracy >= wanted:
                        if place == 0:
                            return sizes[0]
                        share = (wanted - accuracies[place - 1]) / (accuracy - accuracies[place - 1])
                        return sizes[place - 1] + share * (sizes[place] - sizes[place - 1])
                return float("inf")
        """,
        "Read between the two points": """
            def pictures_worth(sizes, accuracies, wanted):
                enough = [size for size, accuracy in zip(sizes, accuracies) if accuracy >= wanted]
                return enough[0] if enough else float("inf")
        """,
        "gets there earlier already": """
            import math

            def pictures_worth(sizes, accuracies, wanted):
                for place in range(len(sizes) - 1, 0, -1):
                    low, high = accuracies[place - 1], accuracies[place]
                    if low < wanted <= high:
                        share = (wanted - low) / (high - low)
                        return sizes[place - 1] * (sizes[place] / sizes[place - 1]) ** share
                return float(sizes[0]) if accuracies[0] >= wanted else math.inf
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def pictures_worth(sizes, accuracies, wanted):
            accuracies = np.asarray(accuracies)
            if wanted > accuracies.max():
                return np.inf
            end = int(np.argmax(accuracies >= wanted))
            first = max(0, end - 1)
            logs = np.log(np.asarray(sizes, dtype=float))
            return float(np.exp(np.interp(wanted, accuracies[first : end + 1], logs[first : end + 1])))
        """,
        """
        def pictures_worth(sizes, accuracies, wanted):
            if accuracies[0] >= wanted:
                return float(sizes[0])
            points = list(zip(sizes, accuracies))
            for (few, low), (many, high) in zip(points, points[1:]):
                if low < wanted <= high:
                    return few * (many / few) ** ((wanted - low) / (high - low))
            return float("inf")
        """,
    ],
)

NUM_PICTURES = 64
BUDGET = 100_000_000_000  # multiply-adds


@functools.cache
def _passes(image_size: int) -> int:
    """Give the multiply-adds of one picture through EfficientNet-Lite0, without weights in memory."""
    import torch

    from course_utils.models.counting import count_macs
    from course_utils.models.pretrained import LITE0, create_timm

    with torch.device("meta"):
        return count_macs(create_timm(LITE0, pretrained=False, num_classes=4), image_size=image_size)


def _verify_transfer_plan(answer: Any) -> None:
    same_type(answer, dict, what="transfer_plan")
    expected = {"train", "image_size", "epochs"}
    if set(answer) != expected:
        raise Wrong(f"transfer_plan has the keys {sorted(map(str, answer))}, expected {sorted(expected)}")
    for key in ("image_size", "epochs"):
        same_type(answer[key], int, what=key)
    if answer["train"] not in ("head", "all"):
        raise Wrong(f"train is {answer['train']!r}, expected 'head' or 'all'")
    if not 32 <= answer["image_size"] <= 256:
        raise Wrong(
            f"image_size is {answer['image_size']}; expected 32 to 256: the network halves it five times"
        )
    if answer["epochs"] < 1:
        raise Wrong(f"epochs is {answer['epochs']}; expected at least 1")
    passes = 1 if answer["train"] == "head" else 3 * answer["epochs"]
    cost = NUM_PICTURES * passes * _passes(answer["image_size"])
    if cost > BUDGET:
        raise Wrong(
            f"it costs {cost / 1e9:.0f} billion multiply-adds; the budget is {BUDGET / 1e9:.0f} billion. The "
            "cost grows with the square of image_size, and training all costs three passes in every epoch"
        )
    if cost < BUDGET / 50:
        raise Wrong(
            f"it costs {cost / 1e9:.2f} billion multiply-adds only; use at least a fiftieth of the budget of "
            f"{BUDGET / 1e9:.0f} billion, or the comparison is unfair to it"
        )


transfer_plan = Exercise(
    name="transfer_plan",
    question=(
        "You have 64 labelled pictures and 100 billion multiply-adds for training on them. "
        "`transfer_plan = {'train': 'head' or 'all', 'image_size': ..., 'epochs': ...}`: with 'head' the "
        "features are computed once, with 'all' every picture costs three passes in every epoch. Which plan "
        "is best? Build it with the functions of the notebook, over three seeds."
    ),
    verify=_verify_transfer_plan,
    hint_text=(
        "At 64 px a picture costs about 33 million multiply-adds for one pass, at 128 px four times as much. "
        "Enlarging a picture adds no information, but the network was trained on larger things."
    ),
    solution_source="""
        transfer_plan = {"train": "all", "image_size": 64, "epochs": 15}
    """,
    praise="It is within the budget. Now measure it, with more than one seed.",
    wrong_answers={
        "billion multiply-adds; the budget": """
            transfer_plan = {"train": "all", "image_size": 128, "epochs": 20}
        """,
        "unfair": """
            transfer_plan = {"train": "head", "image_size": 32, "epochs": 100}
        """,
        "expected 'head' or 'all'": """
            transfer_plan = {"train": "everything", "image_size": 64, "epochs": 5}
        """,
        "halves it five times": """
            transfer_plan = {"train": "head", "image_size": 16, "epochs": 5}
        """,
    },
    other_right_answers=[
        """
        transfer_plan = dict(train="head", image_size=160, epochs=200)
        """,
        """
        transfer_plan = {"epochs": 4, "image_size": 96, "train": "all"}
        """,
    ],
)
