"""Logits of a whole set, in its order.

Predictions are worth what their order is worth: row i belongs to picture i of the set, and ids, targets and
logits travel together. Logits that are not finite are refused, since `argmax` would make a class of them.
Notebook 05 writes its submission with it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from tqdm.auto import tqdm

from course_utils.data import ranks
from course_utils.data.loaders import Batches
from course_utils.models.modes import evaluation_mode


@dataclass(frozen=True)
class Predictions:
    """`logits` float32 (N, K), `targets` int64 (N,) (-1: unlabelled), `ids` (N,), `class_names` (K,)."""

    logits: np.ndarray
    targets: np.ndarray
    ids: list[str]
    class_names: tuple[str, ...]

    @property
    def probabilities(self) -> np.ndarray:
        """Give the softmax of the logits: float64 (N, K), rows sum to 1."""
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True), dtype=np.float64)
        return shifted / shifted.sum(axis=1, keepdims=True)

    @property
    def predicted(self) -> np.ndarray:
        """Give the most probable class of each picture: int64 (N,)."""
        return self.logits.argmax(axis=1)

    @property
    def predicted_names(self) -> list[str]:
        """Give the name of the most probable class of each picture."""
        return [self.class_names[position] for position in self.predicted.tolist()]

    @property
    def confidence(self) -> np.ndarray:
        """Give the probability of the predicted class: float64 (N,)."""
        return self.probabilities.max(axis=1)


@torch.inference_mode()
def predict(
    model: nn.Module,
    batches: Batches,
    *,
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> Predictions:
    """Give the logits of every picture of `batches` in evaluation mode; every module's mode is put back.

    With several processes each predicts its share of every batch, with rank 0's buffers (batch norm's
    running statistics), and all get the same rows, each at its place: every picture counts exactly once.
    Raises FloatingPointError naming the first picture whose logits are not finite, and ValueError if the
    batches are shuffled or augmented, since their order or their pixels are then not the set's own, or if
    the network has another number of classes.
    """
    if batches.shuffle or batches.augment is not None:
        raise ValueError(
            "predict needs batches without shuffle and augment: the pictures as they are, in order"
        )
    pictures = batches.pictures
    with evaluation_mode(model):
        logits = _logits(model, batches, torch.device(device), progress)
    if logits.shape[1] != len(pictures.class_names):
        raise ValueError(
            f"the network gives {logits.shape[1]} logits per picture, but the pictures have "
            f"{len(pictures.class_names)} classes: {', '.join(pictures.class_names)}. Take the class list "
            "that is stored with the weights."
        )
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        first = int(np.flatnonzero(~finite)[0])
        raise FloatingPointError(
            f"{int((~finite).sum())} of {len(logits)} pictures get logits that are not finite, the first is "
            f"{pictures.ids[first]!r}. The weights are damaged or training diverged; load the best weights."
        )
    return Predictions(logits, pictures.targets, pictures.ids, pictures.class_names)


def _logits(model: nn.Module, batches: Batches, device: torch.device, progress: bool) -> np.ndarray:
    """Give float32 (N, K), row i for picture i, put together from all processes."""
    alone = batches.world_size == 1
    if not alone and batches.world_size != ranks.current().world_size:
        raise ValueError(
            f"these batches are for {batches.world_size} processes, but {ranks.current().world_size} run; "
            "make them with the rank and world_size that `distributed.session` gives"
        )
    if not alone:
        ranks.broadcast_buffers(model)
    module = model.module if isinstance(model, DistributedDataParallel) else model  # nothing to average
    parts, places = [], []
    silent = not progress or batches.rank > 0
    for images, _, indices in tqdm(batches.epoch(), total=len(batches), desc="predicting", disable=silent):
        if len(images):  # fewer pictures than processes: some have none
            parts.append(module(images.to(device)).float().cpu())  # (B, K)
            places.append(indices)
    logits = torch.cat(parts).numpy() if parts else np.empty((0, 0), np.float32)
    if alone:
        return logits
    mine = torch.cat(places).numpy() if places else np.empty(0, np.int64)
    rows, order = ranks.gather_arrays(logits), ranks.gather_arrays(mine)
    assert np.array_equal(np.sort(order), np.arange(len(batches.pictures))), "a picture was not counted once"
    placed = np.empty_like(rows)
    placed[order] = rows
    return placed
