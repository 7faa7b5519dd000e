"""Exercises of notebook 14 on leaving out weights: masks, bytes, a budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_shape, same_type
from course_utils.checks.exercise import Exercise, Wrong

MAX_BYTES = 40_000


def _verify_magnitude_mask(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    for shape, share in (((4, 5), 0.3), ((10,), 0.5), ((3, 2, 2, 5), 0.75)):
        weights = rng.normal(size=shape)
        given = weights.copy()
        got = np.asarray(answer(given, share))
        what = f"magnitude_mask(weights of {shape}, {share})"
        if not np.array_equal(given, weights):
            raise Wrong("your function changes the weights that it was given; return a mask of its own")
        same_shape(got, weights, what=what)
        kept = got.astype(bool)
        num_left_out = round(share * weights.size)
        magnitude = np.abs(weights)
        want = magnitude >= np.sort(magnitude.ravel())[num_left_out]
        if np.array_equal(kept, ~want):
            raise Wrong(f"{what} keeps the small weights and leaves out the large ones: turn it round")
        if np.array_equal(kept, weights >= np.sort(weights.ravel())[num_left_out]):
            raise Wrong(
                f"{what} leaves out the most negative weights: the *magnitude* counts, so take `abs` first"
            )
        if int(kept.sum()) == num_left_out != int(want.sum()):
            raise Wrong(f"{what} keeps {share:.0%}; that share is what should go")
        if not np.array_equal(kept, want):
            raise Wrong(
                f"{what} keeps {int(kept.sum())} of {weights.size} weights, expected the largest "
                f"{int(want.sum())}"
            )


magnitude_mask = Exercise(
    name="magnitude_mask",
    question=(
        "Write `magnitude_mask(weights, share)`: an array of the shape of `weights` (any number of axes) "
        "that is True "
        "for weights to keep and False for the `share` of them with the smallest magnitude."
    ),
    verify=_verify_magnitude_mask,
    hint_text=(
        "`np.quantile(np.abs(weights), share)` is a threshold: that share of the magnitudes lies below it."
    ),
    solution_source="""
        import numpy as np

        def magnitude_mask(weights, share):
            magnitude = np.abs(weights)
            return magnitude > np.quantile(magnitude, share)
    """,
    praise="Multiply the weights with it, and the network is pruned.",
    wrong_answers={
        "turn it round": """
            import numpy as np
            def magnitude_mask(weights, share):
                return np.abs(weights) <= np.quantile(np.abs(weights), share)
        """,
        "*magnitude* counts": """
            import numpy as np
            def magnitude_mask(weights, share):
                return weights > np.quantile(weights, share)
        """,
        "what should go": """
            import numpy as np
            def magnitude_mask(weights, share):
                return np.abs(weights) > np.quantile(np.abs(weights), 1 - share)
        """,
        "expected the largest": """
            import numpy as np
            def magnitude_mask(weights, share):
                return np.abs(weights) > share
        """,
    },
    other_right_answers=(
        """
        import numpy as np
        def magnitude_mask(weights, share):
            order = np.argsort(np.abs(weights), axis=None)
            mask = np.ones(weights.size, dtype=int)
            mask[order[: round(share * weights.size)]] = 0
            return mask.reshape(weights.shape)
        """,
        """
        import torch
        def magnitude_mask(weights, share):
            magnitude = torch.as_tensor(weights).abs()
            num = round(share * magnitude.numel())
            threshold = magnitude.flatten().kthvalue(num).values
            return (magnitude > threshold).numpy()
        """,
    ),
)


def _verify_sparse_bytes(answer: Callable[..., Any]) -> None:
    for num_weights, share in ((1_000_000, 0.9), (4096, 0.25), (300_000, 0.5)):
        got = answer(num_weights, share)
        what = f"sparse_bytes({num_weights:,}, {share})"
        same_type(got, float, what=what)
        left = num_weights * (1 - share)
        want = left * 8
        causes = {
            left * 4: "those are the values alone; without their places nobody knows where they belong",
            num_weights * 4: "that is the plain file, in which a zero takes as many bytes as any number",
            num_weights * share * 8: "the share is what is left *out*",
            left * 64: "bytes, not bits",
        }
        for value, cause in causes.items():
            if abs(got - value) < 0.5 < abs(want - value):
                raise Wrong(f"{what} is {got:,.0f}, expected {want:,.0f}: {cause}")
        close(got, want, 1e-9, what=what)


sparse_bytes = Exercise(
    name="sparse_bytes",
    question=(
        "Write `sparse_bytes(num_weights, share)`: how many bytes a pruned weight takes if only what is not "
        "zero is stored, as a value of 4 bytes and its place as a number of 4 bytes. `share` of the weights "
        "is zero."
    ),
    verify=_verify_sparse_bytes,
    hint_text="How many weights are left? Each needs two numbers.",
    solution_source="""
        def sparse_bytes(num_weights, share):
            return num_weights * (1 - share) * (4 + 4)
    """,
    praise="So half of the weights has to go before this way of storing saves a single byte.",
    wrong_answers={
        "values alone": "def sparse_bytes(num_weights, share):\n    return num_weights * (1 - share) * 4",
        "plain file": "def sparse_bytes(num_weights, share):\n    return num_weights * 4",
        "left *out*": "def sparse_bytes(num_weights, share):\n    return num_weights * share * 8",
        "not bits": "def sparse_bytes(num_weights, share):\n    return num_weights * (1 - share) * 64",
    },
    other_right_answers=(
        "sparse_bytes = lambda n, share: 8 * (n - n * share)",
        """
        def sparse_bytes(num_weights, share):
            left = num_weights - round(num_weights * share)
            values, places = 4 * left, 4 * left
            return values + places
        """,
    ),
)


def _verify_small_network(answer: Any) -> None:
    from course_utils.models.counting import count_parameters
    from course_utils.models.simple_cnn import SimpleCNN

    same_type(answer, dict, what="small_network")
    expected = {"channels", "hidden", "bytes_each", "share_left_out"}
    if set(answer) != expected:
        raise Wrong(f"small_network has the keys {sorted(map(str, answer))}, expected {sorted(expected)}")
    same_type(answer["channels"], (list, tuple), what="channels")
    same_type(answer["hidden"], (list, tuple), what="hidden")
    if answer["bytes_each"] not in (1, 2, 4):
        raise Wrong(f"bytes_each is {answer['bytes_each']!r}: 4 for float32, 2 for float16, 1 for int8")
    same_type(answer["share_left_out"], float, what="share_left_out")
    if not 0 <= answer["share_left_out"] < 1:
        raise Wrong("share_left_out lies from 0 to below 1")
    model = SimpleCNN(
        num_classes=10, image_size=28, in_channels=1, channels=answer["channels"], hidden=answer["hidden"]
    )
    left = count_parameters(model) * (1 - answer["share_left_out"])
    place = 4 if answer["share_left_out"] > 0 else 0  # what is left out has to be noted somewhere
    total = left * (answer["bytes_each"] + place)
    if total > MAX_BYTES:
        why = " (each value that stays also needs 4 bytes for its place)" if place else ""
        raise Wrong(f"that takes about {total:,.0f} bytes{why}, more than {MAX_BYTES:,}")


small_network = Exercise(
    name="small_network",
    question=(
        f"Choose a digits network of at most {MAX_BYTES:,} bytes: `small_network = "
        f"{{'channels': (...), 'hidden': (...), "
        "'bytes_each': 4, 2 or 1, 'share_left_out': ...}` (a SimpleCNN; pruned weights are stored as in "
        "`sparse_bytes`). "
        "Then make it as accurate as you can, by any means of this notebook."
    ),
    verify=_verify_small_network,
    hint_text=(
        "Most parameters of the original sit in its first linear layer. Narrow channels with int8, or wide "
        "ones with pruning? The bytes are the same; the accuracy decides."
    ),
    solution_source="""
        small_network = {"channels": (12, 24, 32), "hidden": (64,), "bytes_each": 1, "share_left_out": 0.0}
    """,
    praise=(
        "It fits. How accurate it becomes is open: train it, with or without a teacher, and measure on "
        "validation."
    ),
    wrong_answers={
        "more than 40,000": """
            small_network = {
                "channels": (16, 32, 64), "hidden": (128,), "bytes_each": 4, "share_left_out": 0.0
            }
        """,
        "for its place": """
            small_network = {
                "channels": (16, 32, 64), "hidden": (64,), "bytes_each": 1, "share_left_out": 0.5
            }
        """,
        "4 for float32": """
            small_network = {"channels": (8, 8), "hidden": (8,), "bytes_each": 8, "share_left_out": 0.0}
        """,
        "expected ['bytes_each'": "small_network = {'channels': (8, 16)}",
    },
    other_right_answers=(
        "small_network = dict(channels=[8, 16, 24], hidden=[], bytes_each=4, share_left_out=0.0)",
        "small_network = {'channels': (16, 32, 64), 'hidden': (64,), 'bytes_each': 1, 'share_left_out': 0.9}",
    ),
)
