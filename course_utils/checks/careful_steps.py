"""Exercises of notebook 11 on the small print of training: the order of a step, shares, and accuracy at k."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong


def _verify_accuracy_at_k(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    for num_classes, k in ((12, 1), (12, 5), (3, 5), (7, 7)):
        logits = rng.permuted(np.tile(np.arange(num_classes, dtype=float), (60, 1)), axis=1)
        targets = rng.integers(0, num_classes, 60)
        counted = min(k, num_classes)
        best = np.argsort(-logits, axis=1)
        want = float((best[:, :counted] == targets[:, None]).any(axis=1).mean())
        what = f"accuracy_at_k(logits, targets, {k}) with {num_classes} classes"
        got = answer(logits.copy(), targets.copy(), k)
        same_type(got, (tuple, list), what=what)
        if len(got) != 2:
            raise Wrong(f"{what} gives {len(got)} values; give two, the share and the number counted")
        share, number = got
        same_type(share, float, what=f"the share of {what}")
        same_type(number, int, what=f"the number of {what}")
        if number != counted:
            raise Wrong(
                f"{what} says that {number} classes were counted, expected {counted}. There are only "
                f"{num_classes}: say so, or a perfect figure means nothing"
            )
        causes = {
            float((best[:, counted - 1] == targets).mean()): "that is the class at place k alone; the first "
            "k places count",
            float(
                (np.argsort(logits, axis=1)[:, :counted] == targets[:, None]).any(axis=1).mean()
            ): "those are the k *lowest* scores",
        }
        for value, cause in causes.items():
            if abs(float(share) - value) < 1e-9 < abs(value - want):
                raise Wrong(f"{what}: the share is {share:.4f}, expected {want:.4f}: {cause}")
        close(share, want, 1e-9, what=f"the share of {what}")


accuracy_at_k = Exercise(
    name="accuracy_at_k",
    question=(
        "Write `accuracy_at_k(logits, targets, k)` for NumPy arrays (N, K) and (N,). Give two values: the "
        "share of pictures, from 0 to 1, whose target is among the k highest scores; and how many classes "
        "were counted, which is k, or K if there are fewer classes than k."
    ),
    verify=_verify_accuracy_at_k,
    hint_text=(
        "`np.argsort(logits, axis=1)` orders the classes of each picture from the lowest score to the "
        "highest. Take the last ones, compare with `targets[:, None]`, and ask for `any` along the row."
    ),
    solution_source="""
        import numpy as np

        def accuracy_at_k(logits, targets, k):
            counted = min(k, logits.shape[1])
            highest = np.argsort(logits, axis=1)[:, -counted:]
            hit = (highest == targets[:, None]).any(axis=1)
            return hit.mean(), counted
    """,
    praise="With three classes, ACC@5 is 1 for every network. A figure's name should say what it counts.",
    wrong_answers={
        "the first k places count": """
            import numpy as np

            def accuracy_at_k(logits, targets, k):
                k = min(k, logits.shape[1])
                return (np.argsort(-logits, axis=1)[:, k - 1] == targets).mean(), k
        """,
        "those are the k *lowest*": """
            import numpy as np

            def accuracy_at_k(logits, targets, k):
                k = min(k, logits.shape[1])
                return (np.argsort(logits, axis=1)[:, :k] == targets[:, None]).any(axis=1).mean(), k
        """,
        "There are only 3": """
            import numpy as np

            def accuracy_at_k(logits, targets, k):
                return (np.argsort(-logits, axis=1)[:, :k] == targets[:, None]).any(axis=1).mean(), k
        """,
        "not in percent": """
            import numpy as np

            def accuracy_at_k(logits, targets, k):
                k = min(k, logits.shape[1])
                return 100 * (np.argsort(-logits, axis=1)[:, :k] == targets[:, None]).any(axis=1).mean(), k
        """,
    },
    other_right_answers=(
        """
        import numpy as np

        def accuracy_at_k(logits, targets, k):
            own = np.take_along_axis(logits, targets[:, None], axis=1)
            rank = (logits > own).sum(axis=1)
            return float(np.mean(rank < k)), min(k, logits.shape[1])
        """,
        """
        from course_utils.evaluation.metrics import top_k_accuracy

        def accuracy_at_k(logits, targets, k):
            found = top_k_accuracy(logits, targets, k)
            return found.value, found.k
        """,
    ),
)


@np.errstate(all="ignore")
def _verify_careful_gradients(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(1)
    for scale, limit, size in ((1024.0, 5.0, 0.1), (65536.0, 1.0, 4.0), (8.0, 2.0, 3.0)):
        right = [size * rng.normal(size=(3, 4)), size * rng.normal(size=6)]
        scaled = [gradient * scale for gradient in right]
        kept = [gradient.copy() for gradient in scaled]
        length = float(np.sqrt(sum((gradient**2).sum() for gradient in right)))
        factor = min(1.0, limit / length)
        got = answer(scaled, scale, limit)
        if any(not np.array_equal(a, b) for a, b in zip(scaled, kept, strict=True)):
            raise Wrong("your function changes the gradients that it was given: give new arrays")
        what = f"careful_gradients(gradients, {scale:g}, {limit:g})"
        same_type(got, (list, tuple), what=what)
        if len(got) != 2:
            raise Wrong(f"{what} gives {len(got)} arrays, expected as many as it was given: 2")
        for mine, gradient in zip(got, right, strict=True):
            _compare(np.asarray(mine), gradient, factor, scale, limit, length, what)
    bad = [np.array([1.0, 2.0]), np.array([np.inf, 0.0])]
    for gradients in (bad, [np.array([np.nan]), np.array([1.0])]):
        if answer([gradient.copy() for gradient in gradients], 4.0, 1.0) is not None:
            raise Wrong("a gradient is infinite or NaN, so the step must be left out: give None")


def _compare(
    mine: np.ndarray,
    gradient: np.ndarray,
    factor: float,
    scale: float,
    limit: float,
    length: float,
    what: str,
) -> None:
    """Pass if `mine` is `gradient` times `factor`, else `Wrong` with the likeliest cause."""
    own = float(np.sqrt((gradient**2).sum()))
    causes = {
        min(1.0, limit / (length * scale)): "the length was measured before the scale was taken out, so "
        "nearly nothing is left of the gradient",
        limit / length: "a gradient that is shorter than the limit stays as it is",
        min(1.0, limit / own): "the limit holds for the length of all gradients together, not for each array",
        factor * scale: "the scale is still in it: divide by it before the step",
        1.0: "it is not clipped",
    }
    for value, cause in causes.items():
        if mine.shape == gradient.shape and np.allclose(mine, gradient * value, rtol=1e-6):
            if abs(value - factor) > 1e-9:
                raise Wrong(f"{what}: {cause}")
            return
    close(mine, gradient * factor, 1e-6, what=what)


careful_gradients = Exercise(
    name="careful_gradients",
    question=(
        "Write `careful_gradients(gradients, scale, limit)`. `gradients` is a list of NumPy arrays: the "
        "gradients of `scale` times the loss. Give the list of gradients to step with: of the loss itself, "
        "together no longer than `limit`. Give `None` if any number is infinite or NaN."
    ),
    verify=_verify_careful_gradients,
    hint_text=(
        "Three things in this order: look whether all are finite (`np.isfinite`), divide by the scale, and "
        "only then measure the length, which is the root of the sum of all squares of all arrays. If it is "
        "above the limit, multiply everything by `limit / length`."
    ),
    solution_source="""
        import numpy as np

        def careful_gradients(gradients, scale, limit):
            if not all(np.isfinite(gradient).all() for gradient in gradients):
                return None
            unscaled = [gradient / scale for gradient in gradients]
            length = np.sqrt(sum((gradient**2).sum() for gradient in unscaled))
            factor = min(1.0, limit / length) if length > 0 else 1.0
            return [gradient * factor for gradient in unscaled]
    """,
    praise="After a step that was left out, the scaler halves its scale and tries again.",
    wrong_answers={
        "before the scale was taken out": """
            import numpy as np

            def careful_gradients(gradients, scale, limit):
                if not all(np.isfinite(gradient).all() for gradient in gradients):
                    return None
                length = np.sqrt(sum((gradient**2).sum() for gradient in gradients))
                return [gradient * min(1.0, limit / length) / scale for gradient in gradients]
        """,
        "stays as it is": """
            import numpy as np

            def careful_gradients(gradients, scale, limit):
                if not all(np.isfinite(gradient).all() for gradient in gradients):
                    return None
                length = np.sqrt(sum(((gradient / scale) ** 2).sum() for gradient in gradients))
                return [gradient / scale * limit / length for gradient in gradients]
        """,
        "all gradients together": """
            import numpy as np

            def careful_gradients(gradients, scale, limit):
                unscaled = [gradient / scale for gradient in gradients]
                return [g * min(1.0, limit / np.linalg.norm(g)) for g in unscaled]
        """,
        "give None": """
            import numpy as np

            def careful_gradients(gradients, scale, limit):
                unscaled = [gradient / scale for gradient in gradients]
                length = np.sqrt(sum((gradient**2).sum() for gradient in unscaled))
                return [gradient * min(1.0, limit / length) for gradient in unscaled]
        """,
    },
    other_right_answers=(
        """
        import numpy as np

        def careful_gradients(gradients, scale, limit):
            flat = np.concatenate([gradient.ravel() for gradient in gradients]) / scale
            if not np.isfinite(flat).all():
                return None
            too_long = max(1.0, np.linalg.norm(flat) / limit)
            return [gradient / (scale * too_long) for gradient in gradients]
        """,
        """
        import torch

        def careful_gradients(gradients, scale, limit):
            holders = [torch.nn.Parameter(torch.zeros(gradient.shape).double()) for gradient in gradients]
            for holder, gradient in zip(holders, gradients):
                holder.grad = torch.tensor(gradient).double() / scale
            if not torch.isfinite(torch.nn.utils.clip_grad_norm_(holders, limit)):
                return None
            return [holder.grad.numpy() for holder in holders]
        """,
    ),
)


def _verify_loss_factors(answer: Callable[..., Any]) -> None:
    for sizes in ([11, 10], [16, 16, 16, 16], [8, 8, 8, 5], [7]):
        total, world = sum(sizes), len(sizes)
        want = [size * world / total for size in sizes]
        what = f"loss_factors({sizes})"
        got = answer(list(sizes))
        same_type(got, (list, tuple, np.ndarray), what=what)
        if len(got) == world:
            shares = [size / total for size in sizes]
            causes = (
                (shares, "those are the shares; the mean over the processes divides by their number again"),
                ([1.0] * world, "with equal factors a picture in a small share counts more than the others"),
                ([total / (world * size) for size in sizes], "it is upside down: a larger share counts more"),
            )
            for values, cause in causes:
                if np.allclose(got, values) and not np.allclose(values, want):
                    raise Wrong(f"{what} is {[round(float(value), 4) for value in got]}: {cause}")
        close(np.asarray(got), np.asarray(want), 1e-9, what=what)


loss_factors = Exercise(
    name="loss_factors",
    question=(
        "Several processes share a batch: process i has `sizes[i]` pictures and computes the mean loss over "
        "them; the gradients are then averaged over the processes, each counting the same. Write "
        "`loss_factors(sizes)`: by which factor must each process multiply its loss, so that the result is "
        "the gradient of the mean over all pictures?"
    ),
    verify=_verify_loss_factors,
    hint_text=(
        "Write both down for two processes. Wanted: (n1 * m1 + n2 * m2) / (n1 + n2), with the means m1 and "
        "m2. What you get: (f1 * m1 + f2 * m2) / 2. For equal shares every factor is 1."
    ),
    solution_source="""
        def loss_factors(sizes):
            return [size * len(sizes) / sum(sizes) for size in sizes]
    """,
    praise="That is the line in `training/steps.py` that makes two processes equal to one.",
    wrong_answers={
        "divides by their number again": "def loss_factors(s):\n    return [n / sum(s) for n in s]",
        "counts more than the others": "def loss_factors(sizes):\n    return [1.0 for _ in sizes]",
        "it is upside down": "def loss_factors(s):\n    return [sum(s) / len(s) / n for n in s]",
        "values differ": "def loss_factors(sizes):\n    return [size / max(sizes) for size in sizes]",
    },
    other_right_answers=(
        """
        import numpy as np

        def loss_factors(sizes):
            return np.array(sizes) / np.mean(sizes)
        """,
        """
        from fractions import Fraction

        def loss_factors(sizes):
            mean = Fraction(sum(sizes), len(sizes))
            return [float(size / mean) for size in sizes]
        """,
    ),
)
