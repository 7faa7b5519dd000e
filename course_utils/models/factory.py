"""Every network of the course by name: ours, and any that timm knows.

One signature for all, so that a config file or a notebook parameter can name the network. An option that the
named network does not have is an error, not a silence. Notebook 08 uses it first.
"""

import difflib
from pathlib import Path

from torch import nn

from course_utils.models.counting import count_macs, count_parameters
from course_utils.models.expected_input import Normalisation, normalisation
from course_utils.models.features import Features, feature_layers, features
from course_utils.models.freezing import freeze, set_fine_tuning, unfreeze
from course_utils.models.heads import HEAD_STARTS, restart_head
from course_utils.models.ours import OURS, build_ours
from course_utils.models.pretrained import (
    IMAGENET_CLASSES,
    PretrainedUnavailableError,
    create_timm,
    load_pretrained,
)

__all__ = [
    "OURS",
    "Features",
    "Normalisation",
    "PretrainedUnavailableError",
    "build_model",
    "check_model_name",
    "count_macs",
    "count_parameters",
    "feature_layers",
    "features",
    "freeze",
    "normalisation",
    "set_fine_tuning",
    "unfreeze",
]


def build_model(
    name: str,
    *,
    num_classes: int,
    pretrained: bool = False,
    fine_tune: str = "all",
    in_channels: int = 3,
    image_size: int | None = None,
    drop_rate: float | None = None,
    drop_path_rate: float | None = None,
    keep_resolution: int = 0,
    width_factor: float = 1.0,
    head_start: str = "quiet",
    cache_dir: str | Path | None = None,
) -> nn.Module:
    """Return the network `name`, on the CPU, ready to be trained.

    `name` is one of `OURS` or a timm name; "timm:resnet18" asks for timm's where both have one. `pretrained`
    loads the published ImageNet weights (the head is new unless `num_classes` is 1000); if they cannot be had
    it raises `PretrainedUnavailableError`. Such a new head is "quiet" (`heads.restart_head`), or with
    `head_start` "library" as the network's own code has it. `fine_tune` is "all", "head" (all else frozen) or
    the name of the layer from which on to train, see `freezing`. `image_size`, the side in pixels, is needed
    by networks made for one size (simple_cnn, transformers); the others take any. `drop_rate` is the dropout
    before the head, `drop_path_rate` stochastic depth; None keeps the network's own. `keep_resolution` (how
    many of the first halvings are left out, for small pictures) and `width_factor` (of all widths) are
    options of our networks. `cache_dir` is where downloads are kept.

    ValueError: an unknown name (with the nearest one), an option the network does not have, an impossible
    number.
    """
    check_model_name(name)
    if head_start not in HEAD_STARTS:
        raise ValueError(f"head_start is {head_start!r}; expected {' or '.join(HEAD_STARTS)}")
    if num_classes < 1 or in_channels < 1:
        raise ValueError(
            f"num_classes is {num_classes} and in_channels {in_channels}; both have to be 1 or more"
        )
    if name in OURS:
        model = build_ours(
            name,
            num_classes=num_classes,
            in_channels=in_channels,
            image_size=image_size,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
            keep_resolution=keep_resolution,
            width_factor=width_factor,
        )
        if pretrained:
            load_pretrained(model, name, cache_dir=cache_dir)
    else:
        if keep_resolution != 0 or width_factor != 1.0:
            raise ValueError(
                f"keep_resolution and width_factor are options of our networks, not of timm's {name}; "
                "leave them out"
            )
        model = _timm_model(
            name.removeprefix("timm:"),
            num_classes=num_classes,
            pretrained=pretrained,
            in_channels=in_channels,
            image_size=image_size,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate,
            cache_dir=cache_dir,
        )
    if pretrained and num_classes != IMAGENET_CLASSES and head_start == "quiet":
        restart_head(model)
    set_fine_tuning(model, fine_tune)
    return model


def check_model_name(name: str) -> None:
    """Raise ValueError, with the nearest names, unless `build_model` knows `name`."""
    if name in OURS:
        return
    import timm  # here: seconds that our own networks do not need

    plain = name.removeprefix("timm:")
    if timm.is_model(plain):
        _check_tag(plain)
        return
    known = dict.fromkeys([*OURS, *timm.list_models()])
    near = difflib.get_close_matches(plain, known, n=3, cutoff=0.4) or list(OURS)[:3]
    raise ValueError(
        f"unknown model {name!r}; the nearest names are {', '.join(near)}. Ours are {', '.join(OURS)}; "
        "the names of timm.list_models() will do too."
    )


def _check_tag(name: str) -> None:
    """Refuse a timm name such as "resnet18.a1_in1k" whose ending, the name of the weights, does not exist."""
    import timm

    try:
        timm.get_pretrained_cfg(name)
    except RuntimeError as error:
        architecture = name.partition(".")[0]
        tags = ", ".join(timm.list_pretrained(f"{architecture}.*")) or "none"
        raise ValueError(f"unknown weights {name!r}; timm has {tags}") from error


def _timm_model(
    name: str,
    *,
    num_classes: int,
    pretrained: bool,
    in_channels: int,
    image_size: int | None,
    drop_rate: float | None,
    drop_path_rate: float | None,
    cache_dir: str | Path | None,
) -> nn.Module:
    import timm

    config = timm.get_pretrained_cfg(name)
    fixed_size = config is not None and config.fixed_input_size
    try:
        return create_timm(
            name,
            pretrained=pretrained,
            num_classes=num_classes,
            in_channels=in_channels,
            drop_rate=drop_rate,
            drop_path_rate=drop_path_rate or None,
            image_size=image_size if fixed_size else None,
            cache_dir=cache_dir,
        )
    except TypeError as error:  # timm passes options on to the network's constructor
        raise ValueError(f"timm's {name} does not take one of the given options: {error}") from error
