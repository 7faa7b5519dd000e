"""Features of a layer as points: PCA and t-SNE for the eye, nearest neighbours for the number beside it.

PCA: Pearson 1901. t-SNE: van der Maaten and Hinton 2008; the advice on reading it is Wattenberg et al. 2016,
"How to use t-SNE effectively". Both are scikit-learn's. Notebook 12 derives and distrusts them.
"""

from typing import NamedTuple

import numpy as np
import torch
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from torch import nn

from course_utils.data.loaders import Batches
from course_utils.evaluation.predict_features import predict_features
from course_utils.params import check_choice

_FEWEST = 5  # points, below which a map of neighbourhoods has nothing to show


class Projection(NamedTuple):
    """`points` (N, D'), and `explained` (D',): the share of the variance along each of their axes."""

    points: np.ndarray
    explained: np.ndarray


class TsneMap(NamedTuple):
    """`points` (N, 2), the `perplexity` that was used, and the divergence that is left (in nats)."""

    points: np.ndarray
    perplexity: float
    divergence: float


def layer_features(
    model: nn.Module,
    batches: Batches,
    *,
    layer: str | None = None,
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> np.ndarray:
    """Return the features (N, D), float32, of a layer for every picture of `batches`, in the set's order.

    Maps are averaged over their places. `layer` None: the input of the last linear layer, else a name of
    `models.features.feature_layers(model)` or of any module. Errors are those of `predict_features`, which
    also gives targets and ids.
    """
    return predict_features(model, batches, layer=layer, device=device, progress=progress).features


def pca(values: np.ndarray, *, num_components: int = 2) -> Projection:
    """Return the coordinates of `values` (N, D) along the `num_components` directions of most variance.

    The sign of an axis is fixed by scikit-learn, so equal values give equal points. ValueError for fewer than
    five rows, and for values that are not finite or all equal.
    """
    table = _checked(values)
    most = min(table.shape)
    if not 1 <= num_components <= most:
        raise ValueError(f"num_components is {num_components}; {table.shape} values have 1 to {most}")
    found = PCA(num_components, svd_solver="full").fit(table)
    return Projection(found.transform(table), found.explained_variance_ratio_)


def tsne(
    values: np.ndarray, *, seed: int, perplexity: float = 30.0, num_steps: int = 1000, start: str = "pca"
) -> TsneMap:
    """Return scikit-learn's t-SNE of `values` (N, D) in the plane; equal arguments give equal points.

    `perplexity` is roughly how many neighbours a point has; it is lowered to (N - 1) / 3 where the set is too
    small for more, and the result says what was used. `start` is "pca" or "random" positions. Time grows
    faster than N: 2,000 points take some ten seconds. ValueError as for `pca`, and for fewer than 251 steps.
    """
    table = _checked(values)
    if perplexity < 1 or num_steps <= 250:
        raise ValueError(
            f"perplexity is {perplexity} and num_steps {num_steps}; expected 1 or more, and more than 250 "
            "(the first 250 steps only gather neighbours)"
        )
    check_choice("start", start, ("pca", "random"))
    used = min(float(perplexity), (len(table) - 1) / 3)  # scikit-learn looks at 3 * perplexity neighbours
    engine = TSNE(
        perplexity=used,
        max_iter=num_steps,
        init=start if table.shape[1] > 1 else "random",
        learning_rate="auto",
        random_state=seed,
    )
    points = engine.fit_transform(table)
    return TsneMap(points, used, float(engine.kl_divergence_))


def knn_accuracy(
    values: np.ndarray,
    labels: np.ndarray,
    *,
    k: int = 5,
    reference: np.ndarray | None = None,
    reference_labels: np.ndarray | None = None,
) -> float:
    """Return the share of points whose k nearest neighbours vote for their own class, in [0, 1].

    Neighbours are looked for in `reference` (M, D) with `reference_labels` (M,), such as the training set;
    without it among the other points of `values` (N, D) (leave one out). The distance is Euclidean; of
    classes with equally many votes the lowest index wins, as in scikit-learn. ValueError for one of the two
    references without the other, and for a k that is not there.
    """
    table, truth = _checked(values, fewest=1), np.asarray(labels)
    if (reference is None) != (reference_labels is None):
        raise ValueError("give both reference and reference_labels, or neither (leave one out)")
    known = table if reference is None else _checked(reference, fewest=1)
    names = truth if reference_labels is None else np.asarray(reference_labels)
    if truth.shape != (len(table),) or names.shape != (len(known),) or known.shape[1] != table.shape[1]:
        raise ValueError(
            f"got values {table.shape} with labels {truth.shape}, reference {known.shape} with labels "
            f"{names.shape}; expected a label for each row, and equally many columns"
        )
    most = len(known) - (reference is None)
    if not 1 <= k <= most:
        raise ValueError(f"k is {k}; there are {most} neighbours to choose from")
    # Without a query scikit-learn leaves each point out of its own neighbours, also among equal points.
    query = None if reference is None else table
    neighbours = NearestNeighbors(n_neighbors=k).fit(known).kneighbors(query, return_distance=False)  # (N, k)
    classes, index = np.unique(names, return_inverse=True)
    votes = np.zeros((len(table), len(classes)), dtype=np.int64)
    np.add.at(votes, (np.arange(len(table))[:, None], index[neighbours]), 1)
    return float(np.mean(classes[votes.argmax(axis=1)] == truth))


def _checked(values: np.ndarray, *, fewest: int = _FEWEST) -> np.ndarray:
    table = np.asarray(values)
    if table.ndim != 2 or len(table) < fewest or table.shape[1] < 1 or table.dtype.kind not in "fiu":
        raise ValueError(
            f"got values of the shape {table.shape} and the type {table.dtype}; expected numbers (N, D) with "
            f"at least {fewest} rows"
        )
    if not np.isfinite(table).all():
        raise ValueError(
            f"{int((~np.isfinite(table)).any(axis=1).sum())} of {len(table)} rows are not finite; "
            "leave them out"
        )
    if fewest > 1 and (table == table[0]).all():
        raise ValueError(
            "all rows are equal: this layer gives every picture the same features; choose another"
        )
    return table
