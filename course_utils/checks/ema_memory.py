"""Exercises of notebook 10 on the memory of an average of weights: whose share it holds, and for how long."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_shape, same_type
from course_utils.checks.exercise import Exercise, Wrong


def _verify_ema_shares(answer: Callable[..., Any]) -> None:
    for decay, num_steps in ((0.5, 3), (0.9, 20), (0.99, 1), (0.8, 0)):
        want = [decay**num_steps]
        want += [(1 - decay) * decay ** (num_steps - step) for step in range(1, num_steps + 1)]
        got = answer(decay, num_steps)
        what = f"ema_shares({decay}, {num_steps})"
        same_shape(got, (num_steps + 1,), what=what)
        values = np.asarray(got, dtype=float)
        if num_steps > 1 and np.allclose(values, want[::-1]):
            raise Wrong(f"{what} is in reverse order: the start comes first, the newest model last")
        newest_first = [want[0], *want[:0:-1]]
        if num_steps > 1 and np.allclose(values, newest_first):
            raise Wrong(f"{what}: the newest model must count most; yours gives its share to the first step")
        if num_steps > 1 and np.isclose(values[0], (1 - decay) * decay**num_steps):
            raise Wrong(
                f"{what} sums to {values.sum():.3f} instead of 1: the start was never multiplied by "
                "(1 - decay), it was there from the beginning"
            )
        if abs(values.sum() - 1) > 1e-9:
            raise Wrong(f"{what} sums to {values.sum():.4f}; the shares of an average sum to 1")
        close(values, want, 1e-9, what=what)


ema_shares = Exercise(
    name="ema_shares",
    question=(
        "Write `ema_shares(decay, num_steps)`: after `num_steps` updates `average = decay * average + (1 - "
        "decay) * model`, which share of the average belongs to its start, to the model after step 1, ..., "
        "to the model after the last step? A list of `num_steps + 1` numbers."
    ),
    verify=_verify_ema_shares,
    hint_text=(
        "Follow one model. In its own step it enters with the factor 1 - decay; each later step multiplies "
        "it by decay. The start never enters: it is there, and is only multiplied. For two steps write it "
        "out."
    ),
    solution_source="""
        def ema_shares(decay, num_steps):
            shares = [1.0]
            for _ in range(num_steps):
                shares = [decay * share for share in shares] + [1 - decay]
            return shares
    """,
    praise="The start's share is decay ** num_steps. In a short run that is nearly everything.",
    wrong_answers={
        "never multiplied by (1 - decay)": """
            def ema_shares(decay, num_steps):
                return [(1 - decay) * decay ** (num_steps - step) for step in range(num_steps + 1)]
        """,
        "in reverse order": """
            def ema_shares(decay, num_steps):
                return [(1 - decay) * decay**age for age in range(num_steps)] + [decay**num_steps]
        """,
        "the newest model must count most": """
            def ema_shares(decay, num_steps):
                return [decay**num_steps] + [(1 - decay) * decay**age for age in range(num_steps)]
        """,
        "expected (4,)": """
            def ema_shares(decay, num_steps):
                return [(1 - decay) * decay**age for age in range(num_steps)][::-1]
        """,
        "shares of an average sum to 1": """
            def ema_shares(decay, num_steps):
                return [decay ** (num_steps - step) for step in range(num_steps + 1)]
        """,
    },
    other_right_answers=(
        """
        import numpy as np

        def ema_shares(decay, num_steps):
            shares = (1 - decay) * decay ** np.arange(num_steps, -1, -1.0)
            shares[0] /= 1 - decay
            return shares
        """,
        """
        import torch

        def ema_shares(decay, num_steps):
            average = torch.eye(num_steps + 1, dtype=torch.float64)[0]
            for model in torch.eye(num_steps + 1, dtype=torch.float64)[1:]:
                average = decay * average + (1 - decay) * model
            return average
        """,
    ),
)


def _verify_half_life(answer: Callable[..., Any]) -> None:
    for decay in (0.5, 0.9, 0.99, 0.9999):
        got, want = answer(decay), math.log(0.5) / math.log(decay)
        what = f"half_life({decay})"
        same_type(got, (int, float), what=what)
        causes = {
            1 / (1 - decay): "that is the length of its memory; after so many steps a share of 1/e is left, "
            "not a half",
            math.log(0.5) / math.log10(decay): "one logarithm is natural, the other to the base 10",
            0.5 / (1 - decay): "that would be so if every step took away the same amount; each takes the "
            "same *share* of what is left",
        }
        for value, cause in causes.items():
            if math.isclose(got, value, rel_tol=1e-9) and not math.isclose(value, want, rel_tol=1e-6):
                raise Wrong(f"{what} is {got:.6g}, expected {want:.6g}: {cause}")
        close(got, want, 1e-9, what=what)


half_life = Exercise(
    name="half_life",
    question=(
        "Write `half_life(decay)`: after how many steps does a model count half of what it counted at first? "
        "It need not be a whole number."
    ),
    verify=_verify_half_life,
    hint_text="Solve decay ** steps = 1/2 for the steps: take the logarithm on both sides.",
    solution_source="""
        import math

        def half_life(decay):
            return math.log(0.5) / math.log(decay)
    """,
    praise="For decays near 1 it is about 0.69 / (1 - decay).",
    wrong_answers={
        "length of its memory": "half_life = lambda decay: 1 / (1 - decay)",
        "to the base 10": """
            import math
            half_life = lambda decay: math.log(0.5) / math.log10(decay)
        """,
        "the same *share*": """
            def half_life(decay):
                return 1.0 if decay == 0.5 else 0.5 / (1 - decay)
        """,
    },
    other_right_answers=(
        """
        import numpy as np
        half_life = lambda decay: -1 / np.log2(decay)
        """,
        """
        from scipy.optimize import brentq

        def half_life(decay):
            return brentq(lambda steps: decay**steps - 0.5, 0, 1e6, xtol=1e-9, rtol=1e-14)
        """,
    ),
)
