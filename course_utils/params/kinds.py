"""What a notebook parameter may be: its type, its bounds, its value in each profile."""

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar

from course_utils import runtime

_UNSET: Any = object()


class Kind(ABC):
    """What a parameter may be: one value for all profiles, or `smoke=`, `quick=` and `full=`, and its bounds.

    A default of None is allowed (e.g. no limit in the profile `full`) and is not checked against the bounds.
    """

    expected: ClassVar[str] = "a value"

    def __init__(
        self, value: Any = _UNSET, *, smoke: Any = _UNSET, quick: Any = _UNSET, full: Any = _UNSET
    ) -> None:
        by_profile = {"smoke": smoke, "quick": quick, "full": full}
        given = [name for name, item in by_profile.items() if item is not _UNSET]
        if (value is _UNSET) == (not given) or (given and len(given) < 3):
            raise ValueError(
                f"{type(self).__name__}: give one value for all profiles, or all of smoke=, quick=, full="
            )
        self.same_everywhere = not given
        self.defaults = dict.fromkeys(runtime.PROFILES, value) if self.same_everywhere else by_profile
        for profile, default in self.defaults.items():
            try:
                self.defaults[profile] = None if default is None else self.convert(default)
            except ValueError as error:
                raise ValueError(
                    f"{type(self).__name__}: the default of the profile {profile} is wrong: {error}"
                ) from None

    @abstractmethod
    def convert(self, value: Any) -> Any:
        """Give `value` as this kind; raise ValueError("got ..., expected ...") if it is none."""


class _Number(Kind):
    def __init__(
        self,
        value: Any = _UNSET,
        *,
        smoke: Any = _UNSET,
        quick: Any = _UNSET,
        full: Any = _UNSET,
        minimum: float | None = None,
        maximum: float | None = None,
        above: float | None = None,
        below: float | None = None,
    ) -> None:
        self.bounds = [
            (words, bound, holds)
            for words, bound, holds in (
                ("at least", minimum, lambda v, b: v >= b),
                ("above", above, lambda v, b: v > b),
                ("at most", maximum, lambda v, b: v <= b),
                ("below", below, lambda v, b: v < b),
            )
            if bound is not None
        ]
        super().__init__(value, smoke=smoke, quick=quick, full=full)

    def _check_bounds(self, value: float) -> None:
        if not all(holds(value, bound) for _, bound, holds in self.bounds):
            raise ValueError(f"got {value!r}, expected {self._wanted()}")

    def _wanted(self) -> str:
        limits = " and ".join(f"{words} {bound:g}" for words, bound, _ in self.bounds)
        return f"{self.expected}, {limits}" if limits else self.expected


class Int(_Number):
    """A whole number; 3.0 is taken as 3 (papermill may write it so), 3.5, "3" and True are refused."""

    expected = "a whole number"

    def convert(self, value: Any) -> int:
        """Give the whole number."""
        whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not whole:
            raise ValueError(f"got {value!r}{_type_note(value)}, expected {self._wanted()}")
        self._check_bounds(value)
        return int(value)


class Float(_Number):
    """A finite number; whole numbers are taken, NaN, infinity, text and True are refused."""

    expected = "a number"

    def convert(self, value: Any) -> float:
        """Give the number as float."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"got {value!r}{_type_note(value)}, expected {self._wanted()}")
        if not math.isfinite(value):
            raise ValueError(f"got {value!r}, expected {self._wanted()} that is finite")
        self._check_bounds(value)
        return float(value)


class Bool(Kind):
    """True or False, nothing else."""

    expected = "True or False"

    def convert(self, value: Any) -> bool:
        """Give the truth value."""
        if not isinstance(value, bool):
            raise ValueError(f"got {value!r}{_type_note(value)}, expected {self.expected}")
        return value


class Text(Kind):
    """Any text that is not empty."""

    expected = "text"

    def convert(self, value: Any) -> str:
        """Give the text."""
        if isinstance(value, int | float) and not isinstance(value, bool):
            hint = "; papermill's -p turns digits into a number, its -r keeps the text"
            raise ValueError(f"got {value!r}{_type_note(value)}, expected {self.expected}{hint}")
        if not isinstance(value, str) or not value.strip():
            raise ValueError(f"got {value!r}{_type_note(value)}, expected {self.expected}")
        return value


class FilePath(Kind):
    """A file or folder, given as text; the setting is a `pathlib.Path` with `~` expanded."""

    expected = "a file or folder path"

    def convert(self, value: Any) -> Path:
        """Give the path."""
        if not isinstance(value, str | Path) or not str(value).strip():
            raise ValueError(f"got {value!r}{_type_note(value)}, expected {self.expected}")
        return Path(value).expanduser()


class Choice(Kind):
    """One of `options`."""

    def __init__(
        self,
        value: Any = _UNSET,
        *,
        options: Sequence[str],
        smoke: Any = _UNSET,
        quick: Any = _UNSET,
        full: Any = _UNSET,
    ) -> None:
        self.options = tuple(options)
        super().__init__(value, smoke=smoke, quick=quick, full=full)

    def convert(self, value: Any) -> str:
        """Give the option."""
        if value not in self.options:
            raise ValueError(
                f"got {value!r}, expected one of {', '.join(self.options)}{did_you_mean(value, self.options)}"
            )
        return value


class ListOf(Kind):
    """A list whose items are all of the kind `item`, at least one: `ListOf(Int(0, minimum=0), [16, 32])`."""

    def __init__(
        self,
        item: Kind,
        value: Any = _UNSET,
        *,
        smoke: Any = _UNSET,
        quick: Any = _UNSET,
        full: Any = _UNSET,
    ) -> None:
        self.item = item
        super().__init__(value, smoke=smoke, quick=quick, full=full)

    def convert(self, value: Any) -> list[Any]:
        """Give the list."""
        if not isinstance(value, list | tuple) or not value:
            hint = "; with papermill, give a list by -y 'name: [1, 2]'" if isinstance(value, str) else ""
            raise ValueError(f"got {value!r}{_type_note(value)}, expected a list of one or more{hint}")
        try:
            return [self.item.convert(entry) for entry in value]
        except ValueError as error:
            raise ValueError(f"in the list {value!r}: {error}") from None


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Give ". Did you mean 'epochs'?" for the nearest of the `known` names, or "" if none is near."""
    known = list(known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    near = near or [option for option in known if str(name)[:3].lower() == option[:3].lower()][:1]
    return f". Did you mean {near[0]!r}?" if near else ""


def check_choice(name: str, value: object, options: Iterable[str]) -> None:
    """Raise ValueError, with the nearest option, unless `value`, that of the setting `name`, is an option."""
    options = tuple(options)
    if value not in options:
        raise ValueError(
            f"{name} is {value!r}; expected one of {', '.join(options)}{did_you_mean(value, options)}"
        )


def _type_note(value: object) -> str:
    names = {
        "str": "text",
        "bool": "a truth value",
        "int": "a whole number",
        "float": "a number with a fraction",
        "list": "a list",
    }
    return f" ({names.get(type(value).__name__, type(value).__name__)})"
