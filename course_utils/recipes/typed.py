"""Plain values from a file into a dataclass: unknown keys and wrong types are errors that name the key.

TOML knows text, whole numbers, numbers, truth values, lists and tables; so do the sections of a recipe.
"""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from course_utils.params import did_you_mean

Made = TypeVar("Made")
_WORDS = {
    str: "text",
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    tuple: "a list",
    Mapping: "a table",
    NoneType: "nothing",
}


def from_table(maker: type[Made], values: object, *, where: str) -> Made:
    """Make the dataclass `maker` of a table; `where` ("file.toml: [data]") begins every message.

    Lists become tuples where the field is a tuple. ValueError for what is no table, an unknown key (with the
    nearest one), a missing one, a value of the wrong type, and what the dataclass itself refuses.
    """
    values = _checked_table(values, where)
    known = [field.name for field in fields(maker)]  # type: ignore[arg-type]
    check_keys(values, known, where=where)
    for field in fields(maker):  # type: ignore[arg-type]
        if field.default is MISSING and field.default_factory is MISSING and field.name not in values:
            raise ValueError(f"{where} lacks {field.name!r}; add it")
    hints = get_type_hints(maker)
    typed = {key: check_type(value, hints[key], where=f"{where} {key}") for key, value in values.items()}
    try:
        return maker(**typed)
    except ValueError as error:
        raise ValueError(f"{where} {error}") from None


def check_keys(values: Mapping[str, Any], known: Sequence[str], *, where: str) -> None:
    """Raise ValueError, with the nearest key, unless every key of `values` is known."""
    for key in values:
        if key not in known:
            near = did_you_mean(key, known) or f". Known are {', '.join(known)}."
            raise ValueError(f"{where} has no setting {key!r}{near}")


def check_type(value: Any, hint: Any, *, where: str) -> Any:
    """Give `value` back, a list as a tuple where `hint` is one; ValueError when it is of another type."""
    allowed = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    kinds = [get_origin(option) or option for option in allowed]
    for kind in kinds:
        if kind is tuple and isinstance(value, list | tuple):
            return tuple(value)
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return value  # 1 is as good as 1.0, and prints as it was written
        if isinstance(value, kind) and isinstance(value, bool) == (kind is bool):
            return value
    wanted = " or ".join(_WORDS.get(kind, kind.__name__) for kind in kinds if kind is not NoneType)
    raise ValueError(f"{where} is {value!r}; expected {wanted}")


def _checked_table(values: object, where: str) -> Mapping[str, Any]:
    if not isinstance(values, Mapping):
        raise ValueError(f"{where} is {values!r}; expected a table of settings")
    return values
