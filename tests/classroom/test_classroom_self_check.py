"""What students run before they hand in."""

from pathlib import Path

import nbformat
import pytest

from course_utils.classroom import releasing, self_check
from course_utils.classroom.building import release_notebook
from course_utils.classroom.problem_set import read_problem_set, without_marks
from course_utils.data.archives import safe_extract

TINY = read_problem_set(Path(__file__).with_name("tiny.py"))
SOLUTION = {cell.name: without_marks(cell.source) for cell in TINY.of_kind("answer")}


def handed_in(path, **answers):
    """Write a notebook as a student has it; an answer that is not given stays the stub."""
    notebook = release_notebook(TINY)
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
    nbformat.write(notebook, path)


@pytest.mark.slow
def test_students_check_their_own_work(tmp_path, capsys, monkeypatch):
    unpacked = safe_extract(releasing.write_release(TINY, tmp_path), tmp_path / "unpacked")
    monkeypatch.chdir(unpacked / "tiny")
    handed_in(Path("tiny.ipynb"), middle=SOLUTION["middle"])
    assert self_check.main("tiny.ipynb") == 1
    assert capsys.readouterr().out == "scaled-1: NotImplementedError\nTo be looked at: 1.\n".replace(
        "NotImplementedError", "NameError name 'scaled' is not defined"
    )
    handed_in(Path("tiny.ipynb"), **SOLUTION)
    assert self_check.main("tiny.ipynb") == 0 and capsys.readouterr().out == "Ready to hand in.\n"
    assert self_check.main("other.ipynb") == 2
