"""Exercises of notebook 12 on features as points: variance, and maps that are fair."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong


def _verify_explained_share(answer: Callable[..., Any]) -> None:
    rng = np.random.default_rng(0)
    for num_axes in (1, 2, 3):
        values = rng.normal(size=(40, 4)) * [5.0, 3.0, 1.0, 0.5] + [20.0, -7.0, 0.0, 3.0]
        given = values.copy()
        got = answer(given, num_axes)
        what = f"explained_share(values, {num_axes})"
        if not np.array_equal(given, values):
            raise Wrong("your function changes the values that it was given: write `values = values - mean`")
        same_type(got, float, what=what)
        centred = np.linalg.svd(values - values.mean(0), compute_uv=False)
        raw = np.linalg.svd(values, compute_uv=False)
        want = float((centred[:num_axes] ** 2).sum() / (centred**2).sum())
        causes = {
            float(
                (raw[:num_axes] ** 2).sum() / (raw**2).sum()
            ): "the values have to be centred first: subtract "
            "the mean of each column, or the first axis points from zero to the mean",
            float(
                centred[:num_axes].sum() / centred.sum()
            ): "the variance along an axis is the *square* of its singular value",
            float(
                centred[num_axes - 1] ** 2 / (centred**2).sum()
            ): "that is the share of one axis; add up the first ones",
        }
        for value, cause in causes.items():
            if abs(got - value) < 1e-9 < abs(want - value):
                raise Wrong(f"{what} is {got:.4f}, expected {want:.4f}: {cause}")
        close(got, want, 1e-8, what=what)


explained_share = Exercise(
    name="explained_share",
    question=(
        "Write `explained_share(values, num_axes)`: the share of the variance of `values` (N, D) that the "
        "first "
        "`num_axes` principal axes hold, a number from 0 to 1."
    ),
    verify=_verify_explained_share,
    hint_text=(
        "Centre the columns, then take `np.linalg.svd(..., compute_uv=False)`. What is the variance along "
        "an axis, "
        "in terms of its singular value? A common factor cancels in the share."
    ),
    solution_source="""
        import numpy as np

        def explained_share(values, num_axes):
            singular = np.linalg.svd(values - values.mean(axis=0), compute_uv=False)
            variances = singular**2
            return variances[:num_axes].sum() / variances.sum()
    """,
    praise="The rest of the variance is what a plane cannot show.",
    wrong_answers={
        "have to be centred": """
            import numpy as np
            def explained_share(values, num_axes):
                variances = np.linalg.svd(values, compute_uv=False) ** 2
                return variances[:num_axes].sum() / variances.sum()
        """,
        "*square*": """
            import numpy as np
            def explained_share(values, num_axes):
                singular = np.linalg.svd(values - values.mean(0), compute_uv=False)
                return singular[:num_axes].sum() / singular.sum()
        """,
        "the share of one axis": """
            import numpy as np
            def explained_share(values, num_axes):
                variances = np.linalg.svd(values - values.mean(0), compute_uv=False) ** 2
                return variances[num_axes - 1] / variances.sum()
        """,
        "changes the values": """
            import numpy as np
            def explained_share(values, num_axes):
                values -= values.mean(axis=0)
                variances = np.linalg.svd(values, compute_uv=False) ** 2
                return variances[:num_axes].sum() / variances.sum()
        """,
    },
    other_right_answers=(
        """
        import numpy as np
        def explained_share(values, num_axes):
            variances = np.linalg.eigvalsh(np.cov(values.T))[::-1]
            return float(variances[:num_axes].sum() / variances.sum())
        """,
        """
        from sklearn.decomposition import PCA
        def explained_share(values, num_axes):
            return PCA(num_axes).fit(values).explained_variance_ratio_.sum()
        """,
    ),
)


def _verify_fair_maps(answer: Any) -> None:
    same_type(answer, dict, what="fair_maps")
    expected = {"claim", "perplexities", "seeds", "control", "number"}
    if set(answer) != expected:
        raise Wrong(f"fair_maps has the keys {sorted(map(str, answer))}, expected {sorted(expected)}")
    for key in ("claim", "control", "number"):
        same_type(answer[key], str, what=key)
        if len(answer[key].split()) < 3:
            raise Wrong(f"{key} is {answer[key]!r}: say it in a sentence")
    for key, fewest in (("perplexities", 3), ("seeds", 2)):
        same_type(answer[key], (list, tuple), what=key)
        if len(set(answer[key])) < fewest:
            raise Wrong(
                f"{key} are {answer[key]}: take {fewest} different ones or more, or chance decides what is "
                "seen"
            )
    lowest, highest = min(answer["perplexities"]), max(answer["perplexities"])
    if lowest < 2 or highest > 200:
        raise Wrong(
            f"perplexities go from {lowest} to {highest}: take some between 2 and 200, below a third of the "
            "points"
        )
    if highest < 4 * lowest:
        raise Wrong(
            f"perplexities go from {lowest} to {highest}: nearly the same map each time; let them differ "
            "fourfold"
        )


fair_maps = Exercise(
    name="fair_maps",
    question=(
        "Choose a claim about the digits or the network (such as 'fours and nines overlap before training "
        "and not "
        "after'), and how you would test it: `fair_maps = {'claim': ..., 'perplexities': [...], 'seeds': "
        "[...], "
        "'control': ..., 'number': ...}`. `control` says in a sentence what the same map looks like where "
        "the claim "
        "must be false; `number` what you compute that does not depend on the map. Then do it."
    ),
    verify=_verify_fair_maps,
    hint_text=(
        "A map that supports a claim is worth something if other seeds and perplexities show it too, if it "
        "is *not* seen "
        "where it cannot be true (shuffled labels, an untrained network, noise), and if a number in the "
        "full space agrees."
    ),
    solution_source="""
        fair_maps = {
            "claim": "fours and nines are mixed in the pixels and apart in the trained features",
            "perplexities": [5, 30, 100],
            "seeds": [0, 1, 2],
            "control": "with shuffled labels no class has a place of its own in any map",
            "number": "5-NN accuracy on fours and nines alone, leave one out, in the full space",
        }
    """,
    praise="That is a plan which could prove you wrong. Carry it out.",
    wrong_answers={
        "or chance decides": """
            fair_maps = {"claim": "ones are easy to find", "perplexities": [30], "seeds": [0, 1],
                         "control": "shuffled labels show nothing", "number": "kNN accuracy of ones"}
        """,
        "differ fourfold": """
            fair_maps = {"claim": "ones are easy to find", "perplexities": [28, 30, 32], "seeds": [0, 1],
                         "control": "shuffled labels show nothing", "number": "kNN accuracy of ones"}
        """,
        "say it in a sentence": """
            fair_maps = {"claim": "ones", "perplexities": [5, 30, 90], "seeds": [0, 1],
                         "control": "shuffled labels show nothing", "number": "kNN accuracy of ones"}
        """,
        "expected ['claim'": "fair_maps = {'perplexity': 30}",
    },
    other_right_answers=(
        """
        fair_maps = dict(claim="training gathers the sevens", perplexities=(4, 20, 80), seeds=(3, 4),
                         control="an untrained network does not", number="sevens near other sevens")
        """,
        """
        fair_maps = {"claim": "the second layer already knows zeros", "perplexities": [2, 10, 50, 150],
                     "seeds": range(3) and [0, 1, 2], "control": "the same layer with random weights",
                     "number": "recall of zeros by five neighbours"}
        """,
    ),
)
