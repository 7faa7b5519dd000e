"""`class release | collect | check | grade | feedback | report`: a class, from the zip to the marks."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # its types cost an import
    from course_utils.classroom.class_folder import ClassFolder
    from course_utils.classroom.grading import SubmissionMark
    from course_utils.classroom.problem_set import ProblemSet


def register(subparsers: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands."""
    group = subparsers.add_parser("class", help="hand out, collect, grade and return assignments")
    commands = group.add_subparsers(title="commands, in their order", required=True, metavar="COMMAND")

    def add(name: str, function: Any, text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(
            name, parents=[common], help=text, description=text[:1].upper() + text[1:]
        )
        command.add_argument(
            "problem_set", metavar="PS", help="name in assignments/, such as ps1_data, or a file"
        )
        command.set_defaults(function=function)
        return command

    release = add("release", _release, "write the zip for students; nothing in it shows a solution")
    release.add_argument("--to", metavar="FOLDER", default="release", help="default: release")
    collect = add(
        "collect", _collect, "copy what was handed in, from a folder or a zip of the learning platform"
    )
    collect.add_argument("source", metavar="SOURCE", help="folder or zip")
    for name, function, text in (
        ("check", _check, "name deleted, copied, split and renamed cells, before grading"),
        ("grade", _grade, "grade all collected notebooks; grading again gives the same marks"),
        ("feedback", _feedback, "write a page for each student, and the table for the learning platform"),
        ("report", _report, "write the page on the class: questions, reasons, answers that are alike"),
    ):
        add(name, function, text)
    commands.choices["grade"].add_argument(
        "--seconds",
        type=float,
        metavar="S",
        default=20.0,
        help="most seconds for one cell or call; default: 20",
    )
    for command in commands.choices.values():
        command.add_argument(
            "--class", dest="folder", metavar="CLASS", default="class", help="the class's folder"
        )


def find_problem_set(text: str) -> Path:
    """Give the source of a problem set by its path, or by its name in assignments/."""
    from course_utils import runtime

    path = Path(text)
    return path if path.suffix == ".py" else runtime.project_root() / "assignments" / f"{text}.py"


def _read(options: argparse.Namespace) -> "tuple[ProblemSet, ClassFolder]":
    from course_utils.classroom.class_folder import ClassFolder
    from course_utils.classroom.problem_set import read_problem_set

    return read_problem_set(find_problem_set(options.problem_set)), ClassFolder(Path(options.folder))


def _release(options: argparse.Namespace) -> int:
    from course_utils.classroom.releasing import write_release

    problem_set, folder = _read(options)
    pictures = None
    if problem_set.of_kind("contest"):
        from course_utils.classroom.contest import draw_contest

        contest = draw_contest(folder.contest(problem_set.name))
        pictures = contest / "pictures"
        print(f"The contest's hidden labels: {contest / 'labels.json'}; keep the folder, grading needs it")
    path = write_release(problem_set, options.to, pictures=pictures)
    print(f"For students: {path} ({problem_set.points} points)")
    return 0


def _collect(options: argparse.Namespace) -> int:
    from course_utils.classroom.collecting import collect

    problem_set, folder = _read(options)
    found = collect(problem_set, options.source, folder.path / "submitted" / problem_set.name)
    for problem in found.problems:
        print(problem)
    print(f"{len(found.students)} notebooks collected, {len(found.problems)} things to look at.")
    return 0


def _check(options: argparse.Namespace) -> int:
    from course_utils.classroom.building import release_notebook
    from course_utils.classroom.integrity import UnreadableError, read_submission

    problem_set, folder = _read(options)
    handed_out = release_notebook(problem_set).cells
    number = 0
    submitted = _submitted(folder, problem_set.name)
    for student, path in submitted.items():
        try:
            problems = read_submission(path, handed_out).problems
        except UnreadableError as error:
            problems = [str(error)]
        for problem in problems:
            print(f"{student}: {problem}")
        number += bool(problems)
    print(f"{len(submitted)} notebooks checked, {number} with changed cells.")
    return 0


def _grade(options: argparse.Namespace) -> int:
    from course_utils.classroom.grading import GRADED, grade_all
    from course_utils.classroom.remote import Limits

    problem_set, folder = _read(options)
    hidden = [find_problem_set(options.problem_set).resolve().parent, folder.path.resolve()]
    limits = Limits(request_s=options.seconds)
    marks = grade_all(problem_set, _submitted(folder, problem_set.name), hidden=hidden, limits=limits)
    if problem_set.of_kind("contest"):
        from course_utils.classroom.contest import add_scores

        submitted = folder.path / "submitted" / problem_set.name
        add_scores(problem_set, marks, submitted, folder.contest(problem_set.name))
    folder.write_marks(problem_set, marks)
    marks = folder.marks(problem_set.name)
    for mark in marks:
        waiting = sum(question.points for question in mark.questions if question.earned is None)
        said = f"  ({waiting} to be graded by hand)" if waiting else ""
        if mark.status != GRADED:
            said = f"  {mark.status}: {mark.reason}"
        print(f"{mark.student:<24} {mark.earned:6g} of {problem_set.points}{said}")
    print(f"Table: {folder.write_table(problem_set, marks)}")
    if problem_set.of_kind("written"):
        print(f"Written questions: fill in {folder.written_path(problem_set.name)}, then `class feedback`")
    return 0


def _feedback(options: argparse.Namespace) -> int:
    from course_utils.classroom.feedback import write_feedback

    problem_set, folder = _read(options)
    marks = _marks(folder, problem_set.name)
    for mark in marks:
        write_feedback(problem_set, mark, folder.path / "feedback" / problem_set.name)
    print(f"{len(marks)} pages: {folder.path / 'feedback' / problem_set.name}")
    print(f"Table: {folder.write_table(problem_set, marks)}")
    return 0


def _report(options: argparse.Namespace) -> int:
    from course_utils.classroom.class_report import write_class_report

    problem_set, folder = _read(options)
    print(f"The class: {write_class_report(problem_set, _marks(folder, problem_set.name), folder.path)}")
    return 0


def _submitted(folder: "ClassFolder", name: str) -> dict[str, Path]:
    submitted = folder.submitted(name)
    if not submitted:
        raise ValueError(
            f"{folder.path / 'submitted' / name} holds no notebook; run `class collect {name} SOURCE`"
        )
    return submitted


def _marks(folder: "ClassFolder", name: str) -> "list[SubmissionMark]":
    marks = folder.marks(name)
    if not marks:
        raise ValueError(f"{folder.path / 'marks' / name} holds no marks; run `class grade {name}` first")
    return marks
