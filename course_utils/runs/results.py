"""The key results of a notebook: a small table for the reader, the same figures for the runner."""

import html
import json
from collections.abc import Mapping
from typing import Any

from course_utils import files

RESULTS_MIMETYPE = "application/vnd.course.results+json"


class KeyResults:
    """A few named figures of a notebook, shown as a small table; the runner collects them from the executed
    notebook.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def __repr__(self) -> str:
        width = max(map(len, self.values), default=0)
        return "\n".join(f"{name:<{width}}  {show_value(value)}" for name, value in self.values.items())

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, Any]:
        rows = "".join(
            f"<tr><th scope='row' style='text-align:left'>{html.escape(name)}</th>"
            f"<td style='text-align:left'>{html.escape(show_value(value))}</td></tr>"
            for name, value in self.values.items()
        )
        return {
            "text/plain": repr(self),
            "text/html": f"<table><tbody>{rows}</tbody></table>",
            # A list, since notebooks are written with sorted keys.
            RESULTS_MIMETYPE: json.loads(files.to_json(list(self.values.items()), nan_as_null=True)),
        }


def key_results(values: Mapping[str, Any]) -> KeyResults:
    """Give the notebook's key results, to be the last expression of a cell: `runs.key_results({"test
    accuracy": 0.97})`.

    ValueError without values.
    """
    if not values:
        raise ValueError("key_results got no values; give at least one name and figure")
    return KeyResults(values)


def show_value(value: object) -> str:
    """Give a figure as text with four significant digits; anything else as it prints."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
