"""Test-time augmentation: predict several views of each picture and average the probabilities.

Views have names, no chance is in them, and "crop_centre+flip" applies one after the other. A view that
changes what a picture shows (a mirrored 3, a 6 turned by 180 degrees) makes predictions worse: choose views
as you chose the augmentations of training. What it gains is measured, not assumed: see `comparison.mcnemar`.
Notebook 16 asks what it gains.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.data.loaders import Batches
from course_utils.evaluation.predict import Predictions, predict
from course_utils.params import did_you_mean

_CROP = 0.875  # part of each side that a crop keeps, as in ImageNet evaluation (224 of 256)


def _turn(number: int) -> Callable[[Tensor], Tensor]:
    def turn(images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        if height != width and number % 2:
            raise ValueError(
                f"turn_{90 * number} got pictures of {height} x {width}; a turned one would be {width} x "
                f"{height}. Take views such as flip, turn_180 or the crops."
            )
        return images.rot90(number, (-2, -1))

    return turn


def _crop(down: float, across: float) -> Callable[[Tensor], Tensor]:
    """Cut 7/8 of each side out, at a place from 0 (top, left) to 1 (bottom, right), and enlarge it again."""

    def crop(images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        rows, columns = max(1, round(height * _CROP)), max(1, round(width * _CROP))
        top, left = round((height - rows) * down), round((width - columns) * across)
        cut = images[..., top : top + rows, left : left + columns]
        return F.interpolate(cut, size=(height, width), mode="bilinear", align_corners=False)

    return crop


VIEWS: dict[str, Callable[[Tensor], Tensor]] = {
    "identity": lambda images: images,
    "flip": lambda images: images.flip(-1),
    "flip_vertical": lambda images: images.flip(-2),
    "turn_90": _turn(1),
    "turn_180": _turn(2),
    "turn_270": _turn(3),
    "crop_centre": _crop(0.5, 0.5),
    "crop_top_left": _crop(0, 0),
    "crop_top_right": _crop(0, 1),
    "crop_bottom_left": _crop(1, 0),
    "crop_bottom_right": _crop(1, 1),
}
_TURNS = ("identity", "turn_90", "turn_180", "turn_270")
_CROPS = tuple(name for name in VIEWS if name.startswith("crop_"))
VIEW_SETS: dict[str, tuple[str, ...]] = {
    "flips": ("identity", "flip"),
    "turns": _TURNS,
    "eight": (*_TURNS, *(f"{name}+flip" for name in _TURNS)),
    "five_crops": _CROPS,
    "ten_crops": (*_CROPS, *(f"{name}+flip" for name in _CROPS)),
}


def view_names(views: str | Sequence[str]) -> tuple[str, ...]:
    """The names of single views behind `views`: a set's name ("five_crops"), a view's, or a list of both.

    ValueError for an unknown name, with the nearest one, and for a view that would count twice.
    """
    asked = [views] if isinstance(views, str) else list(views)
    names = [name for one in asked for name in VIEW_SETS.get(one, (one,))]
    for name in names:
        for part in name.split("+"):
            if part not in VIEWS:
                raise ValueError(
                    f"{part!r} is no view{did_you_mean(part, [*VIEWS, *VIEW_SETS]) or '.'} Views are "
                    f"{', '.join(VIEWS)}, joined by '+'; sets of views are {', '.join(VIEW_SETS)}."
                )
    if not names or len(set(names)) < len(names):
        raise ValueError(f"views are {names}; expected one view or more, each once")
    return tuple(names)


def apply_view(images: Tensor, name: str) -> Tensor:
    """One view of images (B, C, H, W), of the same shape; `name` may join views by '+'."""
    for part in view_names([name])[0].split("+"):
        images = VIEWS[part](images)
    return images


class ViewAverage(nn.Module):
    """A network whose probabilities are the mean over views of the picture, to be used like the network.

    Its logits are the logarithm of the mean probability, so their softmax is that mean. A picture with a
    logit that is not finite in any view gets NaN, which `predict` refuses.
    """

    def __init__(self, model: nn.Module, views: str | Sequence[str]) -> None:
        super().__init__()
        self.model = model
        self.views = view_names(views)
        self.training = model.training  # of this module alone: layers that are frozen stay as they are

    def forward(self, images: Tensor) -> Tensor:
        """Map images (B, C, H, W) to logits (B, K)."""
        logits = torch.stack([self.model(apply_view(images, name)).float() for name in self.views])  # (V,B,K)
        average = log_softmax_mean(logits)
        return average.masked_fill(~logits.isfinite().all(dim=2).all(dim=0)[:, None], math.nan)


def log_softmax_mean(logits: Tensor) -> Tensor:
    """The logarithm of the mean over the first axis of softmax(logits): (V, B, K) to (B, K), never -inf."""
    return logits.log_softmax(dim=2).logsumexp(dim=0) - math.log(len(logits))


def predict_views(
    model: nn.Module,
    batches: Batches,
    *,
    views: str | Sequence[str] = "flips",
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> Predictions:
    """What `predict` gives, averaged over `views`; costs as many forward passes as there are views."""
    return predict(ViewAverage(model, views), batches, device=device, progress=progress)
