"""Which labels are probably wrong? Confident learning, in its simple form.

Northcutt, Jiang, Chuang 2019, arXiv 1911.00068, sections 3 and 4. Each class has a threshold of its own: the
mean probability that the network gives to it on pictures labelled so. A picture that lies above the threshold
of another class than its label is a candidate. The probabilities must come from a network that did not train
on these pictures (a validation split, or cross-validation), else it has learnt the wrong labels by heart.
Notebook 13 finds planted and real ones.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class LabelCandidates:
    """Pictures whose label is doubtful, the most doubtful first.

    `indices` (M,) are their places in the set, `given` and `suggested` (M,) classes, `margin` (M,) by how
    much the suggested class is more probable than the given one. `thresholds` (K,) is NaN for a class without
    pictures. `joint` (K, K) counts the pictures above a threshold: row = given class, column = suggested.
    """

    indices: np.ndarray
    given: np.ndarray
    suggested: np.ndarray
    margin: np.ndarray
    thresholds: np.ndarray
    joint: np.ndarray

    def __len__(self) -> int:
        return len(self.indices)


def find_label_candidates(probabilities: np.ndarray, labels: np.ndarray) -> LabelCandidates:
    """Rank the pictures whose label is doubtful, from `probabilities` (N, K) and given `labels` (N,).

    Candidates are worth looking at, not to be thrown away: hard pictures are among them.
    """
    table, given = _checked(probabilities, labels)
    num_classes = table.shape[1]
    own = table[np.arange(len(given)), given]  # (N,), probability of the given class
    sums = np.bincount(given, weights=own, minlength=num_classes)
    counts = np.bincount(given, minlength=num_classes)
    thresholds = np.full(num_classes, np.nan)
    np.divide(sums, counts, out=thresholds, where=counts > 0)
    # Of the classes above their threshold the most probable one counts; a picture above none is left out.
    # The margin is for rounding: a mean of equal numbers may come out above all of them.
    above = table >= np.where(np.isnan(thresholds), np.inf, thresholds - 1e-6)[None, :]  # (N, K)
    confident = above.any(axis=1)
    suggested = np.where(above, table, -1.0).argmax(axis=1)
    joint = np.zeros((num_classes, num_classes), dtype=np.int64)
    np.add.at(joint, (given[confident], suggested[confident]), 1)
    doubtful = np.flatnonzero(confident & (suggested != given))
    margin = table[doubtful, suggested[doubtful]] - own[doubtful]
    order = np.argsort(-margin, kind="stable")
    ranked = doubtful[order]
    return LabelCandidates(ranked, given[ranked], suggested[ranked], margin[order], thresholds, joint)


def _checked(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    table, given = np.asarray(probabilities, dtype=np.float64), np.asarray(labels)
    if table.ndim != 2 or table.shape[1] < 2 or given.shape != (len(table),) or len(table) == 0:
        raise ValueError(
            f"got probabilities {table.shape} and labels {given.shape}; expected (N, K) with 2 classes or "
            "more, and a label for each row"
        )
    rows_are_distributions = (table >= 0).all() and np.allclose(table.sum(axis=1), 1.0, atol=1e-3)
    if not rows_are_distributions:
        raise ValueError(
            "expected probabilities: every row at least 0 with the sum 1; apply softmax to logits"
        )
    if given.dtype.kind not in "iu" or given.min() < 0 or given.max() >= table.shape[1]:
        raise ValueError(
            f"labels are {given.dtype} from {given.min()} to {given.max()}; expected class indices from 0 to "
            f"{table.shape[1] - 1}"
        )
    return table, given
