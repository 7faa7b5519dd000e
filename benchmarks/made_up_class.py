"""Thirty made-up submissions to a problem set, each with what it has to earn: for `grading`, and for tests.

Good, partial and empty ones, broken files, a wrong name, edited tests, copies, an endless loop, a memory hog
and eight attacks: reading the solutions, reading the marks to tell them, writing the marks, an object that
equals everything, changed tests, the network, processes, looking for the expected values. The attacks run
nowhere but in the grader's own process for a student's code; what they reach for is made here.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell

from course_utils.classroom.building import release_notebook
from course_utils.classroom.problem_set import ProblemSet, without_marks

DOOR, FAKE = "forbidden", "graded"  # what becomes of an attack: stopped at once, or graded to nothing
ATTACKS: dict[str, tuple[str, str]] = {
    "reads_solution": (DOOR, "text = open({source!r}).read()\nexec(text)"),
    "tells_marks": (DOOR, "raise ValueError(open({secret!r}).read())"),
    "writes_marks": (DOOR, "import json\njson.dump({{}}, open({secret!r}, 'w'))"),
    "network": (
        DOOR,
        "import socket\nsocket.create_connection(('127.0.0.1', {port}), 5).sendall(b'the answers')",
    ),
    "processes": (DOOR, "import os\nwhile True:\n    os.fork()"),
    "equals_all": (
        FAKE,
        "class Yes(float):\n    __eq__ = __le__ = __ge__ = __lt__ = __gt__ = lambda self, other: True\n"
        "    __hash__ = None\n    def __call__(self, *given, **more): return self\n"
        "    def __getattr__(self, name): return self\n    def __iter__(self): return iter([self, self])\n"
        "fake = Yes(1)",
    ),
    "patches": (
        FAKE,
        "import builtins, numpy as np\nfor name in ('assert_allclose', 'assert_array_equal'):\n"
        "    setattr(np.testing, name, lambda *given, **more: None)\n"
        "builtins.AssertionError = SystemExit\nfake = lambda *given, **more: 0",
    ),
    "frames": (
        FAKE,
        "import sys\ndef fake(*given, **more):\n    frame = sys._getframe()\n"
        "    while frame.f_back: frame = frame.f_back\n    return eval('expected', frame.f_globals)",
    ),
}
LIMITS = {
    "endless_loop": "while True:\n    pass",
    "memory_hog": "import numpy as np\nhoard = [np.ones(1 << 27) for _ in range(9)]",
}
_ALIKE = """
def {name}(*given, **more):
    {total}, {seen} = 0.0, []
    for {one} in given:
        {seen}.append(type({one}).__name__)
        {total} += len({seen}) * 0.5
    while len({seen}) > 2:
        {seen} = {seen}[1:-1]
    return {{"total": {total}, "names": sorted({seen}, key=len), "more": list(more)}}
