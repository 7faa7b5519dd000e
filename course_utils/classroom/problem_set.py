"""A problem set from its one source: prose, given code, answers, tests and written questions.

The source is a Python file in cells (jupytext's percent format). Tags in a cell's header say what it is:

    # %% tags=["answer", "name:pooled_std"]                code that students write
    # %% tags=["test", "name:pooled_std-1", "points:3"]    asserts; all of its points or none
    # %% [markdown] tags=["written", "name:why", "points:5"]    a text that a person grades
    # %% [markdown] tags=["contest", "name:board", "points:20", "from:0.3", "to:0.8"]    a submission.csv
        beside the notebook: no points up to the accuracy `from`, all from `to` on, evenly in between

What stands between `### BEGIN SOLUTION` and `### END SOLUTION`, or between the marks of hidden tests, never
leaves the teacher's machine.
"""

import ast
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext

KINDS = ("answer", "test", "written", "contest")
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
_NAME = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True)
class Cell:
    """A cell of the source. `kind` is one of `KINDS`, "given" (code) or "prose"; `points` 0 if not graded."""

    kind: str
    name: str
    source: str
    points: int = 0
    scale: tuple[float, float] = (0.0, 1.0)  # of a contest: accuracies that earn nothing, and everything

    @property
    def is_markdown(self) -> bool:
        """Whether it holds text."""
        return self.kind in ("prose", "written", "contest")

    @property
    def defines(self) -> tuple[str, ...]:
        """The names that the code of an answer makes at its top level, by our solution."""
        found: dict[str, None] = {}
        for node in ast.parse(self.source).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found[node.name] = None
            elif isinstance(node, ast.Assign | ast.AnnAssign):
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    found |= {one.id: None for one in ast.walk(target) if isinstance(one, ast.Name)}
        return tuple(name for name in found if not name.startswith("_"))

    @property
    def modules(self) -> tuple[str, ...]:
        """The modules that code imports."""
        found: dict[str, None] = {}
        for node in ast.walk(ast.parse(self.source)):
            if isinstance(node, ast.Import):
                found |= {one.name: None for one in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found[node.module] = None
        return tuple(found)


@dataclass(frozen=True)
class ProblemSet:
    """A problem set: its name (the file's), its title, its cells in order."""

    name: str
    title: str
    cells: tuple[Cell, ...]

    def of_kind(self, *kinds: str) -> list[Cell]:
        """Give the cells of these kinds, in order."""
        return [cell for cell in self.cells if cell.kind in kinds]

    @property
    def points(self) -> int:
        """Give the points of everything together."""
        return sum(cell.points for cell in self.cells)


def read_problem_set(path: str | Path) -> ProblemSet:
    """Read and check a source.

    Raises ValueError, naming file and cell, for an unknown tag, a missing or repeated name, missing points,
    marks that are not closed, an answer without a solution, or a source without a title.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(
            f"there is no problem set {path}; expected a Python file in cells, such as ps1_data.py"
        )
    notebook = jupytext.read(path, fmt="py:percent")
    cells = tuple(_cell(path, number, cell) for number, cell in enumerate(notebook.cells, start=1))
    names = [cell.name for cell in cells]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{path}: the name {repeated[0]!r} is given to several cells; each needs its own")
    heading = re.match(r"# (.+)", cells[0].source) if cells and cells[0].kind == "prose" else None
    if heading is None:
        raise ValueError(f"{path}: the first cell has to be markdown and begin with the title, `# ...`")
    return ProblemSet(path.stem, heading[1].strip(), cells)


def without_marks(source: str) -> str:
    """Give a cell's source with all solutions and hidden tests, but without the marks themselves."""
    marks = (BEGIN_SOLUTION, END_SOLUTION, BEGIN_HIDDEN, END_HIDDEN)
    return "\n".join(line for line in source.splitlines() if line.strip() not in marks)


def _cell(path: Path, number: int, cell: Any) -> Cell:
    where = f"{path}, cell {number}"
    values = {}
    for tag in cell.metadata.get("tags", []):
        key, _, value = tag.partition(":")
        if key not in (*KINDS, "name", "points", "from", "to") or key in values:
            raise ValueError(f"{where}: tag {tag!r}; expected {', '.join(KINDS)}, name:..., points:...")
        values[key] = value
    kinds = [kind for kind in KINDS if kind in values]
    if len(kinds) > 1 or (values and not kinds):
        raise ValueError(
            f"{where}: has to be one of {', '.join(KINDS)}, or without tags; got {cell.metadata['tags']}"
        )
    text = cell.cell_type == "markdown"
    if not kinds:
        _check_marks(where, cell.source, needs_solution=False)
        kind = "prose" if text else "given"
        return Cell(kind, f"{kind}-{number:02d}", cell.source)
    kind, name, points = kinds[0], values.get("name", ""), values.get("points", "0")
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{where}: name {name!r}; expected small letters, digits, - and _, such as name:pooled_std-1"
        )
    if text != (kind in ("written", "contest")):
        raise ValueError(f"{where}: {kind} has to be a {'code' if text else 'markdown'} cell")
    if not points.isdigit() or (int(points) > 0) != (kind != "answer"):
        raise ValueError(
            f"{where}: tests and written questions have points:1 or more, answers none; got {points!r}"
        )
    _check_marks(where, cell.source, needs_solution=kind in ("answer", "written"))
    return Cell(kind, name, cell.source, int(points), _scale(where, kind, values))


def _scale(where: str, kind: str, values: dict[str, str]) -> tuple[float, float]:
    """Give the accuracies between which the points of a contest rise."""
    given = [values.get("from"), values.get("to")]
    if kind != "contest":
        if given != [None, None]:
            raise ValueError(f"{where}: from and to belong to a contest, not to {kind}")
        return (0.0, 1.0)
    try:
        low, high = float(given[0] or ""), float(given[1] or "")
    except ValueError:
        low = high = -1.0
    if not 0 <= low < high <= 1:
        raise ValueError(
            f"{where}: a contest needs from:... and to:..., such as from:0.3 and to:0.8; got {given}"
        )
    return (low, high)


def _check_marks(where: str, source: str, *, needs_solution: bool) -> None:
    lines = [line.strip() for line in source.splitlines()]
    for begin, end in ((BEGIN_SOLUTION, END_SOLUTION), (BEGIN_HIDDEN, END_HIDDEN)):
        marks = [line for line in lines if line in (begin, end)]
        if marks != [begin, end] * (len(marks) // 2):
            raise ValueError(f"{where}: each {begin!r} needs its {end!r}, one after the other")
        if begin == BEGIN_SOLUTION and needs_solution != bool(marks):
            raise ValueError(
                f"{where}: {'a solution is missing' if needs_solution else 'a solution in the wrong cell'}"
            )
