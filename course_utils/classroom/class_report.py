"""How the class did: marks per question, the commonest reasons for lost points, answers that are nearly the
same."""

import ast
from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import numpy as np

from course_utils import files
from course_utils.classroom.grading import GRADED, SubmissionMark
from course_utils.classroom.problem_set import ProblemSet
from course_utils.plots import html_page

_SHINGLE = 6  # neighbouring parts of the syntax tree that are compared together
_LEAST_PARTS = 60  # shorter answers are alike by chance
_NEARLY = 0.9


def write_class_report(problem_set: ProblemSet, marks: Sequence[SubmissionMark], target: Path) -> Path:
    """Write the page PS.html into the folder `target`."""
    totals = np.array([mark.earned for mark in marks])
    parts = [
        f"<p>{len(marks)} submissions, {problem_set.points} points. Mean {totals.mean():.1f}, median "
        f"{np.median(totals):.1f}, lowest {totals.min():g}, highest {totals.max():g}.</p>"
    ]
    hands = [[mark.student, mark.status, mark.reason] for mark in marks if mark.status != GRADED]
    if hands:
        parts += [
            "<h2>To be looked at by hand</h2>",
            html_page.table(["student", "status", "reason"], hands, label="by hand"),
        ]
    graded = problem_set.of_kind("test", "written", "contest")
    counted = [mark for mark in marks if mark.status == GRADED]
    rows = [_question_row(cell.name, cell.points, counted) for cell in graded]
    header = ["question", "of", "mean", "all points", "commonest reason for lost points", "times"]
    parts += [
        "<h2>Questions</h2>",
        f"<p>Of the {len(counted)} submissions that could be graded.</p>",
        html_page.table(header, rows, label="marks per question"),
    ]
    parts += _leaderboard(problem_set, marks)
    pairs = near_identical(problem_set, marks)
    parts.append("<h2>Answers that are nearly the same</h2>")
    if pairs:
        shown = [[first, second, f"{share:.0%}"] for first, second, share in pairs]
        parts.append(html_page.table(["student", "student", "alike"], shown, label="alike"))
        parts.append(
            "<p>Compared without names, comments and layout. It is a reason to ask, not a proof.</p>"
        )
    else:
        parts.append("<p>None.</p>")
    path = target / f"{problem_set.name}.html"
    files.write_text(path, html_page.page(f"{problem_set.title}: the class", parts))
    return path


def near_identical(problem_set: ProblemSet, marks: Sequence[SubmissionMark]) -> list[tuple[str, str, float]]:
    """Give pairs of students whose code is alike by `_NEARLY` or more, the most alike first.

    What our own solution has in common with an answer does not count: there is often one good way.
    """
    ours = {cell.name: _shingles(cell.source)[0] for cell in problem_set.of_kind("answer")}
    shingles = {}
    for mark in marks:
        own: set[tuple[str, ...]] = set()
        number = 0
        for name, usual in ours.items():  # cell by cell: runs do not reach from one into the next
            found, parts = _shingles(mark.answers.get(name, ""))
            own |= {(name, *one) for one in found - usual}
            number += parts
        if number >= _LEAST_PARTS:
            shingles[mark.student] = own
    pairs = []
    for (first, ones), (second, others) in combinations(shingles.items(), 2):
        together = len(ones | others)
        share = len(ones & others) / together if together >= _SHINGLE else 0.0
        if share >= _NEARLY:
            pairs.append((first, second, share))
    return sorted(pairs, key=lambda pair: (-pair[2], pair[:2]))


def _leaderboard(problem_set: ProblemSet, marks: Sequence[SubmissionMark]) -> list[str]:
    """Give the table of a contest, best private accuracy first; nothing without a contest."""
    if not problem_set.of_kind("contest"):
        return []
    placed = sorted((mark for mark in marks if mark.contest), key=lambda mark: -mark.contest["private"])
    rows = [
        [place, mark.student, f"{mark.contest['private']:.3f}", f"{mark.contest['public']:.3f}"]
        for place, mark in enumerate(placed, start=1)
    ]
    header = ["place", "student", "accuracy (private)", "accuracy (public)"]
    return ["<h2>Leaderboard</h2>", html_page.table(header, rows, label="leaderboard")]


def _question_row(name: str, points: int, marks: Sequence[SubmissionMark]) -> list[object]:
    found = [question for mark in marks for question in mark.questions if question.name == name]
    earned = [question.earned for question in found if question.earned is not None]
    waiting = len(found) - len(earned)
    reasons = Counter(
        question.message
        for question in found
        if question.message and question.earned is not None and question.earned < question.points
    )
    reason, times = reasons.most_common(1)[0] if reasons else ("", 0)
    mean = f"{np.mean(earned):.1f}" if earned else ""
    full = f"{sum(value == points for value in earned)} of {len(earned)}" if earned else ""
    if waiting:
        reason, times = f"{waiting} wait to be graded by hand", 0
    return [name, points, mean, full, reason[:200], times or ""]


def _shingles(source: str) -> tuple[set[tuple[str, ...]], int]:
    """Give runs of neighbouring node types and constants of the syntax tree, and how many nodes there are."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return set(), 0
    parts = [
        f"{type(node).__name__}:{node.value!r}" if isinstance(node, ast.Constant) else type(node).__name__
        for node in ast.walk(tree)
        if not isinstance(node, ast.expr_context)
    ]
    return {tuple(parts[start : start + _SHINGLE]) for start in range(len(parts) - _SHINGLE + 1)}, len(parts)
