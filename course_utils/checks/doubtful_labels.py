"""The exercise of notebook 13 on labels that are probably wrong, found by confident learning."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import equal
from course_utils.checks.exercise import Exercise, Wrong


def _verify_doubtful_labels(answer: Callable[..., Any]) -> None:
    for seed in (0, 1):
        probabilities, labels = _labelled(seed)
        got = answer(probabilities.copy(), labels.copy())
        what = f"doubtful_labels of {len(labels)} pictures"
        if got is None:
            raise Wrong(f"{what} is None: does your function `return` what it computes?")
        if np.asarray(got).dtype == bool:
            raise Wrong(f"{what} is a mask; return the places, for instance by `np.flatnonzero`")
        places = sorted(int(place) for place in np.ravel(np.asarray(got)))
        num_classes = probabilities.shape[1]
        own = np.array([probabilities[labels == k, k].mean() for k in range(num_classes)])
        want = _candidates(probabilities, labels, own)
        causes = {
            "those are all pictures the network gets wrong: each class has a threshold to reach": (
                np.flatnonzero(probabilities.argmax(axis=1) != labels).tolist()
            ),
            "is the threshold of class k the mean over *all* pictures? Only those labelled k count": (
                _candidates(probabilities, labels, probabilities.mean(axis=0))
            ),
            "one threshold for all classes: a class the network is unsure of has no candidates then": (
                _candidates(probabilities, labels, np.full(num_classes, own.mean()))
            ),
            "those reach their *own* class's threshold; look for pictures that reach another one's": (
                np.flatnonzero(probabilities[np.arange(len(labels)), labels] >= own[labels]).tolist()
            ),
        }
        for cause, other in causes.items():
            if places == other != want:
                raise Wrong(f"{what} finds {len(places)}, expected {len(want)}: {cause}")
        equal(places, want, what=what)


def _candidates(probabilities: np.ndarray, labels: np.ndarray, thresholds: np.ndarray) -> list[int]:
    above = np.where(probabilities >= thresholds, probabilities, -1.0)  # (N, K)
    return np.flatnonzero((above.max(axis=1) > 0) & (above.argmax(axis=1) != labels)).tolist()


def _labelled(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (N, 4) of a network that is less sure of class 3, and labels of which some are wrong."""
    rng = np.random.default_rng(seed)
    truth = np.arange(120) % 4
    logits = rng.normal(0, 1, (120, 4))
    logits[np.arange(120), truth] += np.array([4.0, 3.0, 2.5, 1.0])[truth]
    chances = np.exp(logits)
    labels = truth.copy()
    labels[::11] = (labels[::11] + 1) % 4
    return chances / chances.sum(axis=1, keepdims=True), labels


doubtful_labels = Exercise(
    name="doubtful_labels",
    question=(
        "Write `doubtful_labels(probabilities, labels)`. The threshold of class k is the mean of "
        "`probabilities[:, k]` over the pictures *labelled* k. For each picture look at the classes whose "
        "threshold it reaches; if there are any, and the most probable of them is not its label, its label "
        "is doubtful. Return the places of those pictures, in any order."
    ),
    verify=_verify_doubtful_labels,
    hint_text=(
        "`above = probabilities >= thresholds` has the shape (N, K). `np.where(above, probabilities, -1)` "
        "keeps what counts for `argmax(axis=1)`; pictures with `above.any(axis=1)` False are no candidates."
    ),
    solution_source="""
        import numpy as np

        def doubtful_labels(probabilities, labels):
            num_classes = probabilities.shape[1]
            thresholds = np.array([probabilities[labels == k, k].mean() for k in range(num_classes)])
            above = probabilities >= thresholds  # (N, K)
            suggested = np.where(above, probabilities, -1).argmax(axis=1)
            return np.flatnonzero(above.any(axis=1) & (suggested != labels))
    """,
    praise="Confident learning in five lines. The library's version also says how strong each case is.",
    wrong_answers={
        "each class has a threshold": """
            import numpy as np
            def doubtful_labels(probabilities, labels):
                return np.flatnonzero(probabilities.argmax(axis=1) != labels)
        """,
        "Only those labelled k count": """
            import numpy as np
            def doubtful_labels(probabilities, labels):
                above = probabilities >= probabilities.mean(axis=0)
                suggested = np.where(above, probabilities, -1).argmax(axis=1)
                return np.flatnonzero(above.any(axis=1) & (suggested != labels))
        """,
        "is a mask": """
            import numpy as np
            def doubtful_labels(probabilities, labels):
                thresholds = np.array([probabilities[labels == k, k].mean() for k in range(4)])
                above = probabilities >= thresholds
                return above.any(axis=1) & (np.where(above, probabilities, -1).argmax(axis=1) != labels)
        """,
    },
    other_right_answers=(
        """
        from course_utils.evaluation.confident_learning import find_label_candidates
        def doubtful_labels(probabilities, labels):
            return find_label_candidates(probabilities, labels).indices
        """,
        """
        def doubtful_labels(probabilities, labels):
            classes = range(len(probabilities[0]))
            limits = []
            for k in classes:
                own = [row[k] for row, label in zip(probabilities, labels) if label == k]
                limits.append(sum(own) / len(own))
            found = []
            for place, (row, label) in enumerate(zip(probabilities, labels)):
                reached = [k for k in classes if row[k] >= limits[k]]
                if reached and max(reached, key=lambda k: row[k]) != label:
                    found.append(place)
            return found[::-1]
        """,
    ),
)
