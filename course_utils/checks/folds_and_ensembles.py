"""Exercises on out-of-fold predictions and on averaging models.

Used by `notebooks/16_kaggle_submission`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_shape
from course_utils.checks.exercise import Exercise, Wrong


def _nearest_mean(features: np.ndarray, targets: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    """A model for the check: scores (N, 3), minus the squared distance to each class's mean."""
    means = np.stack([features[targets == number].mean(axis=0) for number in range(3)])
    return lambda pictures: -((pictures[:, None, :] - means[None]) ** 2).sum(axis=2)


def _example(
    seed: int, num_pictures: int
) -> tuple[np.ndarray, np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    generator = np.random.default_rng(seed)
    targets = np.arange(num_pictures) % 3
    features = generator.normal(size=(num_pictures, 4)) + targets[:, None] * 0.5
    order = generator.permutation(num_pictures)  # the folds are mixed, so putting them in a row is not enough
    held_out = [np.sort(part) for part in np.array_split(order, 4)]
    return features, targets, [(np.setdiff1d(order, part), part) for part in held_out]


def _verify_out_of_fold(answer: Callable[..., Any]) -> None:
    for seed, num_pictures in ((0, 24), (1, 30)):
        features, targets, folds = _example(seed, num_pictures)
        models = [_nearest_mean(features[train], targets[train]) for train, _ in folds]
        want = np.empty((num_pictures, 3))
        for model, (_, val) in zip(models, folds, strict=True):
            want[val] = model(features[val])
        got = answer(features, targets, folds, _nearest_mean)
        what = f"out_of_fold for {num_pictures} pictures"
        same_shape(got, want, what=what)
        got = np.asarray(got, dtype=np.float64)
        if np.allclose(got, want):
            continue
        if np.allclose(got, np.mean([model(features) for model in models], axis=0)):
            raise Wrong(
                f"{what}: every model was asked about every picture, most of which it has learnt. A picture "
                "is predicted by the one model that did not see it"
            )
        if np.allclose(got, _nearest_mean(features, targets)(features)):
            raise Wrong(f"{what}: that is one model, asked about the pictures that it has learnt")
        if np.allclose(got, np.concatenate([want[val] for _, val in folds])):
            raise Wrong(
                f"{what}: the rows are right but come fold after fold. Put them back: row i belongs to "
                "picture i"
            )
        close(got, want, 1e-9, what=what)


out_of_fold = Exercise(
    name="out_of_fold",
    question=(
        "Write `out_of_fold(features, targets, folds, fit)`: `folds` is a list of pairs (training positions, "
        "validation positions), and `fit(features, targets)` gives a function from features (M, D) to scores "
        "(M, K). Return the scores of all pictures, (N, K), row i for picture i, each from the model "
        "that did "
        "not see it."
    ),
    verify=_verify_out_of_fold,
    hint_text=(
        "For each pair: fit on `features[train]`, ask about `features[val]`, and write the answer into the "
        "rows `val` of one array. Its width is known after the first fold."
    ),
    solution_source="""
        import numpy as np

        def out_of_fold(features, targets, folds, fit):
            scores = None
            for train, val in folds:
                found = fit(features[train], targets[train])(features[val])
                if scores is None:
                    scores = np.empty((len(features), found.shape[1]))
                scores[val] = found
            return scores
    """,
    praise=(
        "Every labelled picture now has an honest prediction. Keep these rows: blends, thresholds and "
        "temperatures are all chosen on them."
    ),
    wrong_answers={
        "asked about every picture": """
            import numpy as np

            def out_of_fold(features, targets, folds, fit):
                models = [fit(features[train], targets[train]) for train, val in folds]
                return np.mean([model(features) for model in models], axis=0)
        """,
        "fold after fold": """
            import numpy as np

            def out_of_fold(features, targets, folds, fit):
                return np.concatenate(
                    [fit(features[train], targets[train])(features[val]) for train, val in folds]
                )
        """,
        "pictures that it has learnt": """
            def out_of_fold(features, targets, folds, fit):
                return fit(features, targets)(features)
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def out_of_fold(features, targets, folds, fit):
            rows = {}
            for train, val in folds:
                model = fit(features[train], targets[train])
                for position, row in zip(val, model(features[val])):
                    rows[int(position)] = row
            return np.array([rows[position] for position in range(len(features))])
        """,
        """
        import numpy as np

        def out_of_fold(features, targets, folds, fit):
            parts = [fit(features[train], targets[train])(features[val]) for train, val in folds]
            order = np.argsort(np.concatenate([val for train, val in folds]))
            return np.concatenate(parts)[order]
        """,
    ],
)


def _softmax(logits: np.ndarray) -> np.ndarray:
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return shifted / shifted.sum(axis=-1, keepdims=True)


def _verify_blend(answer: Callable[..., Any]) -> None:
    generator = np.random.default_rng(7)
    for members, weights in ((2, [1.0, 1.0]), (3, [2.0, 1.0, 1.0]), (3, [0.5, 0.0, 1.5])):
        logits = generator.normal(size=(members, 5, 4)) * np.array([1.0, 6.0, 2.0])[:members, None, None]
        share = np.array(weights) / sum(weights)
        probabilities = _softmax(logits)
        want = (share[:, None, None] * probabilities).sum(axis=0)
        got = answer(logits.copy(), list(weights))
        what = f"blend of {members} members with the weights {weights}"
        same_shape(got, want, what=what)
        got = np.asarray(got, dtype=np.float64)
        if np.allclose(got, want, atol=1e-7):
            continue
        if np.allclose(got, (share[:, None, None] * logits).sum(axis=0)) or np.allclose(
            got, _softmax((share[:, None, None] * logits).sum(axis=0))
        ):
            raise Wrong(
                f"{what}: the logits were averaged. A member that shouts (large logits) then outvotes the "
                "others; take each one's softmax first"
            )
        if np.allclose(got, probabilities.mean(axis=0)):
            raise Wrong(f"{what}: the weights have no effect")
        if np.allclose(got, (np.array(weights)[:, None, None] * probabilities).sum(axis=0)):
            raise Wrong(f"{what}: rows do not sum to 1; divide the weights by their sum")
        close(got, want, 1e-6, what=what)


blend = Exercise(
    name="blend",
    question=(
        "Write `blend(logits, weights)`: `logits` (M, N, K) of M members for N pictures, `weights` M "
        "numbers of "
        "at least 0. Return the weighted mean of the members' probabilities, (N, K); rows sum to 1."
    ),
    verify=_verify_blend,
    hint_text=(
        "Softmax over the last axis, for each member. Divide the weights by their sum, then "
        "`np.tensordot` or "
        "a sum over the first axis."
    ),
    solution_source="""
        import numpy as np
        from scipy.special import softmax

        def blend(logits, weights):
            share = np.asarray(weights, dtype=float) / np.sum(weights)
            return np.tensordot(share, softmax(logits, axis=2), axes=1)
    """,
    praise=(
        "A weight is one more thing to choose: choose it on out-of-fold predictions, never on the public "
        "board."
    ),
    wrong_answers={
        "the logits were averaged": """
            import numpy as np
            from scipy.special import softmax

            def blend(logits, weights):
                share = np.asarray(weights, dtype=float) / np.sum(weights)
                return softmax(np.tensordot(share, logits, axes=1), axis=1)
        """,
        "the weights have no effect": """
            from scipy.special import softmax

            def blend(logits, weights):
                return softmax(logits, axis=2).mean(axis=0)
        """,
        "divide the weights by their sum": """
            import numpy as np
            from scipy.special import softmax

            def blend(logits, weights):
                return np.tensordot(np.asarray(weights), softmax(logits, axis=2), axes=1)
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def blend(logits, weights):
            total = 0
            for member, weight in zip(logits, weights):
                grown = np.exp(member - member.max(axis=1, keepdims=True))
                total = total + weight * grown / grown.sum(axis=1, keepdims=True)
            return total / sum(weights)
        """,
        """
        import torch

        def blend(logits, weights):
            weights = torch.tensor(weights, dtype=torch.float64)
            probabilities = torch.softmax(torch.as_tensor(logits), dim=-1)
            return torch.einsum("m,mnk->nk", weights / weights.sum(), probabilities).numpy()
        """,
    ],
)
