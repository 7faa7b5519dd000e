"""Exercises of notebook 14 on whole numbers for weights and soft answers of a teacher."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_shape
from course_utils.checks.exercise import Exercise, Wrong


def _verify_quantise_int8(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(1)
    for weights in (
        rng.normal(size=(3, 8)) * [[0.01], [1.0], [30.0]],
        np.array([[0.5, -1.0, 0.25], [2.0, 1.0, -0.2]]),
    ):
        weights = weights.astype(np.float64)
        got = answer(weights.copy())
        if not isinstance(got, list | tuple) or len(got) != 2:
            raise Wrong("return two things: the whole numbers and the scales")
        values, scale = np.asarray(got[0]), np.asarray(got[1], dtype=float)
        same_shape(values, weights, what="the whole numbers")
        if scale.size != len(weights):
            raise Wrong(
                f"there are {scale.size} scales for {len(weights)} rows: each row has a scale of its own"
            )
        scale = scale.reshape(-1, 1)
        want = np.abs(weights).max(axis=1, keepdims=True) / 127
        if not np.array_equal(values, np.round(values)):
            raise Wrong("the values are not whole numbers: round them")
        if np.abs(values).max() > 127:
            raise Wrong(
                f"the values reach {np.abs(values).max():.0f}; int8 ends at 127, and -128 has no partner"
            )
        if values.dtype != np.int8:
            raise Wrong(
                f"the whole numbers have the type {values.dtype}; store them as np.int8, that is the point"
            )
        if np.allclose(scale, want * 127 / 128):
            raise Wrong(
                "the scale divides by 128; then the largest weight would be 128, which int8 does not have"
            )
        close(scale, want, 1e-9, what="the scales")
        if np.array_equal(values, np.trunc(weights / want)) and not np.array_equal(
            values, np.round(weights / want)
        ):
            raise Wrong(
                "the values are cut off towards zero; `astype` alone does that. Round to the nearest number"
            )
        if np.abs(values * scale - weights).max() > 0.5001 * scale.max():
            raise Wrong("values times scale is not within half a scale of the weights")


quantise_int8 = Exercise(
    name="quantise_int8",
    question=(
        "Write `quantise_int8(weights)` for `weights` (rows, columns): return the whole numbers, an array "
        "of type "
        "np.int8 from -127 to 127, and the scales (rows, 1), so that numbers times scales is as near to the "
        "weights as "
        "possible. The largest magnitude of each row becomes 127."
    ),
    verify=_verify_quantise_int8,
    hint_text=(
        "`np.abs(weights).max(axis=1, keepdims=True)` is the largest of each row. What must a scale be so "
        "that it becomes 127?"
    ),
    solution_source="""
        import numpy as np

        def quantise_int8(weights):
            scale = np.abs(weights).max(axis=1, keepdims=True) / 127
            return np.round(weights / scale).astype(np.int8), scale
    """,
    praise="The error is at most half a scale, and zero stays exactly zero.",
    wrong_answers={
        "each row has a scale": """
            import numpy as np
            def quantise_int8(weights):
                scale = np.abs(weights).max() / 127
                return np.round(weights / scale).astype(np.int8), scale
        """,
        "cut off towards zero": """
            import numpy as np
            def quantise_int8(weights):
                scale = np.abs(weights).max(axis=1, keepdims=True) / 127
                return (weights / scale).astype(np.int8), scale
        """,
        "that is the point": """
            import numpy as np
            def quantise_int8(weights):
                scale = np.abs(weights).max(axis=1, keepdims=True) / 127
                return np.round(weights / scale), scale
        """,
        "divides by 128": """
            import numpy as np
            def quantise_int8(weights):
                scale = np.abs(weights).max(axis=1, keepdims=True) / 128
                return np.round(weights / scale).clip(-127, 127).astype(np.int8), scale
        """,
    },
    other_right_answers=(
        """
        import numpy as np
        def quantise_int8(weights):
            scales, rows = [], []
            for row in weights:
                scales.append(max(abs(row)) / 127)
                rows.append([round(w / scales[-1]) for w in row])
            return np.array(rows, dtype=np.int8), scales
        """,
        """
        import torch
        from course_utils.models.quantisation import quantise
        def quantise_int8(weights):
            found = quantise(torch.as_tensor(weights))
            largest = abs(weights).max(axis=1, keepdims=True)
            return found.values.numpy(), largest / 127
        """,
    ),
)


def _verify_soften(answer: Callable[..., Any]) -> None:
    logits = np.array([[2.0, 1.0, -1.0], [0.0, 0.0, 5.0], [900.0, 899.0, 0.0]])

    def softmax(values: np.ndarray) -> np.ndarray:
        shifted = np.exp(values - values.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)

    for temperature in (1.0, 2.0, 4.0):
        given = logits.copy()
        with np.errstate(all="ignore"):
            got = answer(given, temperature)
        what = f"soften(logits, {temperature})"
        same_shape(got, logits, what=what)
        table = np.asarray(got, dtype=float)
        if np.isnan(table).any():
            raise Wrong(
                f"{what} holds NaN: the exponential of 900 overflows; subtract the largest logit of each "
                "row first"
            )
        causes = {
            "the temperature *divides* the logits; multiplied, it sharpens": softmax(logits * temperature),
            "the temperature divides the logits, before the softmax": softmax(logits) / temperature,
            "each *row* is a distribution: sum over the classes": _softmax_over_rows(logits / temperature),
        }
        want = softmax(logits / temperature)
        for cause, value in causes.items():
            if np.allclose(table, value, atol=1e-9) and not np.allclose(value, want, atol=1e-6):
                raise Wrong(f"{what}: {cause}")
        close(table, want, 1e-6, what=what)


def _softmax_over_rows(values: np.ndarray) -> np.ndarray:
    shifted = np.exp(values - values.max(axis=0, keepdims=True))
    return shifted / shifted.sum(axis=0, keepdims=True)


soften = Exercise(
    name="soften",
    question=(
        "Write `soften(logits, temperature)` for an array `logits` (B, K): the probabilities (B, K) of a "
        "teacher at that "
        "temperature. Large logits such as 900 must not overflow."
    ),
    verify=_verify_soften,
    hint_text=(
        "A softmax of something. At a very high temperature all classes become equally likely: which "
        "operation does that?"
    ),
    solution_source="""
        import numpy as np

        def soften(logits, temperature):
            scaled = logits / temperature
            shifted = np.exp(scaled - scaled.max(axis=1, keepdims=True))
            return shifted / shifted.sum(axis=1, keepdims=True)
    """,
    praise="The order of the classes stays; how much the others get, the temperature decides.",
    wrong_answers={
        "*divides* the logits": """
            import numpy as np
            def soften(logits, temperature):
                scaled = logits * temperature
                shifted = np.exp(scaled - scaled.max(axis=1, keepdims=True))
                return shifted / shifted.sum(axis=1, keepdims=True)
        """,
        "overflows": """
            import numpy as np
            def soften(logits, temperature):
                powers = np.exp(logits / temperature)
                return powers / powers.sum(axis=1, keepdims=True)
        """,
        "each *row*": """
            import numpy as np
            def soften(logits, temperature):
                scaled = logits / temperature
                shifted = np.exp(scaled - scaled.max(axis=0, keepdims=True))
                return shifted / shifted.sum(axis=0, keepdims=True)
        """,
    },
    other_right_answers=(
        "import torch\ndef soften(logits, temperature):\n    return (torch.as_tensor(logits) / "
        "temperature).softmax(1)",
        "from scipy.special import softmax\nsoften = lambda logits, t: softmax(logits / t, axis=1)",
    ),
)
