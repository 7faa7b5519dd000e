"""What must hold of a notebook with stored outputs.

It shows what a reader of the profile `quick` sees, and nothing of the machine that ran it: no paths, no
warnings, no progress bars. At most 700 KB, and every image says in words what it shows.
"""

import json
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nbformat

from course_utils import runtime
from course_utils.notebooks.cleaning import clean
from course_utils.notebooks.finding import find_notebooks
from course_utils.notebooks.inspecting import declared_parameters

MAX_BYTES = 700_000
MAX_LINES = 30
_DATA_URI = re.compile(r"data:[\w/+.-]+;base64,[A-Za-z0-9+/=]+")
_IMG_WITHOUT_ALT = re.compile(r"<img\b(?![^>]*\balt=)[^>]*>", re.IGNORECASE)
_ANY_ABSOLUTE = re.compile(
    r"(?<![\w./~:-])/(?:home|Users|root|tmp|private|var|mnt|opt|usr)/[\w.-]+|\b[A-Za-z]:\\\\?\w+"
)


def check_stored(names: Iterable[str | Path] = ()) -> list[str]:
    """Check the stored notebooks (all if none is named) without running them; give the problems, each naming
    its cell.
    """
    problems = []
    for notebook in find_notebooks(names):
        nb = nbformat.read(notebook, as_version=4)
        problems += find_problems(nb, notebook.stem)
        try:
            declared_parameters(notebook)
        except ValueError as error:
            problems.append(f"{notebook.stem}: {error}")
        before = nbformat.writes(nb)
        if nbformat.writes(clean(nb)) != before:
            problems.append(f"{notebook.stem}: holds metadata or progress bars of a run; store its outputs")
    return problems


def find_problems(nb: Any, name: str) -> list[str]:
    """Give everything that keeps the notebook from being stored, each with its cell (counted from 1) and
    cell id.
    """
    problems = []
    for number, cell in enumerate(nb.cells, start=1):
        where = f"{name}, cell {number} ({cell.get('id', 'no id')})"
        problems += [f"{where}: {problem}" for problem in _cell_problems(cell)]
    counts = [cell.execution_count for cell in nb.cells if cell.cell_type == "code" and cell.source.strip()]
    if counts != list(range(1, len(counts) + 1)):
        problems.append(f"{name}: the outputs are not of one run from top to bottom; store them")
    size = len(nbformat.writes(nb).encode("utf-8"))
    if size > MAX_BYTES:
        sizes = {
            number: len(json.dumps(cell).encode("utf-8")) for number, cell in enumerate(nb.cells, start=1)
        }
        biggest = sorted(sizes.items(), key=lambda item: -item[1])[:3]
        cells = ", ".join(f"cell {number} ({cell_size // 1000} KB)" for number, cell_size in biggest)
        problems.append(
            f"{name}: {size // 1000} KB, allowed are {MAX_BYTES // 1000} KB; the biggest are {cells}"
        )
    return problems


def _cell_problems(cell: Any) -> list[str]:
    problems = [] if cell.get("id") else ["it has no id; save the notebook with nbformat 4.5 or later"]
    if cell.cell_type != "code":
        return problems
    lines = cell.source.count("\n") + 1
    if lines > MAX_LINES:
        problems.append(f"{lines} lines of code, at most {MAX_LINES} are read; split it")
    if re.search(r"^\s*[!%]\s*(pip|conda|mamba)\b", cell.source, re.MULTILINE):
        problems.append("it installs packages; list them in requirements.txt instead")
    for output in cell.outputs:
        problems += _output_problems(output)
    if "nbval-check-output" in cell.metadata.get("tags", []) and any(map(_holds_picture, cell.outputs)):
        problems.append(
            "its output is compared (tag nbval-check-output) and holds a picture, whose bytes depend on the "
            "release of matplotlib; show the figure in a cell without that tag"
        )
    return problems


def _holds_picture(output: Any) -> bool:
    data = output.get("data", {})
    return any(mime.startswith("image/") for mime in data) or "data:image/" in "".join(
        data.get("text/html", "")
    )


def _output_problems(output: Any) -> list[str]:
    if output.output_type == "error":
        return [f"it failed: {output.ename}: {output.evalue}"]
    if output.output_type == "stream" and output.name == "stderr":
        return [f"a warning or other text on stderr: {output.text.strip()[:300]}"]
    texts = [output.text] if output.output_type == "stream" else _texts(output.data)
    problems = [
        f"a path of this machine is shown: {path}" for text in texts for path in _machine_paths(text)[:1]
    ]
    for mimetype in output.get("data", {}):
        if mimetype.startswith("image/") and not output.metadata.get(mimetype, {}).get("alt"):
            problems.append(f"an image ({mimetype}) without alt text; show it by course_utils.plots.present")
    if any(_IMG_WITHOUT_ALT.search(text) for text in texts):
        problems.append("an <img> in HTML without alt text")
    return problems


def _texts(data: Any) -> list[str]:
    """Give the parts of a MIME bundle that are text a reader may see."""
    texts = []
    for mimetype, value in data.items():
        if mimetype.startswith("text/") or mimetype == "image/svg+xml":
            texts.append(_DATA_URI.sub("", "".join(value)))
        elif mimetype.endswith("json"):
            texts.append(json.dumps(value))
    return texts


def _machine_paths(text: str) -> list[str]:
    own = {
        Path.home(),
        Path.cwd(),
        runtime.project_root(),
        runtime.data_dir(),
        runtime.runs_dir(),
        Path(sys.prefix),
    }
    own.add(Path(tempfile.gettempdir()))
    found = [
        str(path)
        for path in sorted(own, key=lambda path: -len(path.parts))  # a folder at home before the home
        if len(path.parts) > 1 and re.search(rf"(?<![\w.]){re.escape(str(path))}\b", text)
    ]
    return found + _ANY_ABSOLUTE.findall(text)
