"""The networks of the course by name, built from torch alone.

`factory.build_model` adds timm's, pretrained weights and freezing. Importing timm takes as long as importing
torch, which a command that answers for one picture need not pay when the network is one of these.
"""

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType

from torch import nn

from course_utils.models.mobilenet_v3 import mobilenet_v3_large, mobilenet_v3_small
from course_utils.models.rdnet import rdnet_mini, rdnet_tiny
from course_utils.models.rdnet_additive import rdnet_mini_additive
from course_utils.models.resnet import resnet18, resnet34, resnet50, resnet101, resnet152
from course_utils.models.simple_cnn import simple_cnn

OURS: Mapping[str, Callable[..., nn.Module]] = MappingProxyType(
    {
        "simple_cnn": simple_cnn,
        "resnet18": resnet18,
        "resnet34": resnet34,
        "resnet50": resnet50,
        "resnet101": resnet101,
        "resnet152": resnet152,
        "mobilenet_v3_small": mobilenet_v3_small,
        "mobilenet_v3_large": mobilenet_v3_large,
        "rdnet_tiny": rdnet_tiny,
        "rdnet_mini": rdnet_mini,
        "rdnet_mini_additive": rdnet_mini_additive,
    }
)

# What an option is when it asks for nothing; giving this to a network without the option is no mistake.
_NEUTRAL = {"dropout": (None, 0.0), "drop_path": (None, 0.0), "keep_resolution": (0,), "width_factor": (1.0,)}


def build_ours(
    name: str,
    *,
    num_classes: int,
    in_channels: int = 3,
    image_size: int | None = None,
    drop_rate: float | None = None,
    drop_path_rate: float | None = None,
    keep_resolution: int = 0,
    width_factor: float = 1.0,
) -> nn.Module:
    """Return the network `name` of `OURS`, randomly initialised, on the CPU; arguments as in `build_model`.

    ValueError: an option that asks for something the network does not have.
    """
    options = {
        "dropout": drop_rate,
        "drop_path": drop_path_rate,
        "keep_resolution": keep_resolution,
        "width_factor": width_factor,
        "image_size": image_size,
    }
    return OURS[name](num_classes=num_classes, in_channels=in_channels, **_accepted(name, options))


def _accepted(name: str, options: Mapping[str, float | int | None]) -> dict[str, float | int]:
    """Return the options that the network's function takes.

    One that it lacks is an error if it asks for something.
    """
    taken = inspect.signature(OURS[name]).parameters
    accepted: dict[str, float | int] = {}
    for option, value in options.items():
        if option in taken:
            accepted |= {} if value is None else {option: value}
        elif option != "image_size" and value not in _NEUTRAL[option]:  # other networks take any image size
            public = {"dropout": "drop_rate", "drop_path": "drop_path_rate"}.get(option, option)
            raise ValueError(f"{public} is {value}, but {name} has no such option; leave it out")
    return accepted
