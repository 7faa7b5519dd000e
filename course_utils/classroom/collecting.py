"""Gather what students handed in, from a folder or a zip of a learning platform, without changing it."""

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import nbformat

from course_utils import files
from course_utils.classroom.building import grade_id
from course_utils.classroom.problem_set import ProblemSet
from course_utils.data.archives import safe_extract

_SAFE = re.compile(r"[^\w.-]+")
_MOODLE = re.compile(r"_assignsubmission_(file|onlinetext)_?$")  # behind name and number of its folders


@dataclass
class Collected:
    """The students whose notebooks were copied, and what is to be looked at."""

    students: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def collect(problem_set: ProblemSet, source: str | Path, target: Path) -> Collected:
    """Copy the notebooks of `source`, a folder or a zip, to `target` as STUDENT.ipynb.

    The student's name is the folder's, or the part of the file's name before the problem set's. A notebook
    with another name is taken if it holds cells of this problem set, and named. Of two of one student the
    newer counts. A csv of the notebook's name, or submission.csv beside it, goes along as STUDENT.csv.
    Raises ValueError when there is nothing to collect.
    """
    source = Path(source)
    if source.is_file():
        with TemporaryDirectory() as folder:
            inside = Path(folder) / "handed-in"
            safe_extract(source, inside)
            return _collect(problem_set, inside, target, shown=source.name)
    if not source.is_dir():
        raise ValueError(
            f"{source} is neither a folder nor a zip; give what the learning platform let you download"
        )
    return _collect(problem_set, source, target, shown=str(source))


def _collect(problem_set: ProblemSet, source: Path, target: Path, *, shown: str) -> Collected:
    found = Collected()
    chosen: dict[str, Path] = {}
    for path in sorted(source.rglob("*.ipynb")):
        if ".ipynb_checkpoints" in path.parts or "__MACOSX" in path.parts or path.is_symlink():
            continue
        student, is_named = _student_of(path, source, problem_set.name)
        if path.name == "handed_out.ipynb" or not (is_named or _holds(path, problem_set)):
            found.problems.append(f"{path.relative_to(source)}: not of {problem_set.name}, left out")
            continue
        if not is_named:
            found.problems.append(
                f"{path.relative_to(source)}: another name, taken by its cells as {student}'s"
            )
        if student in chosen:
            found.problems.append(
                f"{path.relative_to(source)}: {student} has handed in twice; the newer one counts"
            )
            if path.stat().st_mtime <= chosen[student].stat().st_mtime:
                continue
        chosen[student] = path
    if not chosen:
        raise ValueError(
            f"{shown} holds no notebook of {problem_set.name}; expected STUDENT/{problem_set.name}.ipynb"
        )
    for student, path in chosen.items():
        files.write_bytes(target / f"{student}.ipynb", path.read_bytes())
        beside = [path.with_suffix(".csv"), path.with_name("submission.csv")]
        for submission in [one for one in beside if one.is_file() and not one.is_symlink()][:1]:
            files.write_bytes(target / f"{student}.csv", submission.read_bytes())
    found.students = sorted(chosen)
    return found


def _student_of(path: Path, source: Path, name: str) -> tuple[str, bool]:
    """Give the student's name, safe as a file's, and whether the file is called as it should be."""
    before, is_named, _ = path.stem.partition(name)
    folders = path.parent.relative_to(source).parts
    own_folder = [_MOODLE.sub("", part) for part in folders if part not in (name, source.name)]
    text = before.strip("_- .") or (own_folder[0] if own_folder else path.stem)
    if not is_named and own_folder:
        text = own_folder[0]
    text = _SAFE.sub("_", unicodedata.normalize("NFC", text)).strip("._")
    return text[:80] or "nameless", bool(is_named)


def _holds(path: Path, problem_set: ProblemSet) -> bool:
    """Whether a notebook holds cells of the problem set."""
    try:
        cells = nbformat.read(path, as_version=4).cells
    except Exception:  # no notebook; nbformat raises many types
        return False
    names = {cell.name for cell in problem_set.of_kind("answer", "test")}
    return any(grade_id(cell) in names for cell in cells)
