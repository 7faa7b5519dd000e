"""The frame of the exercises: verdicts, stubs, crashes, reasons (the exercises: test_checks_all.py)."""

import re
import subprocess
import sys

import numpy as np
import pytest

from course_utils import checks
from course_utils.checks import Exercise, Verdict, close, equal


def verify_square(square):
    equal(square(3), 9, what="square(3)")
    close(square(-0.5), 0.25, what="square(-0.5)")


SQUARE = Exercise(
    name="square",
    question="Write `square(x)`, which returns x times x.",
    verify=verify_square,
    hint_text="Python's power is `**`.",
    solution_source="""
        def square(x):
            return x ** 2
    """,
    praise="it works for arrays too",
    wrong_answers={"square(3) is 6": "def square(x): return x + x", "None": "def square(x): x * x"},
    other_right_answers=["square = lambda x: x * x", "import math\ndef square(x): return math.pow(x, 2)"],
)
NUMBER = Exercise(
    "number",
    "How many?",
    lambda n: equal(n, 12),
    "Count.",
    "number = 12",
    wrong_answers={},
    other_right_answers=[],
)


def stub_dots(x): ...


def stub_documented(x):
    """Return x times x."""
    ...  # noqa: PIE790


def stub_pass(x):
    pass


def stub_returns_dots(x):
    return ...


def stub_fill_in(x):
    result = ...
    return result  # noqa: RET504


def stub_not_implemented(x):
    raise NotImplementedError


def stub_not_implemented_text(x):
    raise NotImplementedError("your code here")


def half_stub(x):
    y = x + 1
    del y
    result = ...
    return result  # noqa: RET504


def half_not_implemented(x):
    if x > 0:
        raise NotImplementedError("the other branch")
    return 0


class StubClass:
    def __init__(self, size): ...

    def forward(self, x):
        raise NotImplementedError


@pytest.mark.parametrize(
    "stub",
    [
        ...,
        None,
        NotImplemented,
        stub_dots,
        stub_documented,
        stub_pass,
        stub_returns_dots,
        stub_fill_in,
        stub_not_implemented,
        stub_not_implemented_text,
        half_stub,
        half_not_implemented,
        StubClass,
        lambda x: ...,
        (1, ...),
        {"mean": ...},
        [[1, 2], [3, None]],
    ],
)
def test_an_empty_answer_is_not_attempted_and_not_wrong(stub):
    verdict = SQUARE.check(stub)
    assert verdict.status == "not attempted"
    assert "square" in verdict.reason
    assert not verdict


def test_without_an_argument_it_is_not_attempted():
    assert SQUARE.check().status == "not attempted"


@pytest.mark.parametrize("attempt", [lambda x: x, lambda x: 1, lambda x: [x], lambda x: x.missing])
def test_a_short_attempt_is_not_taken_for_a_stub(attempt):
    assert SQUARE.check(attempt).status == "wrong"


def test_zero_and_false_and_empty_are_answers():
    assert NUMBER.check(0).status == "wrong"
    assert NUMBER.check(False).status == "wrong"
    assert NUMBER.check([]).status == "wrong"
    assert NUMBER.check(np.zeros(3)).status == "wrong"
    assert NUMBER.check(12).status == "correct"
    assert NUMBER.check(np.int64(12)).status == "correct"


def test_a_right_answer_is_praised():
    verdict = SQUARE.check(lambda x: x * x)
    assert (verdict.status, verdict.reason) == ("correct", "it works for arrays too")
    assert verdict


def test_a_verdict_may_be_returned():
    exercise = Exercise("e", "?", lambda _: Verdict("wrong", "I said so"), "h", "e = 1")
    assert exercise.check(1) == Verdict("wrong", "I said so")


def test_a_crash_shows_the_line_of_the_learners_code():
    source = "def square(x):\n    count = 0\n    return x / count\n"
    verdict = SQUARE.check(checks.run_source(SQUARE, source))
    assert verdict.status == "wrong"
    assert "ZeroDivisionError" in verdict.reason
    assert "line 3, `return x / count`" in verdict.reason


def test_a_crash_inside_a_library_still_shows_the_learners_line():
    source = "import json\ndef square(x):\n    return json.loads('no json')\n"
    assert "line 3, `return json.loads('no json')`" in SQUARE.check(checks.run_source(SQUARE, source)).reason