"""


@dataclass(frozen=True)
class MadeUp:
    """A submission: the student, points and status that grading has to give, the cells' texts by name, or
    the file's bytes.
    """

    student: str
    points: int
    status: str = "graded"
    cells: Mapping[str, str] = field(default_factory=dict)
    data: bytes | None = None
    file_name: str = ""
    own_cell: str = ""


def made_up(problem_set: ProblemSet, *, source: Path, secret: Path, port: int) -> list[MadeUp]:
    """Give the class. `source` holds the solutions, `secret` is a file of marks, `port` one to connect to."""
    right = {cell.name: without_marks(cell.source) for cell in problem_set.of_kind("answer")}
    full, worth = sum(points_of_answers(problem_set).values()), points_of_answers(problem_set)
    first, *others = right
    text = {cell.name: f"{cell.source.splitlines()[0]}\nBecause." for cell in problem_set.of_kind("written")}
    found = [MadeUp(f"good{number}", full, cells=right | text) for number in range(1, 4)]
    found.append(MadeUp("good4", full, cells=right | text, own_cell="raise RuntimeError('a try of my own')"))
    found.append(MadeUp("中文 名", full, cells=right | text))
    found.append(MadeUp("wrong_name", full, cells=right, file_name="Untitled1.ipynb"))
    for name in list(right)[:7]:
        found.append(MadeUp(f"without_{name}", full - worth[name], cells={**_without(right, name), **text}))
    names = ({"total": "total", "seen": "seen", "one": "one"}, {"total": "t", "seen": "box", "one": "x"})
    defined = [_defines(problem_set, first)[0]] * 2
    for number, (defines, words) in enumerate(zip(defined, names, strict=True), start=1):
        cells = {**right, first: _ALIKE.format(name=defines, **words)}
        found.append(MadeUp(f"alike{number}", full - worth[first], cells=cells))
    found += [MadeUp("empty1", 0), MadeUp("empty2", 0, cells=text)]
    whole = nbformat.writes(release_notebook(problem_set)).encode()
    found.append(MadeUp("cut_off", 0, "unreadable", data=whole[: len(whole) // 2]))
    found.append(MadeUp("no_bytes", 0, "unreadable", data=b""))
    tests = {cell.name: "assert True" for cell in problem_set.of_kind("test")}
    found.append(MadeUp("edited_tests", 0, cells=tests))
    for name, code in LIMITS.items():
        found.append(MadeUp(name, full - worth[first], cells={**right, first: code}))
    for name, (status, code) in ATTACKS.items():
        attack = code.format(source=str(source), secret=str(secret), port=port)
        cells = {first: attack, **{other: right[other] for other in others}}
        if status == FAKE:
            faked = {other: _faked(problem_set, other) for other in right}
            cells = {**faked, first: f"{attack}\n{faked[first]}"}
        found.append(MadeUp(name, 0, status, cells=cells))
    return found


def write_class(problem_set: ProblemSet, students: list[MadeUp], folder: Path) -> None:
    """Write the submissions as a learning platform gives them, a folder for each student."""
    for one in students:
        path = folder / one.student / (one.file_name or f"{problem_set.name}.ipynb")
        path.parent.mkdir(parents=True)
        if one.data is not None:
            path.write_bytes(one.data)
            continue
        notebook = release_notebook(problem_set)
        for cell in notebook.cells:
            cell.source = one.cells.get(cell.metadata.nbgrader.grade_id, cell.source)
        if one.own_cell:
            notebook.cells.insert(1, new_code_cell(one.own_cell))
        nbformat.write(notebook, path)


def points_of_answers(problem_set: ProblemSet) -> dict[str, int]:
    """Give the points of the tests behind each answer, by the answer's name."""
    points: dict[str, int] = {}
    name = ""
    for cell in problem_set.cells:
        if cell.kind == "answer":
            name = cell.name
            points[name] = 0
        elif cell.kind == "test":
            points[name] += cell.points
    return points


def wrong_marks(students: list[MadeUp], marks: Path) -> list[str]:
    """Compare the files of marks with what the submissions have to earn; give what differs."""
    wrong = []
    for one in students:
        path = marks / f"{one.student.replace(' ', '_')}.json"
        if not path.is_file():
            wrong.append(f"{one.student}: no marks")
            continue
        mark = json.loads(path.read_text(encoding="utf-8"))
        got = sum(question["earned"] or 0 for question in mark["questions"]), mark["status"]
        if got != (one.points, one.status):
            wrong.append(f"{one.student}: got {got}, expected {(one.points, one.status)}")
    return wrong


def _without(right: Mapping[str, str], name: str) -> dict[str, str]:
    return {key: text for key, text in right.items() if key != name}


def _defines(problem_set: ProblemSet, name: str) -> tuple[str, ...]:
    (cell,) = [one for one in problem_set.of_kind("answer") if one.name == name]
    return cell.defines


def _faked(problem_set: ProblemSet, name: str) -> str:
    return "\n".join(f"{defined} = fake" for defined in _defines(problem_set, name))
