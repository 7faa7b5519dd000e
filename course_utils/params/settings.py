"""The parameters that hold in a notebook, frozen, shown as a table."""

import html
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from course_utils.params.kinds import did_you_mean


class Settings:
    """The parameters that hold, as attributes; frozen. Shown as a table with where each value comes from."""

    def __init__(self, values: Mapping[str, Any], origins: Mapping[str, str]) -> None:
        object.__setattr__(self, "_values", dict(values))
        object.__setattr__(self, "_origins", dict(origins))

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__.get("_values", {})
        if name not in values:
            raise AttributeError(
                f"there is no setting {name!r}{did_you_mean(name, values) or '.'} Known: {', '.join(values)}."
            )
        return values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"settings are frozen: set {name} in the parameters cell and run the cells from there on"
        )

    def as_dict(self) -> dict[str, Any]:
        """Give a copy of name and value of every parameter, `profile` first."""
        return dict(self._values)

    def __repr__(self) -> str:
        rows = [("parameter", "value", "from"), *self._rows()]
        widths = [max(len(row[column]) for row in rows) for column in range(2)]
        return "\n".join(f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c}" for a, b, c in rows)

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><td {left}><code>{html.escape(name)}</code></td><td {left}>{html.escape(value)}</td>"
            f"<td {left}>{origin}</td></tr>"
            for name, value, origin in self._rows()
        )
        head = "".join(f"<th scope='col' {left}>{word}</th>" for word in ("parameter", "value", "from"))
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"

    def _rows(self) -> list[tuple[str, str, str]]:
        return [
            (name, str(value) if isinstance(value, Path) else repr(value), self._origins[name])
            for name, value in self._values.items()
        ]
