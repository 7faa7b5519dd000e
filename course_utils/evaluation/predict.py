"""Logits of a whole set, in its order.

Predictions are worth what their order is worth: row i belongs to picture i of the set, and ids, targets and
logits travel together. Logits that are not finite are refused, since `argmax` would make a class of them.
Notebook 05 writes its submission with it.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from tqdm.auto import tqdm

from course_utils.data.loaders import Batches


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
    """Give the logits of every picture of `batches` in evaluation mode; the model's mode is put back.

    Raises FloatingPointError naming the first picture whose logits are not finite, and ValueError if the
    batches are shuffled or augmented, since their order or their pixels are then not the set's own.
    """
    if batches.shuffle or batches.augment is not None:
        raise ValueError(
            "predict needs batches without shuffle and augment: the pictures as they are, in order."
        )
    pictures = batches.pictures
    was_training = model.training
    model.eval()
    try:
        parts = []
        for images, _, _ in tqdm(
            batches.epoch(), total=len(batches), desc="predicting", disable=not progress
        ):
            parts.append(model(images.to(device)).float().cpu())  # (B, K)
    finally:
        model.train(was_training)
    logits = torch.cat(parts).numpy()
    finite = np.isfinite(logits).all(axis=1)
    if not finite.all():
        first = int(np.flatnonzero(~finite)[0])
        raise FloatingPointError(
            f"{int((~finite).sum())} of {len(logits)} pictures get logits that are not finite, the first is "
            f"{pictures.ids[first]!r}. The weights are damaged or training diverged; load the best weights."
        )
    return Predictions(logits, pictures.targets, pictures.ids, pictures.class_names)
