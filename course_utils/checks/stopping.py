"""Exercises of `notebooks/05_first_cnn`: early stopping that counts right, and a network within a budget."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from course_utils.checks.assertions import equal, same_type
from course_utils.checks.exercise import Exercise, Wrong

_RUNS: list[tuple[list[float], int]] = [
    ([0.2, 0.4, 0.4, 0.3, 0.1, 0.5], 2),
    ([0.2, 0.1, 0.3, 0.2, 0.4, 0.3, 0.2, 0.1, 0.1], 3),
    ([0.1, 0.2, 0.3], 1),
    ([0.5, 0.5, 0.5, 0.5, 0.5, 0.5], 4),
    ([0.3, 0.2, 0.1], 5),
    ([0.6, 0.5, 0.4, 0.7], 1),
]


def _trained_epochs(values: Sequence[float], patience: int, *, late: int = 0, reset: bool = True) -> int:
    best, without = float("-inf"), 0
    for epoch, value in enumerate(values, start=1):
        if value > best:
            best, without = value, 0 if reset else without
        else:
            without += 1
        if without >= patience + late:
            return epoch
    return len(values)


def _verify_trained_epochs(answer: Callable[..., Any]) -> None:
    for values, patience in _RUNS:
        called = f"trained_epochs({values}, {patience})"
        got = answer(list(values), patience)
        same_type(got, int, what=called)
        want = _trained_epochs(values, patience)
        if got == want:
            continue
        if got == _trained_epochs(values, patience, late=1):
            raise Wrong(
                f"{called} is {got}, expected {want}: it stops one epoch late. After {patience} epochs "
                "without a "
                "better value it is over; `>` in place of `>=` waits for one more"
            )
        if got == _trained_epochs(values, patience, reset=False):
            raise Wrong(f"{called} is {got}, expected {want}: a better value sets the counter back to 0")
        if got == want - 1:
            raise Wrong(
                f"{called} is {got}, expected {want}: epochs are counted from 1, and the last one counts"
            )
        equal(got, want, what=called)


TRAINED_EPOCHS = Exercise(
    name="trained_epochs",
    question="Write `trained_epochs(values, patience)`: `values` are the validation accuracies that the "
    "epochs "
    "would bring. How many epochs are trained, if training ends after `patience` epochs in a row without a "
    "value better than the best so far? An equal value is not better.",
    verify=_verify_trained_epochs,
    hint_text="Keep the best value and a counter. A better value sets the counter to 0, any other adds 1. "
    "When "
    "the counter *reaches* the patience, this epoch was the last.",
    solution_source="""
        def trained_epochs(values, patience):
            best, without = float("-inf"), 0
            for epoch, value in enumerate(values, start=1):
                if value > best:
                    best, without = value, 0
                else:
                    without += 1
                if without >= patience:
                    return epoch
            return len(values)
    """,
    praise="Five epochs of patience are five epochs, not six.",
    wrong_answers={
        "one epoch late": """
            def trained_epochs(values, patience):
                best, stale = 0, 0
                for epoch, value in enumerate(values, start=1):
                    if value > best:
                        best, stale = value, 0
                    else:
                        stale += 1
                        if stale > patience:
                            return epoch
                return len(values)
        """,
        "sets the counter back": """
            def trained_epochs(values, patience):
                best, stale = 0, 0
                for epoch, value in enumerate(values, start=1):
                    if value > best:
                        best = value
                    else:
                        stale += 1
                        if stale >= patience:
                            return epoch
                return len(values)
        """,
        "counted from 1": """
            def trained_epochs(values, patience):
                best, stale = 0, 0
                for epoch, value in enumerate(values):
                    if value > best:
                        best, stale = value, 0
                    else:
                        stale += 1
                        if stale == patience:
                            return epoch
                return len(values)
        """,
    },
    other_right_answers=[
        """
        def trained_epochs(values, patience):
            best_epoch = 0
            for epoch in range(len(values)):
                if values[epoch] > values[best_epoch]:
                    best_epoch = epoch
                if epoch - best_epoch == patience:
                    return epoch + 1
            return len(values)
        """,
        """
        from course_utils.training.early_stopping import EarlyStopping

        def trained_epochs(values, patience):
            stopping = EarlyStopping(patience=patience)
            for epoch, value in enumerate(values):
                stopping.update(value, epoch)
                if stopping.should_stop:
                    return epoch + 1
            return len(values)
        """,
    ],
)

BUDGET = 12_000_000  # multiply-adds; the quick network of the notebook needs 10.4 million


def _multiply_adds(plan: dict[str, Any], num_classes: int = 11) -> int:
    side, inputs, total = plan["image_size"], 3, 0
    for width in plan["channels"]:
        total += side * side * inputs * width * plan["kernel"] ** 2
        side, inputs = side // 2, width
    features = inputs * side * side
    for width in (*plan["hidden"], num_classes):
        total += features * width
        features = width
    return total


def _verify_food_plan(answer: Any) -> None:
    same_type(answer, dict, what="food_plan")
    expected = {"image_size", "channels", "hidden", "kernel"}
    if set(answer) != expected:
        raise Wrong(f"food_plan has the keys {sorted(map(str, answer))}, expected {sorted(expected)}")
    for key in ("image_size", "kernel"):
        same_type(answer[key], int, what=key)
    for key in ("channels", "hidden"):
        same_type(answer[key], (list, tuple), what=key)
        for width in answer[key]:
            same_type(width, int, what=f"a width in {key}")
            if width < 1:
                raise Wrong(f"{key} holds {width}; widths are 1 or more")
    if not answer["channels"]:
        raise Wrong("channels is empty: then it is no convolutional network")
    if answer["kernel"] < 1 or answer["kernel"] % 2 == 0:
        raise Wrong(f"kernel is {answer['kernel']}; it must be odd, or the map would change its size")
    num_blocks = len(answer["channels"])
    if answer["image_size"] < 2**num_blocks:
        raise Wrong(
            f"image_size is {answer['image_size']}; {num_blocks} blocks halve it to nothing, so at least "
            f"{2**num_blocks} pixels are needed"
        )
    needed = _multiply_adds(answer)
    if needed > BUDGET:
        raise Wrong(
            f"it needs {needed / 1e6:.1f} million multiply-adds for a picture; the budget is "
            f"{BUDGET / 1e6:.0f} million. The first blocks cost most, where the map is large"
        )
    if needed < BUDGET / 10:
        raise Wrong(
            f"it needs {needed / 1e6:.2f} million multiply-adds only; use at least a tenth of the budget of "
            f"{BUDGET / 1e6:.0f} million, or the comparison is unfair to it"
        )


FOOD_PLAN = Exercise(
    name="food_plan",
    question="Find a better network for the same price: `food_plan = {'image_size': ..., 'channels': (...), "
    "'hidden': (...), 'kernel': ...}` with at most 12 million multiply-adds for a picture. Then build it "
    "with "
    "`SimpleCNN(num_classes=11, **food_plan)`, train it as in section 4, and hold its validation accuracy "
    "against that of the notebook's network, over three seeds.",
    verify=_verify_food_plan,
    hint_text="A block with `c` inputs and `d` outputs on a map of side `s` costs `s * s * c * d * kernel "
    "** 2`. "
    "Smaller pictures leave room for width; fewer channels in the first block cost little accuracy.",
    solution_source="""
        food_plan = {"image_size": 48, "channels": (12, 32, 64, 128, 160), "hidden": (256,), "kernel": 3}
    """,
    praise="It is within the budget. Now measure it, with more than one seed.",
    wrong_answers={
        "million multiply-adds for a picture; the budget": """
            food_plan = {"image_size": 128, "channels": (64, 128, 256, 512, 512), "hidden": (1024, 512),
                         "kernel": 3}
        """,
        "halve it to nothing": """
            food_plan = {"image_size": 28, "channels": (16, 32, 64, 128, 128), "hidden": (256,), "kernel": 3}
        """,
        "it must be odd": """
            food_plan = {"image_size": 64, "channels": (16, 32, 64, 128, 128), "hidden": (256,), "kernel": 4}
        """,
        "unfair": """
            food_plan = {"image_size": 32, "channels": (8, 8, 8), "hidden": (16,), "kernel": 3}
        """,
    },
    other_right_answers=[
        """
        food_plan = dict(image_size=48, channels=[12, 32, 80, 128], hidden=[128], kernel=3)
        """,
        """
        food_plan = {"kernel": 5, "hidden": (), "channels": (8, 16, 32, 64, 128), "image_size": 48}
        """,
    ],
)
