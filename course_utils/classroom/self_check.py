"""What students run before they hand in: are all cells there, and do the tests that they see pass?

It runs their notebook from top to bottom in a fresh kernel, as the grader will run their answers. Beside the
notebook lies the one that was handed out, to compare with.
"""

from pathlib import Path

import nbformat

from course_utils.classroom.building import grade_id
from course_utils.classroom.integrity import UnreadableError, read_cells, read_submission

_MOST_SECONDS = 300


def main(notebook: str) -> int:
    """Print what is wrong; give 0 if nothing is."""
    path = Path(notebook)
    handed_out = path.with_name("handed_out.ipynb")
    for file in (path, handed_out):
        if not file.is_file():
            print(f"{file} is not there; run this in the folder of the zip.")
            return 2
    try:
        problems = read_submission(path, read_cells(handed_out)).problems
    except UnreadableError as error:
        print(error)
        return 1
    failing = failing_tests(path)
    found = [*problems, *failing]
    for problem in found:
        print(problem)
    print(f"To be looked at: {len(found)}." if found else "Ready to hand in.")
    return 1 if found else 0


def failing_tests(path: Path) -> list[str]:
    """Run a notebook in a fresh kernel; give a line for each test cell that fails, and its error."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellTimeoutError, DeadKernelError

    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook,
        timeout=_MOST_SECONDS,
        allow_errors=True,
        kernel_name="python3",
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    try:
        client.execute(cwd=str(path.resolve().parent))
    except (CellTimeoutError, DeadKernelError) as error:
        return [f"the notebook did not run to its end: {type(error).__name__}"]
    lines = []
    for cell in notebook.cells:
        marks = cell.metadata.get("nbgrader", {})
        errors = [output for output in cell.get("outputs", []) if output.output_type == "error"]
        if errors and marks.get("grade") and not marks.get("solution"):
            lines.append(f"{grade_id(cell)}: {errors[0].ename} {errors[0].evalue}".strip()[:300])
    return lines
