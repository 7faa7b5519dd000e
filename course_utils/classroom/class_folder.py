"""Where a class's files lie: what was collected, the marks, the pages that go back. One folder, readable by
hand.

    CLASS/submitted/PS/STUDENT.ipynb    copies of what was handed in
    CLASS/submitted/PS/STUDENT.csv      submissions to a contest
    CLASS/contest/PS/                   a contest's pictures and its hidden labels
    CLASS/marks/PS/STUDENT.json         what grading found
    CLASS/written/PS.csv                points of written questions, filled in by the teacher
    CLASS/feedback/PS/STUDENT.html      a page for each student
    CLASS/PS.csv, CLASS/PS.html         the table for the learning platform, and the report on the class
"""

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from course_utils import files
from course_utils.classroom.grading import QuestionMark, SubmissionMark
from course_utils.classroom.problem_set import BEGIN_SOLUTION, Cell, ProblemSet

_COLUMNS = ("student", "question", "points", "of", "answer")


@dataclass(frozen=True)
class ClassFolder:
    """The files of one class."""

    path: Path

    def submitted(self, problem_set: str) -> dict[str, Path]:
        """Give the collected notebook of each student, by name."""
        return {path.stem: path for path in sorted((self.path / "submitted" / problem_set).glob("*.ipynb"))}

    def contest(self, problem_set: str) -> Path:
        """Give the folder of a contest."""
        return self.path / "contest" / problem_set

    def marks(self, problem_set: str) -> list[SubmissionMark]:
        """Give the marks, with the teacher's points for written questions in them, sorted by student.

        ValueError, naming file and row, for points that are no number or more than there are.
        """
        written = self.read_written(problem_set)
        marks = []
        for path in sorted((self.path / "marks" / problem_set).glob("*.json")):
            mark = SubmissionMark.from_dict(json.loads(path.read_text(encoding="utf-8")))
            for question in mark.questions:
                points = written.get((mark.student, question.name))
                if points is not None:
                    question.earned, question.message = points, ""
            marks.append(mark)
        return marks

    def write_marks(self, problem_set: ProblemSet, marks: Iterable[SubmissionMark]) -> None:
        """Keep what grading found; add rows for written questions to the teacher's file, and change none."""
        marks = list(marks)
        for mark in marks:
            files.write_json(self.path / "marks" / problem_set.name / f"{mark.student}.json", mark.as_dict())
        written = problem_set.of_kind("written")
        if not written:
            return
        path = self.written_path(problem_set.name)
        rows = _rows(path) if path.exists() else []
        there = {(row["student"], row["question"]) for row in rows}
        for mark in marks:
            for cell in written:
                if (mark.student, cell.name) not in there and mark.answers:
                    text = _own_text(cell, mark.answers.get(cell.name, ""))
                    values = (mark.student, cell.name, "", str(cell.points), text)
                    rows.append(dict(zip(_COLUMNS, values, strict=True)))
        _write_rows(path, _COLUMNS, rows)

    def read_written(self, problem_set: str) -> dict[tuple[str, str], float]:
        """Give the teacher's points for written questions by (student, question); empty ones are left out.

        ValueError naming file and row for points that are no number, or too many.
        """
        path = self.written_path(problem_set)
        points = {}
        for number, row in enumerate(_rows(path) if path.exists() else [], start=2):
            text = (row.get("points") or "").strip().replace(",", ".")
            if not text:
                continue
            where = f"{path}, row {number} ({row.get('student')}, {row.get('question')})"
            try:
                value, most = float(text), float(row["of"])
            except (KeyError, TypeError, ValueError):
                raise ValueError(
                    f"{where}: points {text!r}; expected a number from 0 to {row.get('of')}"
                ) from None
            if not 0 <= value <= most:
                raise ValueError(f"{where}: {value:g} points; expected a number from 0 to {most:g}")
            points[str(row["student"]), str(row["question"])] = value
        return points

    def write_table(self, problem_set: ProblemSet, marks: Iterable[SubmissionMark]) -> Path:
        """Write the table that learning platforms read: a row per student, a column per question."""
        questions = problem_set.of_kind("test", "written", "contest")
        columns = ["student", "status", "points", "of", "complete", *(cell.name for cell in questions)]
        rows = []
        for mark in marks:
            by_name = {question.name: question for question in mark.questions}
            row = [mark.student, mark.status, f"{mark.earned:g}", str(problem_set.points)]
            row.append("yes" if mark.is_complete else "no")
            row += [_points(by_name.get(cell.name)) for cell in questions]
            rows.append(dict(zip(columns, row, strict=True)))
        path = self.path / f"{problem_set.name}.csv"
        _write_rows(path, columns, rows)
        return path

    def written_path(self, problem_set: str) -> Path:
        """Give the file for the points of written questions."""
        return self.path / "written" / f"{problem_set}.csv"


def _own_text(cell: Cell, text: str) -> str:
    """Give what a student wrote, without the question above it."""
    question = cell.source.partition(BEGIN_SOLUTION)[0].splitlines()
    given = {line.strip() for line in question} | {"YOUR ANSWER HERE"}
    return "\n".join(line for line in text.splitlines() if line.strip() and line.strip() not in given)


def _points(question: QuestionMark | None) -> str:
    return "" if question is None or question.earned is None else f"{question.earned:g}"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.DictReader(stream))


def _write_rows(path: Path, columns: Iterable[str], rows: Iterable[Mapping[str, str]]) -> None:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, list(columns), lineterminator="\n", extrasaction="ignore")
    writer.writeheader()
    # a text that begins like a formula would be run by a spreadsheet
    shielded = [
        {key: f"'{text}" if text.startswith(("=", "+", "@")) else text for key, text in row.items()}
        for row in rows
    ]
    writer.writerows(shielded)
    files.write_text(path, stream.getvalue())
