"""Comparisons for the authors of exercises: each raises `Wrong` and names the likeliest cause.

All take what the learner's code gave first and what it should be second, as plain numbers, lists, NumPy
arrays or torch tensors (torch is not imported here).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from course_utils.checks.exercise import Wrong

# The result is so many times the right one: what the reader probably did.
_FACTORS: list[tuple[float, str]] = [
    (255.0, "did you forget to divide by 255?"),
    (1 / 255.0, "did you divide by 255 twice?"),
    (255.0**2, "did you forget to divide by 255? (a variance grows by 255 squared)"),
    (100.0, "give it as a share between 0 and 1, not in percent"),
    (0.01, "did you divide by 100? A share lies between 0 and 1 already"),
    (-1.0, "the size is right, the sign is not"),
    (float(np.log(2)), "is one logarithm natural and the other to the base 2?"),
    (float(1 / np.log(2)), "is one logarithm to the base 2 and the other natural?"),
    (2.0, "it is exactly twice too large"),
    (0.5, "it is exactly half of it"),
]


def close(got: Any, want: Any, tolerance: float = 1e-6, *, what: str = "your result") -> None:
    """Pass if every number of `got` lies within `tolerance * max(1, |want|)` of `want`, else `Wrong`.

    Shapes must be equal; a single number may come as an array of one element. Types of numbers do not matter.
    """
    got_array, want_array = _numbers(got, what), _numbers(want, "the right value")
    if got_array.size == want_array.size == 1:
        got_array, want_array = got_array.reshape(()), want_array.reshape(())
    same_shape(got_array, want_array, what=what)
    if want_array.size == 0:
        return
    if not np.isfinite(got_array).all() and np.isfinite(want_array).all():
        kind = "NaN" if np.isnan(got_array).any() else "infinite"
        raise Wrong(f"{what} holds {kind} values. Is there a division by zero, or a logarithm of zero?")
    allowed = tolerance * np.maximum(1.0, np.abs(want_array))
    with np.errstate(invalid="ignore"):  # infinity minus infinity, where both are infinite as they should be
        near = np.isfinite(want_array) & (np.abs(got_array - want_array) <= allowed)
    off = ~near & (got_array != want_array)
    if not off.any():
        return
    guess = _guess(got_array, want_array, tolerance)
    if got_array.ndim == 0:
        raise Wrong(f"{what} is {_short(got_array)}, expected {_short(want_array)}{guess}")
    first = tuple(int(i) for i in np.argwhere(off)[0])
    place = first[0] if len(first) == 1 else first
    count = f"{int(off.sum())} of {off.size} values differ" if off.sum() > 1 else "one value differs"
    values = f"it is {_short(got_array[first])}, expected {_short(want_array[first])}"
    raise Wrong(f"{what}: {count}; at index {place} {values}{guess}")


def equal(got: Any, want: Any, *, what: str = "your result") -> None:
    """Pass if `got == want`, for numbers, texts, arrays and lists, dicts and sets of them; else `Wrong`.

    A list and a tuple of the same items are equal; True and 1 are not.
    """
    if got is None and want is not None:
        raise Wrong(_none(what))
    want = want.item() if isinstance(want, np.generic) else want
    if np.ndim(want) > 0 and hasattr(want, "shape"):
        close(got, want, 0.0, what=what)
        return
    if not (isinstance(want, list | tuple) and isinstance(got, list | tuple)):
        same_type(got, type(want), what=what)
        if got != want:
            raise Wrong(f"{what} is {got!r:.200}, expected {want!r:.200}")
        return
    if len(got) != len(want):
        raise Wrong(f"{what} has {len(got)} items, expected {len(want)}")
    for index, (mine, right) in enumerate(zip(got, want, strict=True)):
        if mine != right:
            reordered = sorted(map(repr, got)) == sorted(map(repr, want))
            order = "; the items are right, their order is not" if reordered else ""
            raise Wrong(f"{what}: item {index} is {mine!r:.200}, expected {right!r:.200}{order}")


def same_shape(got: Any, want: Any, *, what: str = "your result") -> None:
    """Pass if `got` has the shape of `want` (an array or tensor, or a tuple of integers); else `Wrong`."""
    wanted = want if isinstance(want, tuple) else tuple(np.shape(want))
    if got is None:
        raise Wrong(_none(what))
    shape = tuple(got.shape) if hasattr(got, "shape") else np.shape(_numbers(got, what))
    if shape == wanted:
        return
    reason = ""
    if sorted(shape) == sorted(wanted):
        reason = ". The axes are all there, in another order: transpose or permute"
    elif tuple(n for n in shape if n != 1) == tuple(n for n in wanted if n != 1):
        reason = ". Only axes of length 1 differ: squeeze, unsqueeze or keepdim"
    elif len(shape) == len(wanted) + 1 and shape[1:] == wanted:
        reason = ". There is one axis too many in front: is a mean or an index over it missing?"
    elif shape == ():
        reason = ". You have a single number: is the sum or mean taken over all axes?"
    elif int(np.prod(shape)) == int(np.prod(wanted)):
        reason = ". The number of values is right: reshape or flatten"
    raise Wrong(f"{what} has the shape {shape}, expected {wanted}{reason}")


def same_type(got: Any, types: type | tuple[type, ...], *, what: str = "your result") -> None:
    """Pass if `got` is an instance of `types`; NumPy numbers count as int and float, bool never as int."""
    wanted = types if isinstance(types, tuple) else (types,)
    if got is None and type(None) not in wanted:
        raise Wrong(_none(what))
    if isinstance(got, bool | np.bool_):
        if bool in wanted:
            return
    elif (
        isinstance(got, wanted)
        or (isinstance(got, np.integer) and int in wanted)
        or (isinstance(got, np.floating | np.integer | int) and float in wanted)
    ):
        return
    names = " or ".join(kind.__name__ for kind in wanted)
    called = " (did you return the function instead of calling it?)" if callable(got) else ""
    raise Wrong(f"{what} is of the type {type(got).__name__}, expected {names}{called}")


def _none(what: str) -> str:
    return f"{what} is None: does your function `return` what it computes?"


def _numbers(value: Any, what: str) -> np.ndarray:
    """Any numbers as a float64 array (complex numbers and texts are refused)."""
    if value is None:
        raise Wrong(_none(what))
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        value = value.double().numpy() if not value.is_complex() else value.numpy()
    elif isinstance(value, list | tuple) and any(hasattr(part, "detach") for part in value):
        value = [_numbers(part, what) for part in value]
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "buif":
            raise ValueError
    except ValueError:
        raise Wrong(f"{what} should be numbers, got {type(value).__name__}: {value!r:.80}") from None
    return array.astype(np.float64)


def _guess(got: np.ndarray, want: np.ndarray, tolerance: float) -> str:
    """The likeliest cause of a difference, as the end of the sentence; empty if none fits."""
    scale = float(np.abs(want).max())
    if scale == 0 or not np.isfinite(got).all():
        return ""
    nearness = max(min(tolerance, 1e-3), 1e-6)

    def fits(other: np.ndarray) -> bool:
        near = np.abs(got - other) <= nearness * np.maximum(np.abs(other), 1e-12)
        return bool(near.all() and (np.abs(other) > 0).any())

    for factor, cause in _FACTORS:
        if fits(want * factor):
            times = f"{factor:g} times the right one" if factor > 0 else "the right one with the other sign"
            return f". It is {times}: {cause}"
    if fits(want**2):
        return ". It is the square of the right one: is a root missing (variance for standard deviation)?"
    if (want >= 0).all() and fits(np.sqrt(want)):
        return ". It is the square root of the right one: is there a root too many?"
    if got.ndim and got.shape[-1] > 1 and fits(want[..., ::-1]):
        return ". The values are there in reverse order: are the channels BGR instead of RGB?"
    if got.ndim == 2 and got.shape[0] == got.shape[1] and fits(want.T):
        return ". It is the transpose of the right one: are rows and columns swapped?"
    for count in range(2, 65):
        if fits(want * np.sqrt(count / (count - 1))) or fits(want * count / (count - 1)):
            return f". Did you divide by n - 1 instead of n (here n = {count})?"
    return ""


def _short(number: Any) -> str:
    return f"{float(number):.6g}"
