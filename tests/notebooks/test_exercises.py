"""The exercises as they stand in the notebooks: each in its place, each with a stub that is not judged."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from course_utils import checks

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
HEADING = re.compile(
    r"^(?:#+ |\*\*)Exercise (\d)\b(.*)", re.MULTILINE
)  # a heading, or bold at a line's start


def cells_of(notebook, kind):
    return [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == kind]


def asked_for(source):
    """Give the names in `checks.get("...")`, and whether the cell ends by checking a stub."""
    tree = ast.parse(source)
    names = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "checks.get"
        and isinstance(node.args[0], ast.Constant)
    ]
    last = ast.unparse(tree.body[-1]) if tree.body else ""
    return names, ".check(" in last and "..." in source and not last.startswith("for ")


def stubs_of(notebook):
    """Give the cells in which a learner writes an answer, by the exercise's name."""
    stubs = {}
    for cell in cells_of(notebook, "code"):
        if "checks.get" in cell.source:
            names, is_stub = asked_for(cell.source)
            stubs |= {name: cell.source for name in names if is_stub}
    return stubs


STUBS = [
    pytest.param(name, source, id=f"{notebook.stem[:2]}-{name}")
    for notebook in NOTEBOOKS
    for name, source in stubs_of(notebook).items()
]


@pytest.mark.parametrize(("name", "source"), STUBS)
def test_the_stub_of_the_notebook_is_not_attempted(name, source):
    tree = ast.parse(source)
    last = tree.body.pop()
    names = {"checks": checks}
    exec(compile(tree, name, "exec"), names)
    verdict = eval(compile(ast.Expression(last.value), name, "eval"), names)
    assert verdict.status == "not attempted"
    assert verdict.exercise == name


def test_every_exercise_stands_in_one_notebook():
    places = [name for notebook in NOTEBOOKS for name in stubs_of(notebook)]
    assert sorted(places) == sorted(checks.all_exercises())


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_notebook_has_three_to_five_exercises_one_of_them_open(notebook):
    texts = [cell.source for cell in cells_of(notebook, "markdown")]
    found = [match.groups() for text in texts for match in HEADING.finditer(text)]
    assert [int(number) for number, _ in found] == list(range(1, len(found) + 1))
    assert 3 <= len(found) <= 5
    assert sum(bool(re.search(r"\bopen\b", rest)) for _, rest in found) == 1


def test_cells_are_told_apart():
    stub = 'exercise = checks.get("a")\n\n\ndef a(x):\n    return ...\n\n\nexercise.check(a)'
    assert asked_for(stub) == (["a"], True)
    assert asked_for('checks.get("b")') == (["b"], False)
    assert asked_for('b = {"x": ...}\n\nchecks.get("b").check(b)') == (["b"], True)
    assert asked_for('for x in (1, 2):\n    print(checks.get("c").check(lambda: ...))') == (["c"], False)
