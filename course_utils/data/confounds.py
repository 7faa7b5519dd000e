"""Can something that is not the picture's content tell the class? Then a network will learn that instead.

For each property alone (size, shape, file size, encoding, mean colour) a small decision tree predicts the
class, scored by cross-validation against two baselines: always the most frequent class, and the same tree on
shuffled labels. In the satellite set two classes are 256 x 256 pixels and two are 64 x 64: size alone halves
the problem. See "shortcut learning", Geirhos et al. 2020, arXiv:2004.07780, and
`notebooks/02_dataset_splitting`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

NUM_FOLDS = 5
NUM_SHUFFLES = 10
MAX_PICTURES = 3000
_CONFUSED = 0.05  # classes taken for each other less often than this count as told apart


@dataclass(frozen=True)
class Confound:
    """How well one property alone predicts the class.

    Scores lie in [0, 1]. `balanced_accuracy` is the mean over classes of the share that is right, with
    `chance` at 1 / number of classes; `shuffled`, `shuffled_sd` and `shuffled_max` are mean, standard
    deviation and maximum of the same score after shuffling the labels. `skill` is 0 at chance and 1 at
    certainty. `told_apart`: sets of classes which the property separates from each other; empty when it
    separates none.
    """

    name: str
    accuracy: float
    majority: float
    balanced_accuracy: float
    chance: float
    shuffled: float
    shuffled_sd: float
    shuffled_max: float
    skill: float
    told_apart: tuple[tuple[str, ...], ...]

    @property
    def is_real(self) -> bool:
        """Whether the score is more than a trifle, and more than shuffled labels could give."""
        level = max(self.shuffled_max, self.shuffled + 3 * self.shuffled_sd)
        return self.skill >= 0.1 and self.balanced_accuracy > level


def find_confounds(
    properties: Mapping[str, np.ndarray], labels: Sequence[str], *, seed: int = 0
) -> list[Confound]:
    """Score each property, (N,) or (N, K) numbers, against the class names, (N,), strongest first.

    Classes of fewer than five pictures are left out; with fewer than two classes left there is nothing to
    tell apart and the list is empty. Of more than 3,000 pictures that many are drawn by `seed`.
    """
    names, codes = np.unique(np.asarray(labels, dtype=str), return_inverse=True)
    large = np.bincount(codes, minlength=len(names)) >= NUM_FOLDS
    keep = np.flatnonzero(large[codes])
    if large.sum() < 2:
        return []
    generator = np.random.Generator(np.random.PCG64(seed))
    if len(keep) > MAX_PICTURES:
        keep = _draw(codes, keep, generator)
    names, codes = np.unique(names[codes[keep]], return_inverse=True)
    found = []
    for name, values in properties.items():
        table = np.asarray(values, dtype=np.float64).reshape(len(labels), -1)[keep]  # (n, K)
        found.append(_score(name, table, codes, names.tolist(), generator))
    return sorted(found, key=lambda one: -one.skill)


def _draw(codes: np.ndarray, keep: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """`MAX_PICTURES` of the positions, but at least five of each class."""
    chosen = set(generator.choice(keep, MAX_PICTURES, replace=False).tolist())
    for code in np.unique(codes[keep]):
        chosen |= set(keep[codes[keep] == code][:NUM_FOLDS].tolist())
    return np.array(sorted(chosen))


def _score(
    name: str, table: np.ndarray, codes: np.ndarray, names: list[str], generator: np.random.Generator
) -> Confound:
    predicted = _predict(table, codes)
    balanced = _balanced(codes, predicted)
    shuffled = []
    for _ in range(NUM_SHUFFLES if np.ptp(table, axis=0).any() else 0):  # a constant cannot tell anything
        mixed = generator.permutation(codes)
        shuffled.append(_balanced(mixed, _predict(table, mixed)))
    chance = 1 / len(names)
    shuffled = shuffled or [chance]
    level = max(float(np.mean(shuffled)), chance)
    return Confound(
        name=name,
        accuracy=float((codes == predicted).mean()),
        majority=float(np.bincount(codes).max() / len(codes)),
        balanced_accuracy=balanced,
        chance=chance,
        shuffled=float(np.mean(shuffled)),
        shuffled_sd=float(np.std(shuffled)),
        shuffled_max=float(np.max(shuffled)),
        skill=max(0.0, (balanced - level) / (1 - level)),
        told_apart=_told_apart(codes, predicted, names),
    )


def _predict(table: np.ndarray, codes: np.ndarray) -> np.ndarray:
    """Cross-validated predictions, (n,), of a tree in which every class weighs the same."""
    from sklearn.model_selection import StratifiedKFold
    from sklearn.tree import DecisionTreeClassifier

    predicted = np.empty_like(codes)
    leaf = max(2, len(codes) // 200)
    for train, test in StratifiedKFold(NUM_FOLDS, shuffle=True, random_state=0).split(table, codes):
        tree = DecisionTreeClassifier(min_samples_leaf=leaf, class_weight="balanced", random_state=0)
        predicted[test] = tree.fit(table[train], codes[train]).predict(table[test])
    return predicted


def _balanced(codes: np.ndarray, predicted: np.ndarray) -> float:
    right = np.bincount(codes[codes == predicted], minlength=codes.max() + 1)
    return float((right / np.bincount(codes)).mean())


def _told_apart(codes: np.ndarray, predicted: np.ndarray, names: list[str]) -> tuple[tuple[str, ...], ...]:
    """Classes joined where they are taken for each other; () when all of them hang together."""
    from scipy.sparse.csgraph import connected_components

    table = np.zeros((len(names), len(names)))
    np.add.at(table, (codes, predicted), 1)
    rates = table / table.sum(axis=1, keepdims=True)  # (K, K), row: true class
    number, part = connected_components(rates + rates.T > 2 * _CONFUSED, directed=False)
    if number == 1:
        return ()
    return tuple(tuple(names[k] for k in np.flatnonzero(part == one)) for one in range(number))
