"""Exercises of notebook 15 on one step: its operations in order, and one gradient from several batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_shape, same_type
from course_utils.checks.exercise import Exercise, Wrong

STEP = ("scale", "backward", "unscale", "clip", "step", "update")


def _verify_step_order(answer: Any) -> None:
    same_type(answer, (list, tuple), what="step_order")
    names = list(answer)
    for name in names:
        if name not in STEP:
            raise Wrong(f"{name!r} is none of {', '.join(STEP)}")
    for name in STEP:
        if names.count(name) != 1:
            raise Wrong(
                f"{name!r} stands there {names.count(name)} times; each of the six belongs there once"
            )
    place = names.index
    if place("backward") < place("scale"):
        raise Wrong("after backward it is too late to scale: the small gradients have become zero by then")
    if place("unscale") < place("backward"):
        raise Wrong("unscale divides the gradients, and before backward there are none")
    if place("clip") < place("unscale"):
        raise Wrong(
            "clip compares the length of the gradient with a limit; before unscale it is 65,536 times too "
            "long, so every step would be clipped to next to nothing"
        )
    if place("step") < place("clip"):
        raise Wrong("step has moved the weights before clip shortens the gradient")
    if place("step") < place("unscale"):
        raise Wrong("step would use gradients that are 65,536 times too large")
    if place("update") < place("step"):
        raise Wrong("update looks at whether this step overflowed, so it comes last")


step_order = Exercise(
    name="step_order",
    question=(
        "Put the six operations of a float16 step in order: `step_order = [...]` with "
        f"{', '.join(repr(name) for name in sorted(STEP))}. `scale` multiplies the loss, `unscale` divides "
        "the gradients, `update` chooses the factor of the next step."
    ),
    verify=_verify_step_order,
    hint_text=(
        "Say for each what it changes: the loss, the gradients, the weights, the factor. Clipping needs the "
        "gradients' true length."
    ),
    solution_source="""
        step_order = ["scale", "backward", "unscale", "clip", "step", "update"]
    """,
    praise="This is the loop of the course, for every precision: without float16 the scaler does nothing.",
    wrong_answers={
        "65,536 times too long": "step_order = ['scale', 'backward', 'clip', 'unscale', 'step', 'update']",
        "too late to scale": "step_order = ['backward', 'scale', 'unscale', 'clip', 'step', 'update']",
        "comes last": "step_order = ['scale', 'backward', 'unscale', 'clip', 'update', 'step']",
        "each of the six": "step_order = ['scale', 'backward', 'clip', 'step', 'update']",
        "before clip shortens": "step_order = ('scale', 'backward', 'unscale', 'step', 'clip', 'update')",
    },
    other_right_answers=(
        "step_order = ('scale', 'backward', 'unscale', 'clip', 'step', 'update')",
        "step_order = 'scale backward unscale clip step update'.split()",
    ),
)


def _verify_big_gradient(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(4)
    for sizes in ([16, 16, 16], [16, 15, 15, 15], [31, 30], [64, 1], [5]):
        means = rng.normal(size=(len(sizes), 6))
        got = answer(means.copy(), list(sizes))
        if got is None:
            raise Wrong("your function returns nothing")
        got = np.asarray(got, dtype=float)
        same_shape(got, means[0], what="the gradient")
        weights = np.asarray(sizes, dtype=float)
        want = weights @ means / weights.sum()
        if len(sizes) > 1 and np.allclose(got, means.sum(axis=0)):
            raise Wrong("that is the sum of the means: as many times too long as there are batches")
        if len(set(sizes)) > 1 and np.allclose(got, means.mean(axis=0)):
            raise Wrong(
                f"that is the mean of the means. With batches of {', '.join(map(str, sizes))} a picture of "
                "the smallest would count more than one of the others"
            )
        if np.allclose(got, weights @ means) and weights.sum() > 1:
            raise Wrong("that is the sum over all pictures; divide it, once, by how many they are")
        close(got, want, 1e-9, what="the gradient")


big_gradient = Exercise(
    name="big_gradient",
    question=(
        "Write `big_gradient(means, sizes)`: the gradient of the mean loss over all pictures. `means` (n, "
        "parameters) holds the gradient of each batch's own mean loss, `sizes` (n,) how many pictures each "
        "batch had."
    ),
    verify=_verify_big_gradient,
    hint_text="A mean is a sum divided by a number. Give each batch its sum back, add, divide once.",
    solution_source="""
        import numpy as np

        def big_gradient(means, sizes):
            sizes = np.asarray(sizes, dtype=float)
            return (sizes[:, None] * means).sum(axis=0) / sizes.sum()
    """,
    praise="The same line serves batches one after the other and batches on many machines.",
    wrong_answers={
        "sum of the means": "def big_gradient(means, sizes):\n    return means.sum(axis=0)",
        "mean of the means": "def big_gradient(means, sizes):\n    return means.mean(axis=0)",
        "divide it, once": """
            import numpy as np
            def big_gradient(means, sizes):
                return (np.asarray(sizes)[:, None] * means).sum(axis=0)
        """,
    },
    other_right_answers=(
        """
        import numpy as np
        def big_gradient(means, sizes):
            return np.average(means, axis=0, weights=sizes)
        """,
        """
        def big_gradient(means, sizes):
            total = 0
            for mean, size in zip(means, sizes):
                total = total + mean * (size / sum(sizes))
            return total
        """,
    ),
)
