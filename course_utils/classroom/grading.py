"""Grade submissions: the students' answers run in processes of their own, our tests ask them for values.

Nothing of a submission but its answers is used: given code and tests are those of the source. A failing
cell costs its own question only, a hopeless submission only itself, and grading again gives the same marks.
"""

import contextlib
import io
import os
import sys
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from course_utils import runtime
from course_utils.classroom.building import release_notebook
from course_utils.classroom.integrity import UnreadableError, read_submission
from course_utils.classroom.landlock import without
from course_utils.classroom.problem_set import Cell, ProblemSet, without_marks
from course_utils.classroom.remote import ForbiddenError, Limits, OutOfLimitsError, Remote, StudentError

GRADED, FORBIDDEN, UNREADABLE, FAILED = "graded", "forbidden", "unreadable", "failed"
_MOST_TEXT = 600


@dataclass
class QuestionMark:
    """A test cell or written question: its points, those earned (None: not graded yet), why not all."""

    name: str
    points: int
    earned: float | None
    message: str = ""


@dataclass
class SubmissionMark:
    """What grading found. `status`: graded, forbidden (looked at by hand, 0 points), unreadable or failed."""

    student: str
    problem_set: str
    status: str
    questions: list[QuestionMark] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reason: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    contest: dict[str, float] = field(default_factory=dict)

    @property
    def earned(self) -> float:
        """Give the points so far; written questions count once they are graded."""
        return sum(question.earned or 0 for question in self.questions)

    @property
    def is_complete(self) -> bool:
        """Whether no written question waits for its points."""
        return all(question.earned is not None for question in self.questions)

    def as_dict(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "SubmissionMark":
        """Read what `as_dict` gave."""
        questions = [QuestionMark(**question) for question in values["questions"]]
        return cls(**{**values, "questions": questions})


def grade_one(
    problem_set: ProblemSet,
    path: str | Path,
    *,
    student: str,
    hidden: Sequence[Path] = (),
    limits: Limits | None = None,
) -> SubmissionMark:
    """Grade one notebook; whatever is in it, the result is a mark and never an error.

    `hidden`: folders that the student's code must not read (sources, marks, other submissions).
    """
    try:
        submitted = read_submission(path, release_notebook(problem_set).cells)
    except UnreadableError as error:
        return _not_graded(problem_set, student, UNREADABLE, str(error))
    mark = SubmissionMark(student, problem_set.name, GRADED)
    mark.problems, mark.answers = submitted.problems, submitted.answers
    code = problem_set.of_kind("given", "answer", "test")
    modules = dict.fromkeys(name for cell in code for name in cell.modules)
    try:
        with Remote(
            readable=[runtime.data_dir(), Path(__file__).parents[1]],
            hidden=[*hidden, *beside_the_package()],
            import_first=["numpy", *modules],
            limits=limits or Limits(),
        ) as remote:
            mark.questions = _grade_cells(problem_set, submitted.answers, remote)
    except ForbiddenError as error:
        refused = _not_graded(problem_set, student, FORBIDDEN, f"the code {error}")
        refused.problems, refused.answers = mark.problems, mark.answers
        return refused
    return mark


def beside_the_package() -> list[Path]:
    """Give what lies in the checkout beside the package and the data: tests, answers, runs, the history.

    Python's path may lead into the checkout, and what is on the path may be read.
    """
    root = runtime.project_root().resolve()
    if not (root / "pyproject.toml").is_file():
        return []
    on_path = runtime.environment_of(["PYTHONPATH"]).get("PYTHONPATH", "").split(os.pathsep)
    needed = [
        Path(__file__).parents[1],
        runtime.data_dir(),
        Path(sys.prefix),
        *map(Path, filter(None, on_path)),
    ]
    return without(root, [path for one in needed if (path := one.resolve()) != root])


def grade_all(
    problem_set: ProblemSet,
    submissions: Mapping[str, Path],
    *,
    hidden: Sequence[Path] = (),
    limits: Limits | None = None,
    num_workers: int | None = None,
) -> list[SubmissionMark]:
    """Grade the notebooks of all students (name to path), on all cores; give their marks by name.

    A submission that takes the grader's process down with it is marked as failed; the others are graded.
    """
    marks: dict[str, SubmissionMark] = {}
    waiting = dict(submissions)
    while waiting:
        before = len(waiting)
        number = min(num_workers or runtime.cpu_count(), before)
        with ProcessPoolExecutor(number, mp_context=get_context("spawn")) as pool:
            jobs = {
                pool.submit(
                    grade_one, problem_set, path, student=student, hidden=hidden, limits=limits
                ): student
                for student, path in waiting.items()
            }
            for job in as_completed(jobs):
                student = jobs[job]
                try:
                    marks[student] = job.result()
                except BrokenProcessPool:
                    continue  # this one or another has ended the process: tried again below
                except Exception as error:  # a fault of ours: named, and the others go on
                    reason = f"the grader failed: {type(error).__name__}: {error}"[:_MOST_TEXT]
                    marks[student] = _not_graded(problem_set, student, FAILED, reason)
                del waiting[student]
        if len(waiting) == before:  # the first of them breaks the process, alone as with others
            student = next(iter(waiting))
            reason = "the grader's process ended; grade by hand"
            marks[student] = _not_graded(problem_set, student, FAILED, reason)
            del waiting[student]
    return [marks[student] for student in sorted(marks)]


def _grade_cells(problem_set: ProblemSet, answers: Mapping[str, str], remote: Remote) -> list[QuestionMark]:
    """Go through the cells in order: our names here, the student's names there; give the marks."""
    names: dict[str, Any] = {"__name__": "grader"}
    why_missing: dict[str, str] = {}
    marks = []
    for cell in problem_set.cells:
        if cell.kind == "given":
            _run_given(cell, names, remote)
        elif cell.kind == "answer":
            error = _run_answer(cell, answers.get(cell.name, ""), remote)
            for name in cell.defines:
                names.pop(name, None)
                try:
                    names[name] = remote.get(name)
                except StudentError as missing:
                    why_missing[name] = error or str(missing)
        elif cell.kind == "test":
            marks.append(_run_test(cell, names, why_missing))
        elif cell.kind == "written":
            marks.append(QuestionMark(cell.name, cell.points, None, "graded by hand"))
        elif cell.kind == "contest":
            marks.append(QuestionMark(cell.name, cell.points, 0.0, "no submission.csv was handed in"))
    return marks


def _run_given(cell: Cell, names: dict[str, Any], remote: Remote) -> None:
    """Run our own code on both sides, here first: it may prepare data that the student's side only reads."""
    for run in (lambda: _quietly(cell, names), lambda: remote.run(cell.name, cell.source)):
        try:
            run()
        except ForbiddenError:
            raise
        except Exception:  # it may use answers that are missing; the tests of those say so
            continue


def _run_answer(cell: Cell, source: str, remote: Remote) -> str:
    """Run the student's cell; give its error, or ""."""
    lines = ["" if line.lstrip().startswith(("%", "!")) else line for line in source.splitlines()]
    try:
        remote.run(cell.name, "\n".join(lines))
    except StudentError as error:
        return str(error)
    return ""


def _run_test(cell: Cell, names: dict[str, Any], why_missing: Mapping[str, str]) -> QuestionMark:
    """Run a test with its hidden part; all of its points, or none and the reason."""
    try:
        _quietly(cell, names)  # what a test defines, later ones may use
    except ForbiddenError:
        raise
    except OutOfLimitsError as error:
        return QuestionMark(cell.name, cell.points, 0.0, f"the code {error}"[:_MOST_TEXT])
    except NameError as error:
        message = why_missing.get(error.name or "", str(error))
        return QuestionMark(cell.name, cell.points, 0.0, message[:_MOST_TEXT])
    except AssertionError as error:
        message = str(error) or _failing_line(cell, error)
        return QuestionMark(cell.name, cell.points, 0.0, message[:_MOST_TEXT])
    except Exception as error:  # a value of another kind than a test expects
        return QuestionMark(cell.name, cell.points, 0.0, f"{type(error).__name__}: {error}"[:_MOST_TEXT])
    return QuestionMark(cell.name, cell.points, float(cell.points))


def _quietly(cell: Cell, names: dict[str, Any]) -> None:
    """Run our own code here; what it prints is for the notebook."""
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        exec(compile(without_marks(cell.source), f"<{cell.name}>", "exec"), names)  # our own source


def _failing_line(cell: Cell, error: AssertionError) -> str:
    """Give the line of an assert without a text, as a message."""
    lines = without_marks(cell.source).splitlines()
    numbers = [
        n
        for frame, n in traceback.walk_tb(error.__traceback__)
        if frame.f_code.co_filename == f"<{cell.name}>"
    ]
    return f"not fulfilled: {lines[numbers[-1] - 1].strip()}" if numbers else "not fulfilled"


def _not_graded(problem_set: ProblemSet, student: str, status: str, reason: str) -> SubmissionMark:
    """Give no points to anything, with the reason."""
    graded = problem_set.of_kind("test", "written", "contest")
    questions = [QuestionMark(cell.name, cell.points, 0.0, reason) for cell in graded]
    return SubmissionMark(student, problem_set.name, status, questions, reason=reason)
