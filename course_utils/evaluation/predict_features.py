"""Features of a whole set in its order: what a layer of the network computes for each picture.

For t-SNE and nearest neighbours (`embedding`), or a linear model on frozen features. Row i belongs to picture
i of the set, and the ids travel along. Notebooks 08 and 17 train a linear model on them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils.data.loaders import Batches
from course_utils.models.features import features
from course_utils.models.modes import evaluation_mode


@dataclass(frozen=True)
class FeatureTable:
    """`features` float32 (N, D) of one layer, `targets` int64 (N,) (-1: unlabelled), `ids`, `class_names`."""

    features: np.ndarray
    targets: np.ndarray
    ids: list[str]
    class_names: tuple[str, ...]


@torch.inference_mode()
def predict_features(
    model: nn.Module,
    batches: Batches,
    *,
    layer: str | None = None,
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> FeatureTable:
    """Give the values of `layer` for every picture, averaged over the map; None: the classifier's input.

    In evaluation mode; the model's mode is put back. ValueError for an unknown layer (with the nearest name),
    for batches that are shuffled, augmented or a part of several processes. FloatingPointError names the
    first picture whose features are not finite.
    """
    if batches.shuffle or batches.augment is not None or batches.world_size != 1:
        raise ValueError(
            "features need batches without shuffle and augment, in one process: row i is picture i"
        )
    pictures = batches.pictures
    parts = []
    with evaluation_mode(model):
        for images, _, _ in tqdm(batches.epoch(), total=len(batches), desc="features", disable=not progress):
            parts.append(features(model, images.to(device), layer=layer).features.float().cpu())  # (B, D)
    table = torch.cat(parts).numpy()
    finite = np.isfinite(table).all(axis=1)
    if not finite.all():
        first = int(np.argmin(finite))
        raise FloatingPointError(
            f"{int((~finite).sum())} of {len(table)} pictures get features that are not finite, the first is "
            f"{pictures.ids[first]!r}. The weights are damaged or training diverged; load the best weights."
        )
    return FeatureTable(table, pictures.targets, pictures.ids, pictures.class_names)
