"""The network of a recipe, with the same random start for the same seed."""

from typing import Any

import torch
from torch import nn

from course_utils import runtime
from course_utils.models.freezing import set_fine_tuning
from course_utils.models.normalisation import set_batch_norm_momentum
from course_utils.models.ours import OURS, build_ours
from course_utils.recipes.recipe import Recipe


def build(recipe: Recipe, *, num_classes: int, pretrained: bool | None = None) -> nn.Module:
    """Give the network on the CPU; `pretrained` None takes the recipe's own wish.

    Seeds torch's global generator. Errors are those of `models.factory.build_model`, which is imported for
    timm's networks and for pretrained weights only, since it costs seconds.
    """
    model, data = recipe.model, recipe.data
    torch.manual_seed(runtime.derive_seed(recipe.training.seed, "weights"))
    wants_weights = model.pretrained if pretrained is None else pretrained
    options: dict[str, Any] = {
        "num_classes": num_classes,
        "in_channels": 1 if data.mode == "L" else 3,
        "image_size": data.image_size,
        "drop_rate": model.drop_rate,
        "drop_path_rate": model.drop_path_rate,
        "keep_resolution": model.keep_resolution,
        "width_factor": model.width_factor,
    }
    if model.name in OURS and not wants_weights:
        network = build_ours(model.name, **options)
        set_fine_tuning(network, model.fine_tune)
    else:
        from course_utils.models.factory import build_model

        options |= {"fine_tune": model.fine_tune, "head_start": model.head_start}
        network = build_model(model.name, pretrained=wants_weights, **options)
    if model.batch_norm_momentum is not None:
        set_batch_norm_momentum(network, model.batch_norm_momentum)
    return network
