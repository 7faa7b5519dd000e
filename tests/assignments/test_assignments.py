"""Every problem set: the solution earns all, the stub nothing, an omission its points, other right answers
all."""

import importlib
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from course_utils import runtime
from course_utils.classroom.building import release_notebook, teacher_notebook
from course_utils.classroom.grading import grade_one
from course_utils.classroom.problem_set import BEGIN_HIDDEN, BEGIN_SOLUTION, read_problem_set, without_marks
from course_utils.classroom.releasing import write_release

pytestmark = pytest.mark.slow  # they train

SOURCES = sorted((runtime.project_root() / "assignments").glob("ps*.py"))
SETS = {path.stem: read_problem_set(path) for path in SOURCES}
QUESTIONS = [(name, cell.name) for name, one in SETS.items() for cell in one.of_kind("answer")]


def solutions(problem_set):
    return {cell.name: without_marks(cell.source) for cell in problem_set.of_kind("answer")}


def earned(problem_set, answers):
    """The points of each test with everything in one namespace, as when students run their notebook."""
    names, marks = {}, {}
    for cell in problem_set.cells:
        if cell.is_markdown:
            continue
        source = answers.get(cell.name, "") if cell.kind == "answer" else without_marks(cell.source)
        try:
            exec(compile(source, cell.name, "exec"), names)
            marks[cell.name] = cell.points
        except Exception:
            marks[cell.name] = 0
            if cell.kind == "answer":
                for name in cell.defines:
                    names.pop(name, None)
    return {cell.name: marks[cell.name] for cell in problem_set.of_kind("test")}


def belongs_to(problem_set, test):
    """The answer cell that stands before a test."""
    before = problem_set.cells[: problem_set.cells.index(test)]
    return [cell for cell in before if cell.kind == "answer"][-1].name


def other_answers(name):
    folder = str(Path(__file__).parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    return importlib.import_module(f"answers_{name}").ANSWERS


def test_there_are_four_problem_sets_of_some_hours():
    assert list(SETS) == ["ps1_data", "ps2_training", "ps3_architectures", "ps4_kaggle"]
    for one in SETS.values():
        assert len(one.of_kind("answer")) >= 4 and one.of_kind("written"), one.name


@pytest.mark.parametrize("name", SETS)
def test_F38_each_omission_costs_exactly_its_points(name):
    one = SETS[name]
    full = {cell.name: cell.points for cell in one.of_kind("test")}
    assert earned(one, solutions(one)) == full
    for left_out in one.of_kind("answer"):
        answers = {key: text for key, text in solutions(one).items() if key != left_out.name}
        kept = {
            cell.name: 0 if belongs_to(one, cell) == left_out.name else cell.points
            for cell in one.of_kind("test")
        }
        assert earned(one, answers) == kept, f"without {left_out.name}"


@pytest.mark.parametrize(("name", "question"), QUESTIONS)
def test_three_other_right_answers_pass(name, question):
    one = SETS[name]
    others = other_answers(name)[question]
    assert len(others) >= 3
    full = {cell.name: cell.points for cell in one.of_kind("test")}
    for other in others:
        assert earned(one, {**solutions(one), question: other}) == full, other


@pytest.mark.parametrize("name", SETS)
def test_F38_through_the_grader_the_solution_gets_all_and_the_stub_nothing(tmp_path, name):
    one = SETS[name]
    full = sum(cell.points for cell in one.of_kind("test"))
    for number, want in ((0, full), (1, 0)):
        notebook = teacher_notebook(one) if number == 0 else release_notebook(one)
        for cell in notebook.cells:
            cell.source = without_marks(cell.source)
        path = tmp_path / f"{number}.ipynb"
        nbformat.write(notebook, path)
        mark = grade_one(one, path, student="x", hidden=[SOURCES[0].parent])
        assert (mark.status, mark.earned) == ("graded", want), mark


@pytest.mark.parametrize("name", SETS)
def test_F38_no_solution_and_no_hidden_test_is_in_the_release(tmp_path, name):
    one = SETS[name]
    with zipfile.ZipFile(write_release(one, tmp_path)) as archive:
        text = "\n".join(archive.read(file).decode() for file in archive.namelist())
    handed_out = "\n".join(cell.source for cell in release_notebook(one).cells)
    secret, public = set(), set()
    for cell in one.cells:
        inside = False
        for line in map(str.strip, cell.source.splitlines()):
            if line.startswith(("### BEGIN", "### END")):
                inside = line in (BEGIN_SOLUTION, BEGIN_HIDDEN)
            elif len(line) > 25:
                (secret if inside else public).add(line)
    assert len(secret) > 20
    shown = "\n".join(public)
    assert [line for line in secret if line not in shown and (line in text or line in handed_out)] == []
    assert "NotImplementedError" in handed_out and "BEGIN" not in handed_out
