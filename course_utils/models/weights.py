"""Weights on disk: safetensors with a checksum beside it, and loading that says what fitted and what did not.

`torch.nn.Module.load_state_dict(strict=False)` returns quietly when no name fits, and one flipped byte loads
silently from safetensors and from torch files alike. So everything here is checked: the checksum, the names,
the shapes, the class names; what does not fit is an error unless asked for. Nothing is unpickled but tensors
(`weights_only=True`). Format: safetensors (8 bytes of length, a JSON header, raw numbers). Notebook 09 loads
weights that nearly fit.
"""

import json
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from course_utils import files
from course_utils.models.fitting import LoadReport, first_line, listed, load_state

# One key only: safetensors writes several in a random order, so equal weights would differ in checksum.
_METADATA_KEY = "course"
_DAMAGE = (SafetensorError, RuntimeError, EOFError, ValueError, LookupError, AttributeError, TypeError)


def save_weights(
    path: str | Path,
    state: Mapping[str, Tensor],
    *,
    class_names: Sequence[str] | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Write `state` (a model's `state_dict()`) as safetensors and return the SHA-256 of the file.

    The checksum also goes to a file beside it, `path` + ".sha256". `class_names`, in the order of the logits,
    and `metadata` (anything JSON knows) go into the file's header. Equal contents give equal bytes. The old
    checksum is removed first: a process killed in between leaves a file without a checksum, never one with
    the wrong checksum. ValueError for another ending than .safetensors.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} should end in .safetensors, the only format that is written here")
    header = dict(metadata or {})
    if class_names is not None:
        header["class_names"] = list(class_names)
    tensors: dict[str, Tensor] = {}
    for name, tensor in state.items():
        # A clone, since safetensors refuses shared memory; contiguous, whatever the memory format.
        tensors[name] = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    with files.atomic_path(path) as partial:
        save_file(tensors, partial, metadata={_METADATA_KEY: json.dumps(header, ensure_ascii=False)})
        digest = files.sha256_file(partial)
        sidecar(path).unlink(missing_ok=True)
    files.write_text(sidecar(path), f"{digest}  {path.name}\n")
    return digest


def sidecar(path: str | Path) -> Path:
    """Return the name of the checksum file of `path`, in the format of `sha256sum`."""
    return Path(path).with_name(Path(path).name + ".sha256")


def verify(path: str | Path, *, sha256: str | None = None) -> bool:
    """Compare the file with `sha256` (its first digits do) or its checksum file; False if there is neither.

    A difference is a ValueError.
    """
    path = Path(path)
    expected = sha256
    if expected is None and sidecar(path).is_file():
        words = sidecar(path).read_text(encoding="utf-8", errors="replace").split()
        expected = words[0] if words else "(empty)"
    if expected is None:
        return False
    actual = files.sha256_file(path)
    if len(expected) < 8 or not actual.startswith(expected.lower()):
        raise ValueError(
            f"{path} is damaged or was replaced: its SHA-256 begins with {actual[:12]}, expected was "
            f"{expected[:12]}. Copy or download it again; if you trust it, delete {sidecar(path).name}"
        )
    return True


def read_metadata(path: str | Path) -> dict[str, Any]:
    """Return what `save_weights` put into the header (`class_names` and more); {} for other files.

    ValueError for a damaged file.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        return {}
    try:
        with safe_open(path, framework="pt") as file:
            return json.loads((file.metadata() or {}).get(_METADATA_KEY, "{}"))
    except (SafetensorError, ValueError) as error:
        raise ValueError(f"{path} is not a readable safetensors file: {error}") from error


def read_weights(path: str | Path, *, key: str | None = None, sha256: str | None = None) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file or of a torch file (.pth, .pt, .bin) by name, on the CPU.

    A torch file may hold the tensors one level down, among epoch, optimizer and the like; with several such
    tables (raw and EMA weights, say) `key` names the one to take. The checksum is compared if there is one.
    """
    verify(path, sha256=sha256)
    return _read(Path(path), key)


def load_weights(
    model: nn.Module,
    path: str | Path,
    *,
    allow_partial: bool = False,
    class_names: Sequence[str] | None = None,
    key: str | None = None,
    sha256: str | None = None,
) -> LoadReport:
    """Load the file at `path` into `model` and report.

    `load_state` says what fits, `read_weights` which files can be read.

    With `class_names` the list stored in the file has to be the same, name for name in the same order.
    Anything that does not fit is a ValueError that names the file.
    """
    verified = verify(path, sha256=sha256)
    if class_names is not None:
        check_class_names(read_metadata(path).get("class_names"), class_names, source=str(path))
    try:
        report = load_state(model, _read(Path(path), key), allow_partial=allow_partial)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return replace(report, verified=verified)


def check_class_names(stored: Sequence[str] | None, wanted: Sequence[str], *, source: str) -> None:
    """Raise ValueError unless both lists hold the same names in the same order; `source` names the first.

    The order is the order of the logits: two lists that differ in it would exchange classes in silence.
    """
    if stored is None:
        raise ValueError(
            f"{source} stores no class names, so they cannot be compared with {listed(list(wanted))}"
        )
    if list(stored) == list(wanted):
        return
    lost, added = [n for n in stored if n not in wanted], [n for n in wanted if n not in stored]
    if lost or added:
        detail = f"only there: {listed(lost) or 'none'}; only here: {listed(added) or 'none'}"
    else:
        detail = f"the same names in another order; there: {listed(list(stored))}"
    raise ValueError(f"{source} was trained on other classes: {detail}")


def _read(path: Path, key: str | None) -> dict[str, Tensor]:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ValueError(
            f"{path} is refused: it is no torch file, or holds more than tensors and plain values, which can "
            f"run any code. Save the model's state_dict() alone, as safetensors ({first_line(error)})."
        ) from error
    except _DAMAGE as error:
        raise ValueError(f"{path} cannot be read as weights: {first_line(error)}") from error
    return _table_of_tensors(content, key, path)


def _table_of_tensors(content: object, key: str | None, path: Path) -> dict[str, Tensor]:
    """Return the table of tensors that a torch file is, or holds under one of its keys."""
    tables = {}
    if isinstance(content, Mapping):
        if key is None and content and all(isinstance(value, Tensor) for value in content.values()):
            return dict(content)
        for name, value in content.items():
            if isinstance(value, Mapping) and value and all(isinstance(v, Tensor) for v in value.values()):
                tables[str(name)] = dict(value)
    if key is None and len(tables) == 1:
        return next(iter(tables.values()))
    if key in tables:
        return tables[key]
    asked = f"no table of tensors under key={key!r}" if key else f"{len(tables)} tables of tensors"
    raise ValueError(
        f"{path} holds {asked}; choose with key= one of: {listed(list(tables)) or 'there is none'}"
    )
