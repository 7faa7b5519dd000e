"""Match the class names that a folder uses with those that are expected: by their text, not by order."""

import re
from collections.abc import Sequence

from course_utils.data.listing import normal_name


def match_class_names(found: Sequence[str], expected: Sequence[str], *, where: str) -> dict[str, str]:
    """Map every name in `found` to its spelling in `expected`.

    Case, spaces, `_` and `-` do not count. When everything found is a number and the expected names are not,
    numbers count as positions in `expected`; numbers that are too large are left out of the result. Raises
    ValueError, naming what is extra and what is missing, when a found name fits none.
    """
    if found and all(name.isdecimal() for name in found) and not all(name.isdecimal() for name in expected):
        return {name: expected[int(name)] for name in found if int(name) < len(expected)}
    by_key = {_key(name): name for name in expected}
    extra = [name for name in found if _key(name) not in by_key]
    if extra:
        known = {_key(name) for name in found}
        missing = [name for name in expected if _key(name) not in known]
        raise ValueError(
            f"{where}: class names {_quoted(extra)} are not among the expected {len(expected)}"
            + (f"; missing are {_quoted(missing)}" if missing else "")
            + ". Is it another data set? Sets of your own can have any other name."
        )
    return {name: by_key[_key(name)] for name in found}


def _key(name: str) -> str:
    return re.sub(r"[\s_\-&']+", "", normal_name(name).casefold())


def _quoted(names: Sequence[str], limit: int = 12) -> str:
    text = ", ".join(repr(name) for name in names[:limit])
    return text if len(names) <= limit else f"{text} and {len(names) - limit} more"
