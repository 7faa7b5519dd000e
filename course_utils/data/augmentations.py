"""Augmentations from a recipe, and all of them in a gallery.

`build_augment(["flip", {"name": "rotation", "degrees": 20}])` is what a recipe file or a notebook writes; the
result goes to `loaders.Batches`. Notebook 06 shows the gallery.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from course_utils.data.augmentation_registry import (
    REGISTRY,
    Entry,
    build_step,
    check_list,
    describe,
    full_spec,
)
from course_utils.data.randomness import uniforms
from course_utils.data.transforms import Augment
from course_utils.params import did_you_mean

__all__ = ["GALLERY", "REGISTRY", "build_augment", "build_step", "describe", "full_spec", "gallery"]

# What the gallery shows: for each augmentation its settings, mild and strong where there is a strength.
GALLERY: dict[str, dict[str, dict[str, Any]]] = {
    "affine": {
        "mild": {"degrees": 10, "translate": 0.05, "scale": [0.9, 1.1], "shear": 5},
        "strong": {"degrees": 45, "translate": 0.2, "scale": [0.6, 1.4], "shear": 25},
    },
    "rotation": {"mild": {"degrees": 15}, "strong": {"degrees": 90}},
    "translation": {"mild": {"translate": 0.1}, "strong": {"translate": 0.35}},
    "scale": {"mild": {"scale": [0.85, 1.15]}, "strong": {"scale": [0.5, 2.0]}},
    "shear": {"mild": {"degrees": 10}, "strong": {"degrees": 35}},
    "elastic": {"mild": {}, "strong": {"strength": 0.2}},
    "flip": {"horizontal": {"p": 1.0}, "vertical": {"p": 1.0, "direction": "vertical"}},
    "quarter_turns": {"": {}},
    "random_resized_crop": {"mild": {"scale": [0.6, 1.0]}, "strong": {"scale": [0.08, 0.25]}},
    "crop": {"mild": {"padding": 4}, "strong": {"padding": 16}},
    "pad": {"mild": {"padding": 0.15}, "strong": {"padding": 0.6}},
    "brightness": {"mild": {"strength": 0.2}, "strong": {"strength": 0.7}},
    "contrast": {"mild": {"strength": 0.2}, "strong": {"strength": 0.8}},
    "saturation": {"mild": {"strength": 0.3}, "strong": {"strength": 1.0}},
    "hue": {"mild": {"strength": 0.05}, "strong": {"strength": 0.5}},
    "color_jitter": {
        "mild": {},
        "strong": {"brightness": 0.5, "contrast": 0.5, "saturation": 0.8, "hue": 0.2},
    },
    "gaussian_noise": {"mild": {"std": 0.05}, "strong": {"std": 0.25}},
    "salt_and_pepper": {"mild": {"amount": 0.02}, "strong": {"amount": 0.2}},
    "gaussian_blur": {"mild": {"sigma": [0.5, 1.0]}, "strong": {"sigma": [2.0, 3.0]}},
    "random_erasing": {
        "mild": {"p": 1.0, "scale": [0.02, 0.1]},
        "strong": {"p": 1.0, "scale": [0.25, 0.4], "pixel_level": True},
    },
    "cutout": {
        "mild": {"p": 1.0, "scale": [0.02, 0.1]},
        "strong": {"p": 1.0, "scale": [0.25, 0.4]},
    },
    "rand_augment": {"mild": {"magnitude": 5}, "strong": {"magnitude": 25}},
    "trivial_augment": {"": {}},
}
_DRAWS = 8


def build_augment(spec: Sequence[Entry], seed: int = 0) -> Augment:
    """Make the augmentation that `spec` lists: names, or {"name": ..., options}, applied in that order.

    Raises ValueError, naming the nearest one, for an unknown name or option.
    """
    return Augment([build_step(entry) for entry in check_list(spec)], seed=seed)


def gallery(image: np.ndarray, names: Sequence[str] | None = None, seed: int = 0) -> dict[str, np.ndarray]:
    """Show what each augmentation makes of `image` (H, W, C), uint8 or floats in [0, 1]: the same type back.

    The keys are "rotation, mild", "rotation, strong" and so on, or the bare name where there is one setting.
    Of eight draws the one that changes the picture most is shown, at both strengths, so that no panel is
    empty by chance. `names` are those of `REGISTRY` (None: all; quarter turns for square pictures only).
    ValueError for an unknown name, and for another shape.
    """
    square = image.shape[0] == image.shape[1]
    everything = [name for name in GALLERY if square or name != "quarter_turns"]
    chosen = everything if names is None else list(names)
    for name in chosen:
        if name not in GALLERY:
            raise ValueError(f"there is no augmentation {name!r} to show{did_you_mean(name, GALLERY)}")
    if image.ndim != 3:
        raise ValueError(f"got an image of shape {image.shape}; expected (height, width, channels)")
    in_bytes = image.dtype == np.uint8
    values = torch.from_numpy(np.ascontiguousarray(image, dtype=np.float32) / (255 if in_bytes else 1))
    copies = values.permute(2, 0, 1).expand(_DRAWS, -1, -1, -1).contiguous()  # (8, C, H, W)
    panels = {}
    for name in chosen:
        settings = GALLERY[name]
        steps = {
            f"{name}, {label}" if label else name: build_step({"name": name, **options})
            for label, options in settings.items()
        }
        results = {}
        for title, step in steps.items():
            randoms = uniforms(seed, f"gallery {name}", 0, np.arange(_DRAWS), step.num_random)
            results[title] = step(copies, torch.from_numpy(randoms).float().clamp(max=1 - 2**-24))
        change = (list(results.values())[-1] - copies).abs().flatten(1).mean(dim=1)  # (8,)
        best = int(change.argmax())
        for title, images in results.items():
            panel = images[best].permute(1, 2, 0).clamp(0, 1).numpy()  # (H, W, C)
            panels[title] = np.rint(panel * 255).astype(np.uint8) if in_bytes else panel.astype(image.dtype)
    return panels
