"""A page for each student: points and reasons, question by question. It needs nothing else to be read."""

import html
from pathlib import Path

from course_utils import files
from course_utils.classroom.grading import FORBIDDEN, GRADED, SubmissionMark
from course_utils.classroom.problem_set import ProblemSet
from course_utils.plots import html_page


def write_feedback(problem_set: ProblemSet, mark: SubmissionMark, target: Path) -> Path:
    """Write the page of one student; no solution and no hidden test stands on it."""
    points = f"{mark.earned:g} of {problem_set.points} points"
    waiting = sum(question.points for question in mark.questions if question.earned is None)
    parts = [
        f"<p><strong>{points}</strong>{f', {waiting:g} still to be graded by hand' if waiting else ''}</p>"
    ]
    if mark.status != GRADED:
        parts.append(f'<p class="error">{html.escape(_said(mark))}</p>')
    if mark.problems:
        items = "".join(f"<li>{html.escape(problem)}</li>" for problem in mark.problems)
        parts.append(f"<h2>Cells</h2><ul>{items}</ul>")
    rows = [
        [
            question.name,
            "" if question.earned is None else _plain(question.earned),
            question.points,
            question.message if mark.status == GRADED else "",
        ]
        for question in mark.questions
    ]
    table = html_page.table(["question", "points", "of", "why"], rows, label="points and reasons", digits=2)
    path = target / f"{mark.student}.html"
    files.write_text(
        path, html_page.page(f"{problem_set.title}: {mark.student}", [*parts, "<h2>Questions</h2>", table])
    )
    return path


def _plain(points: float) -> int | float:
    """Give whole points as a whole number."""
    return int(points) if points == int(points) else points


def _said(mark: SubmissionMark) -> str:
    if mark.status == FORBIDDEN:
        return f"Not graded: {mark.reason}. No solution needs that. Talk to your teacher."
    return f"Not graded: {mark.reason}"
