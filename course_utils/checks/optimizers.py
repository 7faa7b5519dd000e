"""Stable rates, Adam's step, a schedule: exercises of `notebooks/04_optimizers`."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close
from course_utils.checks.exercise import Exercise, Wrong

Answer = Callable[..., Any]


def _stable(largest_stable_rate: Answer) -> None:
    for curvatures in ([1.0, 50.0], [0.2, 3.0, 0.01], [8.0]):
        got = float(largest_stable_rate(list(curvatures)))
        what = f"your rate for the curvatures {curvatures}"
        if len(curvatures) > 1 and math.isclose(got, 2 / min(curvatures), rel_tol=1e-6):
            raise Wrong(f"{what} is {got:.4g}: along the steepest direction this one diverges")
        if math.isclose(got, 1 / max(curvatures), rel_tol=1e-6):
            raise Wrong(
                f"{what} is {got:.4g}: this one jumps straight into the valley; twice of it is stable"
            )
        close(got, 2 / max(curvatures), 1e-6, what=what)


largest_stable_rate = Exercise(
    name="largest_stable_rate",
    question="The loss is 0.5 * (a * x^2 + b * y^2 + ...) with the curvatures `[a, b, ...]`. Write "
    "`largest_stable_rate(curvatures)`: the learning rate above which plain gradient descent diverges.",
    verify=_stable,
    hint_text="One step multiplies x by `1 - rate * a`. It shrinks as long as that lies between -1 and 1. "
    "Which of the directions breaks that first?",
    solution_source="""
        def largest_stable_rate(curvatures):
            return 2 / max(curvatures)
    """,
    praise="the steepest direction sets the rate, the flattest one the time: that is why ravines are slow.",
    wrong_answers={
        "along the steepest direction this one diverges": """
            def largest_stable_rate(curvatures):
                return 2 / min(curvatures)
        """,
        "twice of it is stable": """
            def largest_stable_rate(curvatures):
                return 1 / max(curvatures)
        """,
        "expected 0.04": """
            def largest_stable_rate(curvatures):
                return 2 / sum(curvatures)
        """,
    },
    other_right_answers=[
        """
        import numpy as np
        def largest_stable_rate(curvatures):
            return np.min(2 / np.asarray(curvatures))
        """,
        """
        def largest_stable_rate(curvatures):
            rate, step = 0.0, 1024.0
            while step > 1e-12:
                if all(abs(1 - (rate + step) * a) <= 1 for a in curvatures):
                    rate += step
                step /= 2
            return rate
        """,
    ],
)


def _adam(adam_step: Answer) -> None:
    gradients = np.array([[0.5, -100.0], [0.25, -50.0], [-0.1, 20.0], [0.4, 0.0]])
    weight, first, second = np.array([1.0, 1.0]), np.zeros(2), np.zeros(2)
    for step, gradient in enumerate(gradients, start=1):
        result = adam_step(weight.copy(), gradient.copy(), first.copy(), second.copy(), step, 0.1)
        if not isinstance(result, tuple | list) or len(result) != 3:
            raise Wrong(f"return three values, (weight, first, second); got {result!r:.80}")
        plain = 0.9 * first + 0.1 * gradient, 0.999 * second + 0.001 * gradient**2
        uncorrected = weight - 0.1 * plain[0] / (np.sqrt(plain[1]) + 1e-8)
        first, second = plain
        weight = weight - 0.1 * (first / (1 - 0.9**step)) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        got = np.asarray(result[0], dtype=float)
        if got.shape == weight.shape and np.allclose(got, uncorrected):
            raise Wrong(
                f"step {step}: the averages start at zero, so the first steps need the bias correction: "
                "divide by 1 - 0.9^step and 1 - 0.999^step"
            )
        if got.shape == weight.shape and np.allclose(np.asarray(result[1]), first / (1 - 0.9**step)):
            raise Wrong(
                f"step {step}: keep the plain averages; the corrected ones are used in this step only"
            )
        for name, mine, right in zip(
            ("first average", "second average", "weight"),
            (result[1], result[2], result[0]),
            (first, second, weight),
            strict=True,
        ):
            close(mine, right, 1e-7, what=f"the {name} after step {step}")


adam_step = Exercise(
    name="adam_step",
    question="Write `adam_step(weight, gradient, first, second, step, rate)` with NumPy arrays; "
    "`step` counts from 1, the betas are 0.9 and 0.999, epsilon is 1e-8. Return "
    "(weight, first, second) after the step.",
    verify=_adam,
    hint_text="`first` averages the gradient, `second` its square. Divide each by `1 - beta ** step` for the "
    "update only, and return the averages themselves. Epsilon is added to the root.",
    solution_source="""
        import numpy as np


        def adam_step(weight, gradient, first, second, step, rate):
            first = 0.9 * first + 0.1 * gradient
            second = 0.999 * second + 0.001 * gradient**2
            direction = first / (1 - 0.9**step)
            size = np.sqrt(second / (1 - 0.999**step))
            return weight - rate * direction / (size + 1e-8), first, second
    """,
    praise="in the first step both corrected averages equal the gradient: every weight moves by the rate.",
    wrong_answers={
        "need the bias correction": """
            import numpy as np
            def adam_step(weight, gradient, first, second, step, rate):
                first = 0.9 * first + 0.1 * gradient
                second = 0.999 * second + 0.001 * gradient**2
                return weight - rate * first / (np.sqrt(second) + 1e-8), first, second
        """,
        "used in this step only": """
            import numpy as np
            def adam_step(weight, gradient, first, second, step, rate):
                first = (0.9 * first + 0.1 * gradient) / (1 - 0.9**step)
                second = (0.999 * second + 0.001 * gradient**2) / (1 - 0.999**step)
                return weight - rate * first / (np.sqrt(second) + 1e-8), first, second
        """,
        "the weight after step 1": """
            import numpy as np
            def adam_step(weight, gradient, first, second, step, rate):
                first = 0.9 * first + 0.1 * gradient
                second = 0.999 * second + 0.001 * gradient**2
                size = second / (1 - 0.999**step)
                return weight - rate * first / (1 - 0.9**step) / (size + 1e-8), first, second
        """,
        "return three values": """
            import numpy as np
            def adam_step(weight, gradient, first, second, step, rate):
                return weight - rate * np.sign(gradient)
        """,
    },
    other_right_answers=[
        """
        import math
        def adam_step(weight, gradient, first, second, step, rate):
            m = first + 0.1 * (gradient - first)
            v = second + 0.001 * (gradient * gradient - second)
            scale = rate / (1 - 0.9**step)
            root = math.sqrt(1 - 0.999**step)
            return weight - scale * m / (v**0.5 / root + 1e-8), m, v
        """,
        """
        import torch
        def adam_step(weight, gradient, first, second, step, rate):
            parameter = torch.nn.Parameter(torch.tensor(weight))
            adam = torch.optim.Adam([parameter], lr=rate)
            state = {"step": torch.tensor(float(step - 1)), "exp_avg": torch.tensor(first),
                     "exp_avg_sq": torch.tensor(second)}
            adam.state[parameter] = state
            parameter.grad = torch.tensor(gradient)
            adam.step()
            return parameter.detach().numpy(), state["exp_avg"].numpy(), state["exp_avg_sq"].numpy()
        """,
    ],
)


def _warm_cosine(warmup_cosine: Answer) -> None:
    for total, warmup, highest in ((20, 5, 1.0), (100, 10, 0.003), (8, 0, 2.0)):
        got = [float(warmup_cosine(step, total, warmup, highest)) for step in range(total)]
        what = f"with {total} steps, {warmup} of them warm-up, and the highest rate {highest}"
        if warmup and got[0] == 0:
            raise Wrong(f"{what}: the rate of step 0 is 0, so the first batch teaches nothing")
        if warmup and not math.isclose(max(got), highest, rel_tol=1e-9):
            raise Wrong(f"{what}: the highest rate you give is {max(got):.4g}")
        for step in range(total):
            if step < warmup:
                right = highest * (step + 1) / (warmup + 1)
            else:
                right = highest * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
            close(got[step], right, 1e-9, what=f"the rate of step {step} {what}")


warmup_cosine = Exercise(
    name="warmup_cosine",
    question="Write `warmup_cosine(step, total, warmup, highest)`: the learning rate of `step` (from 0). It "
    "rises in a straight line, `highest * (step + 1) / (warmup + 1)` for the first `warmup` steps; step "
    "`warmup` has the highest rate; from there it falls as half a cosine wave that would reach 0 at step "
    "`total`.",
    verify=_warm_cosine,
    hint_text="After the warm-up the share that is done is `(step - warmup) / (total - warmup)`. Half a "
    "wave: `(1 + cos(pi * share)) / 2`.",
    solution_source="""
        import math


        def warmup_cosine(step, total, warmup, highest):
            if step < warmup:
                return highest * (step + 1) / (warmup + 1)
            share = (step - warmup) / (total - warmup)
            return highest * (1 + math.cos(math.pi * share)) / 2
    """,
    praise="a schedule is a plain function of the step; the library's classes add saving and resuming.",
    wrong_answers={
        "the first batch teaches nothing": """
            import math
            def warmup_cosine(step, total, warmup, highest):
                if step < warmup:
                    return highest * step / warmup
                return highest * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))) / 2
        """,
        "the highest rate you give is": """
            import math
            def warmup_cosine(step, total, warmup, highest):
                if step < warmup:
                    return highest * (step + 1) / (warmup + 1)
                return highest * (1 + math.cos(math.pi * step / total)) / 2
        """,
        "the rate of step 6": """
            import math
            def warmup_cosine(step, total, warmup, highest):
                if step < warmup:
                    return highest * (step + 1) / (warmup + 1)
                return highest * (1 - (step - warmup) / (total - warmup))
        """,
    },
    other_right_answers=[
        """
        import numpy as np
        def warmup_cosine(step, total, warmup, highest):
            rise = highest * (step + 1) / (warmup + 1)
            fall = highest * np.cos(np.pi / 2 * (step - warmup) / (total - warmup)) ** 2
            return rise if step < warmup else fall
        """,
        """
        import torch
        from course_utils.training.schedules import build_schedule
        def warmup_cosine(step, total, warmup, highest):
            optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=highest)
            schedule = build_schedule("cosine", optimizer, total_steps=total, warmup_steps=warmup)
            for _ in range(step):
                optimizer.step()
                schedule.step()
            return optimizer.param_groups[0]["lr"]
        """,
    ],
)
