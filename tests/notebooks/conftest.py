"""Small notebooks for the tests of the runner."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """profile: str = None  # "smoke", "quick" or "full"
epochs: int = None  # passes
model: str = None  # name"""
READ = """from course_utils import params

settings = params.read(
    globals(),
    epochs=params.Int(smoke=1, quick=8, full=20, minimum=1),
    model=params.Choice("rdnet_tiny", options=("rdnet_tiny", "resnet34")),
)
settings"""

MakeNotebook = Callable[..., Path]


def build(
    cells: Sequence[str], *, title: str = "# 01. Why?", parameters: str = PARAMETERS, read: str = READ
) -> Any:
    """Give a notebook with a title, the parameters, the line that reads them, `cells` of code, and an end."""
    nb = new_notebook()
    nb.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nb.cells = [
        new_markdown_cell(title),
        new_code_cell(parameters, metadata={"tags": ["parameters"]}),
        new_code_cell(read),
        *map(new_code_cell, cells),
        new_markdown_cell("The end."),
    ]
    return nb


@pytest.fixture(scope="session")
def make_notebook() -> MakeNotebook:
    """Give a function that writes such a notebook to a path and gives the path."""

    def make(path: Path, cells: Sequence[str] = (), **options: str) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(nbformat.writes(build(cells, **options)) + "\n", encoding="utf-8")
        return path

    return make