def test_a_crash_in_a_class_shows_the_line():
    exercise = Exercise("Counter", "?", lambda kind: kind().add(2), "h", "class Counter: pass")
    source = "class Counter:\n    def add(self, n):\n        return self.total + n\n"
    assert "line 3, `return self.total + n`" in exercise.check(checks.run_source(exercise, source)).reason


@pytest.mark.parametrize(
    "error", ["SystemExit(3)", "RecursionError()", "MemoryError()", "AssertionError('no')"]
)
def test_no_error_of_the_learner_gets_out(error):
    verdict = SQUARE.check(checks.run_source(SQUARE, f"def square(x):\n    raise {error}\n"))
    assert verdict.status == "wrong"
    assert error.split("(")[0] in verdict.reason


def test_the_stop_button_gets_out():
    with pytest.raises(KeyboardInterrupt):
        SQUARE.check(checks.run_source(SQUARE, "def square(x):\n    raise KeyboardInterrupt\n"))


def test_an_answer_of_the_wrong_kind_is_explained():
    verdict = SQUARE.check(5)
    assert verdict.status == "wrong"
    assert "could not use your answer 5" in verdict.reason
    assert "TypeError" in verdict.reason


def test_the_status_is_said_in_words_and_markup_is_escaped():
    for status, word in [("correct", "Correct"), ("wrong", "Not yet"), ("not attempted", "Not attempted")]:
        verdict = Verdict(status, "got <b>1</b> & `x[0] < 2`")
        assert word in repr(verdict)
        shown = verdict._repr_html_()
        assert word in re.sub("<[^>]*>", "", shown)
        assert "<b>" not in shown
        assert "<code>x[0] &lt; 2</code>" in shown


def test_the_hint_and_the_solution_are_displayed():
    assert repr(SQUARE.hint()) == "Hint: Python's power is `**`."
    assert "<code>**</code>" in SQUARE.hint()._repr_html_()
    assert repr(SQUARE.solution()) == "Solution\ndef square(x):\n    return x ** 2\n"
    assert "<pre><code>def square(x):\n    return x ** 2\n</code></pre>" in SQUARE.solution()._repr_html_()
    assert "x ** 2" not in repr(SQUARE) + SQUARE._repr_html_()


def test_the_solution_runs_in_an_empty_namespace():
    assert checks.run_solution(SQUARE)(7) == 49
    with pytest.raises(NameError):
        checks.run_source(SQUARE, "square = np.square")
    with pytest.raises(ValueError, match="does not define 'square'"):
        checks.run_source(SQUARE, "squared = 1")


def test_the_answer_may_have_another_name_than_the_exercise():
    exercise = Exercise("task_2", "?", lambda a: equal(a, 3), "h", "total = 3", answer="total")
    assert exercise.check(checks.run_solution(exercise))
    assert "`total`" in exercise.check().reason


def test_bad_exercises_are_refused():
    with pytest.raises(ValueError, match="pooled std"):
        Exercise("pooled std", "?", lambda _: None, "h", "x = 1")
    with pytest.raises(ValueError, match="list of sources"):
        Exercise("a", "?", lambda _: None, "h", "x = 1", other_right_answers="x = 2")


def test_an_unknown_exercise_names_the_nearest(monkeypatch):
    monkeypatch.setattr(checks, "all_exercises", lambda: {"pooled_std": SQUARE, "cutout": SQUARE})
    assert checks.get("cutout") is SQUARE
    with pytest.raises(ValueError, match="Did you mean 'pooled_std'"):
        checks.get("pooled_sdt")


def test_exercises_are_found_in_modules_and_names_are_unique(monkeypatch, tmp_path):
    (tmp_path / "concept_x.py").write_text(
        "from course_utils.checks.exercise import Exercise\n"
        "FIRST = Exercise('first_x', '?', lambda a: None, 'h', 'first_x = 1')\nSAME = FIRST\n"
    )
    monkeypatch.setattr(checks, "__path__", [*checks.__path__, str(tmp_path)])
    assert checks.get("first_x").name == "first_x"
    (tmp_path / "concept_y.py").write_text(
        "from course_utils.checks.exercise import Exercise\n"
        "SECOND = Exercise('first_x', '?', lambda a: None, 'h', 'first_x = 1')\n"
    )
    with pytest.raises(ValueError, match=r"two exercises are called 'first_x'.*concept_y"):
        checks.all_exercises()
    for name in ("concept_x", "concept_y"):
        sys.modules.pop(f"course_utils.checks.{name}", None)


def test_importing_the_checks_does_not_import_torch():
    code = (
        "import sys; from course_utils import checks; checks.all_exercises(); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
