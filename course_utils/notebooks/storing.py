"""Store the outputs of a run at `quick` in the notebooks themselves, cleaned and checked."""

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

import nbformat

from course_utils import files, runtime
from course_utils.notebooks.checking import find_problems
from course_utils.notebooks.cleaning import clean
from course_utils.notebooks.finding import find_notebooks
from course_utils.notebooks.report import CourseRun
from course_utils.notebooks.running import run_notebooks

MEASURED_NAME = "measured.json"


def store_outputs(names: Iterable[str | Path] = (), *, stream: TextIO | None = None) -> CourseRun:
    """Run the notebooks (all if none is named) with the profile `quick` and write the cleaned outputs into
    them.

    A notebook that fails, or whose outputs break a rule, keeps what it had; raises ValueError naming every
    such cell after the others are stored. Time and peak memory go to `measured.json` beside the notebooks.
    Gives the run.
    """
    notebooks = find_notebooks(names)
    before = {notebook: notebook.read_bytes() for notebook in notebooks}
    problems: list[str] = []
    with tempfile.TemporaryDirectory() as temporary:
        course = run_notebooks(
            notebooks, out=temporary, environment={"COURSE_PROFILE": "quick"}, stream=stream
        )
        for notebook, run in zip(notebooks, course.notebooks, strict=True):
            if run.status != "ok":
                problems.append(f"{run.name}: {run.outcome()}: {run.reason}")
                continue
            nb = clean(nbformat.read(Path(temporary) / notebook.name, as_version=4))
            found = find_problems(nb, notebook.stem)
            if notebook.read_bytes() != before[notebook]:
                found.append(f"{notebook.stem}: changed while it ran; run the command again")
            if found:
                problems += found
                continue
            files.write_text(notebook, nbformat.writes(nb) + "\n")
            _record(notebook, run.seconds, run.peak_memory_bytes)
    if problems:
        raise ValueError("\n  - ".join(["Not all outputs could be stored:", *problems]))
    return course


def _record(notebook: Path, seconds: float, peak_memory_bytes: int) -> None:
    """Note what the run at `quick` took, for the table in the README."""
    path = notebook.parent / MEASURED_NAME
    measured = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    measured[notebook.stem] = {
        "profile": "quick",
        "seconds": round(seconds, 1),
        "peak_memory_bytes": peak_memory_bytes,
        "cpu_cores": runtime.cpu_count(),
    }
    files.write_json(path, dict(sorted(measured.items())))
