"""What input a network with pretrained weights expects: mean, std, size, interpolation.

Weights learnt on pictures normalised in one way are worth less on pictures normalised in another, so the
numbers come from the model's own data configuration, not from habit: the EfficientNet-Lite0 of the course
wants 0.5 and 0.5, not ImageNet's statistics. Notebook 01 asks what to subtract, notebook 08 what the wrong
numbers cost.
"""

from dataclasses import dataclass

from torch import nn

from course_utils.models.mobilenet_v3 import MobileNetV3
from course_utils.models.pretrained import TORCHVISION_FILES
from course_utils.models.rdnet import TINY, RDNet
from course_utils.models.resnet import ResNet


@dataclass(frozen=True)
class Normalisation:
    """What pictures were like in pretraining.

    `mean` and `std` are per channel, of values in [0, 1]; `image_size` is the side in pixels.
    """

    mean: tuple[float, ...]
    std: tuple[float, ...]
    image_size: int
    interpolation: str


# ImageNet's statistics, as torchvision's weights were trained with.
_TORCHVISION = Normalisation(
    mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225), image_size=224, interpolation="bilinear"
)


def normalisation(model: nn.Module | str, *, in_channels: int = 3) -> Normalisation:
    """Return what the published weights of `model` were trained with.

    `model` is a network or a name that `build_model` takes.

    For grey pictures (`in_channels=1`) mean and std are averaged over the colours. A network without
    published weights (`simple_cnn`, `rdnet_mini`) expects nothing: that is a ValueError, and the statistics
    of the training split are the ones to use.
    """
    found = _of_name(model) if isinstance(model, str) else _of_model(model)
    if found is None:
        name = model if isinstance(model, str) else type(model).__name__
        raise ValueError(f"{name} has no published weights; normalise with the training split's statistics")
    if in_channels == 1:
        mean, std = (sum(found.mean) / len(found.mean),), (sum(found.std) / len(found.std),)
        return Normalisation(mean, std, found.image_size, found.interpolation)
    if in_channels != len(found.mean):
        raise ValueError(
            f"in_channels is {in_channels}; the weights know {len(found.mean)} (or 1: grey). For others "
            "take the training split's statistics."
        )
    return found


def _of_name(name: str) -> Normalisation | None:
    if name in TORCHVISION_FILES:
        return _TORCHVISION
    import timm  # here: seconds that those who name a network of torchvision's do not need

    plain = name.removeprefix("timm:")
    config = timm.get_pretrained_cfg(plain, allow_unregistered=True) if timm.is_model(plain) else None
    return _from_timm(config.to_dict()) if config is not None else None


def _of_model(model: nn.Module) -> Normalisation | None:
    if isinstance(model, ResNet | MobileNetV3):
        return _TORCHVISION
    if isinstance(model, RDNet):
        return _of_name("rdnet_tiny") if model.sizes == TINY else None
    config = getattr(model, "pretrained_cfg", None)
    return _from_timm(config) if config else None


def _from_timm(config: dict) -> Normalisation:
    from timm.data import resolve_data_config

    resolved = resolve_data_config(pretrained_cfg=config)
    return Normalisation(
        tuple(resolved["mean"]), tuple(resolved["std"]), resolved["input_size"][-1], resolved["interpolation"]
    )
