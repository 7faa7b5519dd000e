"""A notebook that did not run to its end: say why, where, and put right what papermill wrote of it."""

import re
import textwrap
from pathlib import Path
from typing import Any

import nbformat
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from course_utils import files
from course_utils.notebooks.report import NotebookRun

# A failing cell, a kernel that died, one that did not start (RuntimeError) or not in time (TimeoutError).
EXPECTED = (PapermillExecutionError, DeadKernelError, RuntimeError, TimeoutError)
_STYLE_CODES = re.compile(r"\x1b\[[0-9;]*m")
_MAX_LINES = 30


def reason(error: BaseException) -> str:
    """Give the error as one short text."""
    if isinstance(error, PapermillExecutionError):
        return f"{error.ename}: {error.evalue}"
    return str(error) or type(error).__name__


def note(error: BaseException, output: Path, log: Path, run: NotebookRun) -> str:
    """Note a dead kernel in the partial notebook `output`; give the failing cell and the error for the
    screen.
    """
    if not output.exists():
        return f"--- {run.name} did not start: {run.reason}"
    nb = nbformat.read(output, as_version=4)
    index = next((i for i, cell in enumerate(nb.cells) if cell.get("id") == run.cell_id), None)
    if isinstance(error, PapermillExecutionError):
        trace = "\n".join(error.traceback)
    else:
        trace = f"{run.reason}\n{log.read_text(encoding='utf-8', errors='replace')}".strip()
        if index is not None:
            _mark_dead(nb, index, run.reason)
            files.write_text(output, nbformat.writes(nb) + "\n")
    lines = _STYLE_CODES.sub("", trace).splitlines()
    if len(lines) > _MAX_LINES:
        lines = ["...", *lines[-_MAX_LINES:]]
    parts = [
        f"--- {run.name}, code cell {run.code_cell} of {run.num_code_cells}:",
        textwrap.indent(nb.cells[index].source if index is not None else "(no cell had begun)", "    "),
        "--- failed with:",
        textwrap.indent("\n".join(lines), "    "),
        f"--- the partly executed notebook: {output}",
    ]
    return "\n".join(parts)


def _mark_dead(nb: Any, index: int, message: str) -> None:
    """Put right what papermill writes when the kernel is gone: every cell completed, no error."""
    nb.metadata.papermill["exception"] = True
    nb.cells[index].metadata.papermill.update(status="failed", exception=True)
    trace = [f"DeadKernelError: {message}"]
    nb.cells[index].outputs.append(
        nbformat.v4.new_output("error", ename="DeadKernelError", evalue=message, traceback=trace)
    )
    for cell in nb.cells[index + 1 :]:
        cell.metadata.papermill.update(status="pending", exception=None)
