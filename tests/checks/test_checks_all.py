"""Every exercise of the course: the stub, the solution, the other right answers and the wrong answers.

An exercise without a stub, two wrong answers and two other right ones fails here; the mechanism itself is
tested in test_checks_exercise.py, the stubs as they stand in the notebooks in notebooks/test_exercises.py.
"""

import ast
import textwrap

import pytest

from course_utils import checks

EXERCISES = list(checks.all_exercises().values())
WRONG = [
    pytest.param(exercise, fragment, source, id=f"{exercise.name}-wrong{number}")
    for exercise in EXERCISES
    for number, (fragment, source) in enumerate(exercise.wrong_answers.items())
]
OTHER = [
    pytest.param(exercise, source, id=f"{exercise.name}-right{number}")
    for exercise in EXERCISES
    for number, source in enumerate(exercise.other_right_answers)
]


def _by_name(exercise):
    return exercise.name


@pytest.mark.parametrize("exercise", EXERCISES, ids=_by_name)
def test_an_empty_answer_is_not_attempted(exercise):
    for stub in (..., None):
        assert exercise.check(stub).status == "not attempted"
    if callable(checks.run_solution(exercise)):
        assert exercise.check(lambda *args, **kwargs: ...).status == "not attempted"


@pytest.mark.parametrize("exercise", EXERCISES, ids=_by_name)
def test_the_solution_is_correct(exercise):
    verdict = exercise.check(checks.run_solution(exercise))
    assert verdict.status == "correct", verdict.reason


@pytest.mark.parametrize(("exercise", "source"), OTHER)
def test_another_right_answer_is_correct(exercise, source):
    verdict = exercise.check(checks.run_source(exercise, source))
    assert verdict.status == "correct", f"{verdict.reason}\n{source}"


@pytest.mark.parametrize(("exercise", "fragment", "source"), WRONG)
def test_a_wrong_answer_is_refused_with_its_reason(exercise, fragment, source):
    verdict = exercise.check(checks.run_source(exercise, source))
    assert verdict.status == "wrong", f"accepted:\n{source}"
    assert fragment in verdict.reason, f"{verdict.reason!r} does not say {fragment!r}; answer:\n{source}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=_by_name)
def test_it_has_what_a_learner_and_a_test_need(exercise):
    assert len(exercise.wrong_answers) >= 2
    assert len(exercise.other_right_answers) >= 2
    assert exercise.question.strip()
    assert exercise.hint_text.strip()
    assert exercise.solution_source not in exercise.hint_text


def as_code(source):
    """Give the source without what does not matter: comments, blank lines, spaces, docstrings."""
    tree = ast.parse(textwrap.dedent(source))
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
            del node.body[0]
    return ast.unparse(tree)


@pytest.mark.parametrize("exercise", EXERCISES, ids=_by_name)
def test_its_answers_are_really_different_ones(exercise):
    right = [exercise.solution_source, *exercise.other_right_answers]
    codes = [as_code(source) for source in (*right, *exercise.wrong_answers.values())]
    assert len(set(codes)) == len(codes)


@pytest.mark.parametrize("exercise", EXERCISES, ids=_by_name)
def test_each_wrong_answer_has_a_reason_of_its_own(exercise):
    given = [
        exercise.check(checks.run_source(exercise, source)) for source in exercise.wrong_answers.values()
    ]
    assert len({verdict.reason for verdict in given}) >= 2
    assert not {"expected", "got", "wrong", "answer"} & set(exercise.wrong_answers), "that fits any reason"
    assert all(len(fragment) >= 4 for fragment in exercise.wrong_answers), "that fits by chance"


def test_there_are_exercises():
    assert len(EXERCISES) > 40


def test_sameness_looks_at_code_alone():
    first = 'def f(x):\n    """Give x."""\n    return x  # unchanged\n'
    assert as_code(first) == as_code("def f( x ):\n\n    return x")
    assert as_code(first) != as_code("def f(x):\n    return (x, x)")
