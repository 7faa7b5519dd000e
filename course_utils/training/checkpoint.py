"""The two files of a training run: `last.pt` to go on from, `best.safetensors` to predict with.

`last.pt` holds all that the next epoch depends on, as tensors and plain values, so that it loads with
`weights_only=True`. Both are written beside and renamed: a killed process leaves the file of the epoch
before.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from course_utils import files

FORMAT = 1


def save_last(path: str | Path, state: Mapping[str, Any]) -> None:
    """Write `state` (tensors, numbers, text, lists, dicts) to `path`, atomically."""
    with files.atomic_path(path) as partial:
        torch.save({"format": FORMAT, **state}, partial)


def load_last(path: str | Path) -> dict[str, Any]:
    """Read what `save_last` wrote, on the CPU; raises ValueError naming the file when it is damaged."""
    path = Path(path)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise ValueError(f"there is no checkpoint {path}; start the run from the beginning.") from None
    except Exception as error:
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise ValueError(f"the checkpoint {path} cannot be read: {reason}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"{path} is no checkpoint of this version of the course; start the run again.")
    return state
