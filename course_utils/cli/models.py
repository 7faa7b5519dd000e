"""`models list`: the networks of the course, and timm's by pattern."""

import argparse
from fnmatch import fnmatch
from typing import Any

from course_utils.cli.shared import print_table

_HEADS = ("name", "from", "million parameters", "published size", "weights")
_MOST_COUNTED = 12  # building one takes up to a second


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the command."""
    group = subparsers.add_parser("models", help="list the networks that a recipe can name")
    commands = group.add_subparsers(title="commands", required=True, metavar="COMMAND")
    listing = commands.add_parser(
        "list",
        parents=[common],
        help="ours with their size; with a PATTERN also those of timm",
        epilog="Example: python -m course_utils models list 'efficientnet_lite*' --pretrained",
    )
    listing.add_argument(
        "pattern", nargs="?", metavar="PATTERN", help="part of a name, or a pattern with * and ?"
    )
    listing.add_argument("--pretrained", action="store_true", help="only those with published weights")
    listing.set_defaults(function=_list)


def _list(options: argparse.Namespace) -> int:
    from difflib import get_close_matches

    import timm

    from course_utils.models.factory import OURS

    pattern = options.pattern or "*"
    if not set("*?[") & set(pattern):
        pattern = f"*{pattern}*"
    ours = [name for name in OURS if fnmatch(name, pattern)]
    theirs = timm.list_models(pattern) if options.pattern else []
    if options.pretrained:
        ours = [name for name in ours if _has_weights(name)]
        theirs = [name for name in theirs if timm.is_model_pretrained(name)]
    theirs = [name for name in theirs if name not in OURS]
    if not ours and not theirs:
        near = get_close_matches(pattern.strip("*"), [*OURS, *timm.list_models()], n=3)
        raise ValueError(
            f"no network fits {options.pattern!r}{' with weights' if options.pretrained else ''}"
            + (f"; the nearest names are {', '.join(near)}" if near else "")
        )
    rows = [_row(name, "course", counted=True) for name in ours]
    rows += [_row(name, "timm", counted=len(theirs) <= _MOST_COUNTED) for name in theirs]
    print_table(_HEADS, rows)
    return 0


def _has_weights(name: str) -> bool:
    from course_utils.models.expected_input import normalisation

    try:
        normalisation(name)
    except ValueError:
        return False
    return True


def _row(name: str, origin: str, *, counted: bool) -> tuple[str, ...]:
    """Give name, origin, millions of parameters, published input size, where weights come from."""
    import torch

    from course_utils.models.counting import count_parameters
    from course_utils.models.expected_input import normalisation
    from course_utils.models.factory import build_model

    try:
        size = str(normalisation(name).image_size)
    except ValueError:
        size = "any"
    millions = "-"
    if counted:
        with torch.device("meta"):
            millions = f"{count_parameters(build_model(name, num_classes=1000, image_size=224)) / 1e6:.2f}"
    return name, origin, millions, size, _weights(name)


def _weights(name: str) -> str:
    import timm

    from course_utils.models.pretrained import LITE0, TORCHVISION_FILES, lite0_file

    if name == LITE0 and lite0_file():
        return "installed, no network needed"
    if name in TORCHVISION_FILES:
        return "torchvision"
    return "timm" if timm.is_model(name) and timm.is_model_pretrained(name) else "none"
