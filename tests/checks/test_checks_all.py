"""Every exercise of the course: the stub, the solution, the other right answers and the wrong answers.

Works for any number of exercises, none included; the mechanism itself is tested in test_checks_exercise.py.
"""

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
