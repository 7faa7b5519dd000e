"""Two class lists are compared by name, never by position.

A model's outputs and a data set's labels are numbers; which class a number means stands in a list of names.
Where two lists hold the same names in another order, columns are mapped; where they hold other names, nothing
can be compared and the difference is said.
"""

from __future__ import annotations

from collections.abc import Sequence


def columns_by_name(have: Sequence[str], want: Sequence[str], *, where: str = "the predictions") -> list[int]:
    """For every class of `want`, its place in `have`: `logits[:, columns]` then has the order of `want`.

    ValueError if the lists do not hold the same names, or one of them a name twice.
    """
    for names in (have, want):
        doubled = sorted({name for name in names if list(names).count(name) > 1})
        if doubled:
            raise ValueError(
                f"{where}: a class list names {', '.join(doubled)} more than once; "
                "each name stands for one class"
            )
    missing = [name for name in want if name not in have]
    extra = [name for name in have if name not in want]
    if missing or extra:
        parts = [
            f"{text} {', '.join(map(repr, names[:5]))}{' and others' if len(names) > 5 else ''}"
            for text, names in (("missing are", missing), ("not expected are", extra))
            if names
        ]
        raise ValueError(
            f"{where}: the class lists differ ({len(have)} classes, expected {len(want)}): "
            f"{'; '.join(parts)}. Take the class list that is stored with the weights."
        )
    place = {name: index for index, name in enumerate(have)}
    return [place[name] for name in want]
