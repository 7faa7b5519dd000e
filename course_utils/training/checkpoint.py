"""The two files of a training run: `last.pt` to go on from, `best.safetensors` to predict with.

`last.pt` holds all that the next epoch depends on, as tensors and plain values, so that it loads with
`weights_only=True`. Both are written beside and renamed: a killed process or a full disk leaves the file of
the epoch before. `last.pt` is what `torch.save` writes, a zip file, with its own SHA-256 as the zip's
comment: one flipped byte is found, and there is no second file that could be out of step.
"""

import hashlib
import io
import pickle
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from course_utils import files
from course_utils.models.fitting import first_line

FORMAT = 2
_END = b"PK\x05\x06"  # a zip file ends with this record of 22 bytes; the last two are a comment's length
_MARK = b"sha256:"
_COMMENT_LENGTH = len(_MARK) + 64


def save_last(path: str | Path, state: Mapping[str, Any]) -> None:
    """Write `state` (tensors, numbers, text, lists, dicts) to `path`, atomically, with its checksum.

    Raises OSError when the disk is full; the old file then stays.
    """
    stream = io.BytesIO()
    torch.save({"format": FORMAT, **state}, stream)
    content = _sealed(stream.getvalue())
    files.require_space(path, len(content))
    files.write_bytes(path, content)


def load_last(path: str | Path) -> dict[str, Any]:
    """Read what `save_last` wrote, on the CPU; raises ValueError naming the file when it is damaged."""
    path = Path(path)
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ValueError(f"there is no checkpoint {path}; start the run from the beginning") from None
    _check_seal(content, path)
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"the checkpoint {path} is refused: it holds more than tensors and plain values, which can run "
            f"any code. Do not use it ({first_line(error)})."
        ) from error
    except Exception as error:
        raise ValueError(f"the checkpoint {path} cannot be read: {first_line(error)}") from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        raise ValueError(f"{path} is no checkpoint of this version of the course; start the run again")
    return state


def check_config(state: Mapping[str, Any], config: Mapping[str, Any], path: str | Path) -> None:
    """Raise ValueError unless `state` comes from a run with the settings `config`; logging may differ."""
    saved = state["config"]
    changed = [
        f"{name} {saved.get(name)!r} there and {config.get(name)!r} here"
        for name in sorted(saved.keys() | config.keys())
        if saved.get(name) != config.get(name) and name != "tensorboard"
    ]
    if changed:
        raise ValueError(
            f"{path} comes from a run with other settings: {'; '.join(changed)}. A run is resumed with its "
            "own settings; give those, or start a new run."
        )


def digest(state: Any, *, leave_out: Sequence[str] = ("seconds",)) -> str:
    """Give the SHA-256 of all bits in `state` (nested dicts, lists, tensors, plain values).

    Equal digests mean equal runs. Entries whose key is in `leave_out` do not count: times differ.
    """
    hasher = hashlib.sha256()
    _feed(hasher, state, leave_out)
    return hasher.hexdigest()


def _feed(hasher: Any, value: Any, leave_out: Sequence[str]) -> None:
    if isinstance(value, Tensor):
        flat = value.detach().cpu().contiguous().reshape(-1)
        hasher.update(f"tensor {value.dtype} {tuple(value.shape)}:".encode())
        hasher.update(flat.view(torch.uint8).numpy().tobytes())
    elif isinstance(value, Mapping):
        kept = {str(key): item for key, item in value.items() if key not in leave_out}
        hasher.update(f"dict of {len(kept)}:".encode())
        for name in sorted(kept):
            hasher.update(f"{name!r}:".encode())
            _feed(hasher, kept[name], leave_out)
    elif isinstance(value, list | tuple):
        hasher.update(f"list of {len(value)}:".encode())
        for item in value:
            _feed(hasher, item, leave_out)
    else:
        hasher.update(f"{value!r};".encode())


def _sealed(content: bytes) -> bytes:
    """Give the zip file `content` with the SHA-256 of everything before it as its comment."""
    assert content[-22:-18] == _END and content[-2:] == b"\0\0", "torch.save wrote no plain zip file"
    body = content[:-2] + struct.pack("<H", _COMMENT_LENGTH) + _MARK
    return body + hashlib.sha256(body).hexdigest().encode()


def _check_seal(content: bytes, path: Path) -> None:
    start = len(content) - _COMMENT_LENGTH
    if start < 0 or content[start : start + len(_MARK)] != _MARK:
        raise ValueError(
            f"the checkpoint {path} cannot be read: its end is missing (no checksum there). It is cut off, "
            "damaged, or no checkpoint of this version of the course; start the run again."
        )
    body, expected = content[: start + len(_MARK)], content[start + len(_MARK) :]
    actual = hashlib.sha256(body).hexdigest().encode()
    if actual != expected:
        raise ValueError(
            f"the checkpoint {path} cannot be read: it is damaged. Its SHA-256 begins with "
            f"{actual[:12].decode()}, expected was {expected[:12].decode(errors='replace')}. Copy it again, "
            "or start the run again."
        )
