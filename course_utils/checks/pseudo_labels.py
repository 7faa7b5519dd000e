"""Exercise on choosing pseudo labels; used by `notebooks/16_kaggle_submission`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Wrong

# Classes 0, 1 and 2; class 0 has many sure pictures, class 2 one that is exactly at the threshold.
_PROBABILITIES = np.array(
    [
        [0.97, 0.02, 0.01],
        [0.40, 0.35, 0.25],
        [0.99, 0.01, 0.00],
        [0.05, 0.94, 0.01],
        [0.10, 0.00, 0.90],
        [0.92, 0.04, 0.04],
        [0.02, 0.03, 0.95],
        [0.95, 0.05, 0.00],
        [0.20, 0.79, 0.01],
    ]
)
_CASES = [(0.9, 2), (0.9, 10), (0.93, 1), (0.995, 3), (0.0, 2)]


def _chosen(probabilities: np.ndarray, threshold: float, most: int) -> dict[int, int]:
    labels, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
    found: dict[int, int] = {}
    for name in range(probabilities.shape[1]):
        rows = np.flatnonzero((labels == name) & (sure >= threshold))
        for row in rows[np.argsort(-sure[rows], kind="stable")][:most].tolist():
            found[row] = name
    return found


def _verify(answer: Callable[..., Any]) -> None:
    for threshold, most in _CASES:
        called = f"confident({threshold}, {most})"
        got = answer(_PROBABILITIES.copy(), threshold, most)
        same_type(got, (tuple, list), what=called)
        if len(got) != 2:
            raise Wrong(f"{called} gives {len(got)} things, expected two: positions and labels")
        rows, labels = np.asarray(got[0]).astype(int).tolist(), np.asarray(got[1]).astype(int).tolist()
        if len(rows) != len(labels):
            raise Wrong(f"{called} gives {len(rows)} positions and {len(labels)} labels")
        mine, want = dict(zip(rows, labels, strict=True)), _chosen(_PROBABILITIES, threshold, most)
        if len(mine) < len(rows):
            raise Wrong(f"{called} takes a picture twice")
        if mine == want:
            continue
        if mine == _chosen(_PROBABILITIES, threshold, 1000):
            raise Wrong(
                f"{called} takes {len(mine)} pictures, expected {len(want)}: at most {most} of each "
                "class, or "
                "the easy classes swamp the set"
            )
        if mine == _chosen(_PROBABILITIES, 0.0, most):
            raise Wrong(f"{called}: pictures below the threshold are taken too")
        if set(want) - set(mine) and all(
            _PROBABILITIES[row].max() == threshold for row in set(want) - set(mine)
        ):
            raise Wrong(f"{called} leaves out a picture that is exactly at the threshold; `>=` takes it")
        if len(mine) == len(want) and set(mine) != set(want):
            raise Wrong(f"{called} takes pictures {sorted(mine)}: of each class the surest come first")
        raise Wrong(f"{called} gives {mine} (position: label), expected {want}")


confident = Exercise(
    name="confident",
    question=(
        "Write `confident(probabilities, threshold, most_per_class)`: from probabilities (N, K) of "
        "unlabelled "
        "pictures choose those whose largest probability is at least `threshold`, and of each predicted "
        "class "
        "at most `most_per_class`, the surest. Return two lists: positions, and the predicted labels."
    ),
    verify=_verify,
    hint_text=(
        "Labels are `argmax`, confidences `max` over axis 1. For each class: the rows with this label "
        "above the "
        "threshold, sorted by falling confidence (`np.argsort(-confidence[rows])`), cut at `most_per_class`."
    ),
    solution_source="""
        import numpy as np

        def confident(probabilities, threshold, most_per_class):
            labels, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
            chosen = []
            for name in range(probabilities.shape[1]):
                rows = np.flatnonzero((labels == name) & (sure >= threshold))
                chosen.extend(rows[np.argsort(-sure[rows])][:most_per_class].tolist())
            return chosen, labels[chosen].tolist()
    """,
    praise="The cap matters: without it, the class the model already likes is the class it gets more of.",
    wrong_answers={
        "at most 2 of each class": """
            import numpy as np

            def confident(probabilities, threshold, most_per_class):
                rows = np.flatnonzero(probabilities.max(axis=1) >= threshold)
                return rows, probabilities[rows].argmax(axis=1)
        """,
        "below the threshold": """
            import numpy as np

            def confident(probabilities, threshold, most_per_class):
                labels, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
                chosen = []
                for name in range(probabilities.shape[1]):
                    rows = np.flatnonzero(labels == name)
                    chosen.extend(rows[np.argsort(-sure[rows])][:most_per_class].tolist())
                return chosen, labels[chosen]
        """,
        "the surest come first": """
            import numpy as np

            def confident(probabilities, threshold, most_per_class):
                labels, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
                chosen = []
                for name in range(probabilities.shape[1]):
                    rows = np.flatnonzero((labels == name) & (sure >= threshold))
                    chosen.extend(rows[:most_per_class].tolist())
                return chosen, labels[chosen]
        """,
        "exactly at the threshold": """
            import numpy as np

            def confident(probabilities, threshold, most_per_class):
                labels, sure = probabilities.argmax(axis=1), probabilities.max(axis=1)
                chosen = []
                for name in range(probabilities.shape[1]):
                    rows = np.flatnonzero((labels == name) & (sure > threshold))
                    chosen.extend(rows[np.argsort(-sure[rows])][:most_per_class].tolist())
                return chosen, labels[chosen]
        """,
    },
    other_right_answers=[
        """
        def confident(probabilities, threshold, most_per_class):
            rows = sorted(range(len(probabilities)), key=lambda row: -probabilities[row].max())
            taken, positions, labels = {}, [], []
            for row in rows:
                label = int(probabilities[row].argmax())
                if probabilities[row].max() < threshold or taken.get(label, 0) >= most_per_class:
                    continue
                taken[label] = taken.get(label, 0) + 1
                positions.append(row)
                labels.append(label)
            return positions, labels
        """,
        """
        import pandas as pd

        def confident(probabilities, threshold, most_per_class):
            table = pd.DataFrame({"label": probabilities.argmax(1), "sure": probabilities.max(1)})
            table = table[table.sure >= threshold].sort_values("sure", ascending=False)
            table = table.groupby("label").head(most_per_class)
            return table.index.to_numpy(), table.label.to_numpy()
        """,
    ],
)
