"""What `training_rates` measures: each track's recipe at its quick size, and its augmentation as usual."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torchvision import transforms

from course_utils.data import sources
from course_utils.data.datasets import PictureSet, labelled
from course_utils.recipes.recipe import Recipe, find_recipe

_MANY_EPOCHS = 10_000  # a schedule that outlasts every measurement
_FLIPS = (transforms.RandomHorizontalFlip(), transforms.RandomVerticalFlip())
_FROM_ABOVE = (*_FLIPS, transforms.RandomAffine(15, translate=(0.06, 0.06), scale=(0.85, 1.15), shear=5))


@dataclass(frozen=True)
class Track:
    """A recipe with `changes`; `usual` is its augmentation by torchvision, on PIL pictures.

    `num_images` go into an epoch. `ahead`: how many times as fast as the plain loop ours has to be.
    """

    recipe: str
    usual: tuple[Callable, ...]
    num_images: int
    ahead: float
    changes: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> Recipe:
        """Give the recipe with random weights and a constant learning rate that never ends."""
        found = Recipe.load(find_recipe(self.recipe), {"model.pretrained": False, **self.changes})
        training = replace(found.training, epochs=_MANY_EPOCHS, schedule="constant")
        return replace(found, training=training)


TRACKS = {
    "digits": Track(
        "digits_mobilenetv3_small",
        (transforms.RandomAffine(12, translate=(0.08, 0.08), scale=(0.9, 1.1), shear=6),),
        num_images=2048,
        ahead=3.0,
    ),
    "food11": Track("food11_cnn_quick", (transforms.RandomHorizontalFlip(),), num_images=512, ahead=1.0),
    "satellite": Track(
        "satellite_resnet34",
        (*_FLIPS, transforms.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2)),
        num_images=256,
        ahead=1.0,
    ),
    "seedlings": Track("seedlings_rdnet_mini", _FLIPS, num_images=512, ahead=1.0),
    "lite0": Track("seedlings_efficientnet_lite0", _FROM_ABOVE, num_images=256, ahead=1.4),
    "mobilenet": Track("seedlings_mobilenetv3", _FROM_ABOVE, num_images=512, ahead=1.4),
    "mobilenet_128px": Track(  # the same maps in the network from four times the pixels: input weighs more
        "seedlings_mobilenetv3",
        _FROM_ABOVE,
        num_images=512,
        ahead=1.4,
        changes={"data.image_size": 128, "model.keep_resolution": 0},
    ),
}


def pictures_of(recipe: Recipe, folder: Path, num_images: int) -> PictureSet:
    """Give `num_images` labelled training pictures, dealt evenly over the files."""
    found = [record for record in sources.records(folder) if record.label and record.split in (None, "train")]
    if not found:
        raise SystemExit(f"no labelled training pictures in {folder}")
    chosen = found[:: max(1, len(found) // num_images)][:num_images]
    names = sorted({str(record.label) for record in found})
    side = recipe.data.image_size
    return labelled(chosen, class_names=names, size=(side, side), mode=recipe.data.mode)
