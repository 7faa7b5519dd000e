"""A problem set as a notebook: the teacher's with everything, the students' made by nbgrader's steps."""

import copy
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils.classroom.problem_set import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    END_HIDDEN,
    END_SOLUTION,
    Cell,
    ProblemSet,
)

_KERNEL = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}


def teacher_notebook(problem_set: ProblemSet) -> Any:
    """Give the notebook with solutions and all tests, marked up as nbgrader wants it."""
    notebook = new_notebook()
    notebook.metadata["kernelspec"] = dict(_KERNEL)
    notebook.cells = [_notebook_cell(cell) for cell in problem_set.cells]
    return notebook


def release_notebook(problem_set: ProblemSet) -> Any:
    """Give the notebook for students: no solution, no hidden test; what is not theirs is locked."""
    from nbgrader import preprocessors as steps

    order = (
        steps.LockCells,
        steps.ClearSolutions,
        steps.ClearOutput,
        steps.CheckCellMetadata,
        steps.ComputeChecksums,
        steps.ClearHiddenTests,
        steps.ComputeChecksums,
        steps.CheckCellMetadata,
    )
    notebook = teacher_notebook(problem_set)
    resources: dict[str, Any] = {}
    for step in order:
        notebook, resources = step().preprocess(copy.deepcopy(notebook), resources)
    for cell in notebook.cells:
        for mark in (BEGIN_SOLUTION, END_SOLUTION, BEGIN_HIDDEN, END_HIDDEN):
            assert mark not in cell.source, f"{cell.metadata.nbgrader.grade_id} still holds {mark}"
    return notebook


def grade_id(cell: Any) -> str | None:
    """Give the name that nbgrader's mark-up gives to a cell of a notebook; None without mark-up."""
    found = cell.get("metadata", {}).get("nbgrader")
    name = found.get("grade_id") if isinstance(found, dict) else None
    return name if isinstance(name, str) else None


def _notebook_cell(cell: Cell) -> Any:
    marks = {
        "grade": cell.kind in ("test", "written"),  # a contest is graded by its file
        "solution": cell.kind in ("answer", "written"),
        "locked": cell.kind not in ("answer", "written"),
        "task": False,
        "grade_id": cell.name,
        "schema_version": 3,
        "cell_type": "markdown" if cell.is_markdown else "code",
    }
    if marks["grade"]:
        marks["points"] = cell.points
    make = new_markdown_cell if cell.is_markdown else new_code_cell
    made = make(cell.source, metadata={"nbgrader": marks})
    made["id"] = cell.name  # the same at every release, so that two releases can be compared
    return made
