"""One exercise: a question, a check that explains itself, a hint, and a solution that the tests run.

A check never raises for a learner: a wrong answer, a crash in their function and an empty stub all come back
as a `Verdict` that says in words what happened. Used by every notebook; `tests/checks/test_checks_all.py`
runs the solution, the other right answers and the wrong answers of each exercise.
"""

from __future__ import annotations

import functools
import html
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from course_utils.checks.attempts import describe_crash, is_stub

Status = Literal["correct", "wrong", "not attempted"]

# Border colour and word of each status. The word carries the meaning; the colour only repeats it.
_LOOK: dict[str, tuple[str, str, str]] = {
    "correct": ("#009E73", "✓", "Correct"),
    "wrong": ("#D55E00", "✗", "Not yet"),
    "not attempted": ("#0072B2", "○", "Not attempted"),
}


class Wrong(Exception):  # noqa: N818  (reads as what it says: `raise Wrong("...")`)
    """Raised by an exercise's `verify` when the answer is wrong; the text is shown to the learner."""


@dataclass(frozen=True)
class Verdict:
    """What a check found: `status`, and `reason`, which says why in a sentence."""

    status: Status
    reason: str
    exercise: str = ""

    def __bool__(self) -> bool:
        return self.status == "correct"

    def __repr__(self) -> str:
        _, sign, word = _LOOK[self.status]
        return f"{sign} {word}: {self.reason}" if self.reason else f"{sign} {word}"

    def _repr_html_(self) -> str:
        colour, sign, word = _LOOK[self.status]
        return _box(f"{sign} {word}", self.reason, colour)


@dataclass(frozen=True)
class Shown:
    """A hint or a solution as the notebook displays it; `text` is the plain text."""

    title: str
    text: str
    is_code: bool = False

    def __repr__(self) -> str:
        return f"{self.title}\n{self.text}" if self.is_code else f"{self.title}: {self.text}"

    def _repr_html_(self) -> str:
        if self.is_code:
            code = f"<pre><code>{html.escape(self.text)}</code></pre>"
            return f"<div><strong>{html.escape(self.title)}</strong>{code}</div>"
        return _box(self.title, self.text, "#E69F00")


@dataclass(frozen=True)
class Exercise:
    """An exercise and all that is needed to test it.

    name: unique in the course; a notebook asks for the exercise by it. question: what to do, in a sentence or
    two; plain text, `code` between backticks. verify: called with the answer; returns None if it is right,
    raises `Wrong(reason)` if not, or returns a `Verdict`; it may import torch inside. hint_text,
    solution_source: shown on request; the solution is complete Python with its imports, and defines `answer`.
    answer: the name that the solution (and the learner's cell) defines; by default the
    exercise's own name. praise: what a right answer is told, best a thought to take along. wrong_answers:
    source of wrong answers, by a piece of the reason that they must be given (two or more).
    other_right_answers: source of right answers that look different from the solution (two or more).
    """

    name: str
    question: str
    verify: Callable[[Any], Verdict | None]
    hint_text: str
    solution_source: str
    answer: str = ""
    praise: str = ""
    wrong_answers: Mapping[str, str] = field(default_factory=dict, repr=False)
    other_right_answers: Sequence[str] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if not self.name.isidentifier():
            raise ValueError(
                f"the exercise's name is {self.name!r}; expected a Python name such as 'pooled_std'"
            )
        if isinstance(self.other_right_answers, str):
            raise ValueError(f"{self.name}: other_right_answers is one text; expected a list of sources")
        object.__setattr__(self, "answer", self.answer or self.name)
        object.__setattr__(self, "solution_source", textwrap.dedent(self.solution_source).strip() + "\n")

    def check(self, answer: object = ...) -> Verdict:
        """Judge `answer` (a value, a function or a class). Never raises for what the learner wrote."""
        if is_stub(answer):
            return self._not_attempted()
        watched, unfinished = _watch(answer)
        try:
            verdict = self.verify(watched)
        except Wrong as wrong:
            verdict = Verdict("wrong", str(wrong), self.name)
        except NotImplementedError:
            return self._not_attempted()
        except (Exception, SystemExit) as error:
            verdict = Verdict("wrong", describe_crash(error, answer), self.name)
        if unfinished:
            return self._not_attempted()
        if verdict is None:
            return Verdict("correct", self.praise, self.name)
        return verdict

    def hint(self) -> Shown:
        """The hint, for display as the last line of a cell."""
        return Shown("Hint", self.hint_text)

    def solution(self) -> Shown:
        """The solution's source, for display as the last line of a cell."""
        return Shown("Solution", self.solution_source, is_code=True)

    def _not_attempted(self) -> Verdict:
        todo = f"write your answer as `{self.answer}` and run this cell again; `.hint()` helps"
        return Verdict("not attempted", todo, self.name)

    def __repr__(self) -> str:
        return f"Exercise {self.name}: {self.question}"

    def _repr_html_(self) -> str:
        return _box(f"Exercise: {self.name}", self.question, "#0072B2")


def _watch(answer: Any) -> tuple[Any, list[bool]]:
    """The answer, and a list that fills when the learner's function returns the `...` of a stub."""
    unfinished: list[bool] = []
    if not callable(answer) or isinstance(answer, type) or not hasattr(answer, "__code__"):
        return answer, unfinished

    @functools.wraps(answer)
    def watched(*args: Any, **kwargs: Any) -> Any:
        result = answer(*args, **kwargs)
        parts = result if isinstance(result, tuple | list) else (result,)
        if any(part is ... or part is NotImplemented for part in parts):
            unfinished.append(True)
        return result

    return watched, unfinished


def _box(title: str, text: str, colour: str) -> str:
    """A paragraph with a coloured edge; the page gives the text colour (light or dark)."""
    body = "<br>".join(_with_code(line) for line in text.splitlines())
    style = f"border-left: 4px solid {colour}; padding: 0.3em 0.8em; margin: 0.3em 0;"
    colon = ": " if body else ""
    return f'<div role="status" style="{style}"><strong>{html.escape(title)}</strong>{colon}{body}</div>'


def _with_code(line: str) -> str:
    """Escape a line and turn `code` between backticks into a code element."""
    pieces = html.escape(line).split("`")
    if len(pieces) % 2 == 0:  # an odd number of backticks: show them as they are
        return "`".join(pieces)
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
