"""Plain values as bytes and back, without pickle: what grader and student exchange.

A value becomes a JSON tree plus the raw bytes of its arrays. Whoever decodes gets exactly None, bool, int,
float, str, bytes, list, tuple, dict, NumPy arrays and PyTorch tensors, whatever the sender claims: no class
of the other side ever arrives, so none of its methods (`__eq__`, `__reduce__`) can run here. What is no
plain value is sent as a handle, a number under which the sender keeps it.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

MAX_BYTES = 256 << 20
_MAX_DEPTH = 50
_HEAD = struct.Struct(">QI")  # length of the JSON text, number of buffers
_LENGTH = struct.Struct(">Q")
_KINDS = "biufcUS"  # of NumPy's dtypes: numbers and texts, no objects


@dataclass(frozen=True, eq=False)
class Handle:
    """An object that stays on the other side: its number there, and the name of its type."""

    number: int
    type_name: str


def encode(value: Any, keep: Callable[[Any], int] | None = None) -> bytes:
    """Give the bytes of `value`; `keep` stores what is no plain value and gives its number.

    Raises TypeError for such a thing without `keep`, and ValueError for what is too deep or too large.
    """
    buffers: list[bytes] = []
    text = json.dumps(_tree(value, buffers, keep, 0), ensure_ascii=True).encode()
    parts = [_HEAD.pack(len(text), len(buffers)), text]
    for buffer in buffers:
        parts += [_LENGTH.pack(len(buffer)), buffer]
    message = b"".join(parts)
    if len(message) > MAX_BYTES:
        raise ValueError(f"a value of {len(message):,} bytes; at most {MAX_BYTES:,} can be exchanged")
    return message


def decode(message: bytes) -> Any:
    """Give the value again; Handle objects stand for what stayed on the other side.

    Raises ValueError for bytes that `encode` cannot have written.
    """
    try:
        length, count = _HEAD.unpack_from(message)
        place = _HEAD.size + length
        tree = json.loads(message[_HEAD.size : place])
        buffers = []
        for _ in range(count):
            (size,) = _LENGTH.unpack_from(message, place)
            start = place + _LENGTH.size
            place = start + size
            if place > len(message):
                raise ValueError("a buffer ends behind the message")
            buffers.append(message[start:place])
        return _value(tree, buffers, 0)
    except (struct.error, KeyError, IndexError, TypeError, RecursionError, ValueError) as error:
        raise ValueError(f"not a message of this protocol: {error}") from None


def _tree(value: Any, buffers: list[bytes], keep: Callable[[Any], int] | None, depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError(f"a value that is nested more than {_MAX_DEPTH} deep cannot be exchanged")

    def inner(part: Any) -> Any:
        return _tree(part, buffers, keep, depth + 1)

    if value is None or type(value) is bool or type(value) is str:
        return value
    if type(value) is int:
        return {"int": str(value)}
    if type(value) is float:
        return {"float": value.hex()}
    if type(value) is bytes:
        return {"bytes": _store(value, buffers)}
    if type(value) in (list, tuple):
        return {type(value).__name__: [inner(part) for part in value]}
    if type(value) is dict:
        return {"dict": [[inner(key), inner(part)] for key, part in value.items()]}
    if isinstance(value, Handle):
        return {"handle": [value.number, value.type_name]}
    array = _as_array(value)
    if array is not None:
        kind = (
            "scalar" if isinstance(value, np.generic) else "array" if type(value) is np.ndarray else "tensor"
        )
        # ascontiguousarray would turn shape () into (1,)
        return {kind: [array.dtype.str, list(array.shape), _store(array.tobytes(), buffers)]}
    if keep is None:
        raise TypeError(
            f"{type(value).__name__} is no plain value: give numbers, texts, lists, arrays or tensors"
        )
    return {"handle": [keep(value), type(value).__name__]}


def _as_array(value: Any) -> np.ndarray | None:
    """Give the numbers of an array, a NumPy scalar or a tensor; None for anything else."""
    if type(value).__module__.partition(".")[0] == "torch":
        import torch

        if type(value) in (torch.Tensor, torch.nn.Parameter):
            plain = value.detach().cpu()
            value = (plain.float() if plain.dtype == torch.bfloat16 else plain).numpy()
    if isinstance(value, np.generic):
        value = np.asarray(value)
    return value if type(value) is np.ndarray and value.dtype.kind in _KINDS else None


def _store(data: bytes, buffers: list[bytes]) -> int:
    buffers.append(data)
    return len(buffers) - 1


def _value(tree: Any, buffers: list[bytes], depth: int) -> Any:
    if depth > _MAX_DEPTH:
        raise ValueError("nested too deep")
    if tree is None or isinstance(tree, bool | str):
        return tree
    if not isinstance(tree, dict) or len(tree) != 1:
        raise ValueError("a part of the tree has no kind")
    ((kind, content),) = tree.items()
    if kind == "int":
        return int(content)
    if kind == "float":
        return float.fromhex(content)
    if kind == "bytes":
        return buffers[content]
    if kind in ("list", "tuple"):
        parts = [_value(part, buffers, depth + 1) for part in content]
        return parts if kind == "list" else tuple(parts)
    if kind == "dict":
        return {_value(key, buffers, depth + 1): _value(part, buffers, depth + 1) for key, part in content}
    if kind == "handle":
        return Handle(int(content[0]), str(content[1]))
    if kind in ("array", "scalar", "tensor"):
        return _numbers(kind, content, buffers)
    raise ValueError(f"unknown kind {kind!r}")


def _numbers(kind: str, content: Any, buffers: list[bytes]) -> Any:
    dtype = np.dtype(str(content[0]))
    if dtype.kind not in _KINDS:
        raise ValueError(f"an array of {dtype} is not exchanged")
    array = np.frombuffer(buffers[content[2]], dtype).reshape(content[1]).copy()
    if kind == "tensor":
        import torch

        return torch.from_numpy(array)
    return array[()] if kind == "scalar" else array
