"""What became of a problem set's cells in a student's notebook, said before anything is graded.

nbgrader knows a cell by a name in its metadata. A deleted cell, a copied one, one that was split or whose
name was lost counts as nothing there, in silence. Here each is named, and what can be graded all the same
is put together.
"""

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from course_utils.classroom.building import grade_id

MOST_BYTES = 20 << 20
_ALIKE = 0.6  # how many of a lost cell's lines another one has to hold to be taken for it
_STUBS = ("# YOUR CODE HERE", "raise NotImplementedError", "YOUR ANSWER HERE")  # nbgrader's


@dataclass
class Submitted:
    """What a notebook holds for a problem set: the students' text by cell name, and what is wrong with it."""

    answers: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class UnreadableError(ValueError):
    """A submission that is no notebook at all."""


def read_submission(path: str | Path, handed_out: list[Any]) -> Submitted:
    """Read a student's notebook and compare its cells with those that were handed out.

    Raises UnreadableError for a file that is too large or no notebook.
    """
    return compare(read_cells(path), handed_out)


def read_cells(path: str | Path) -> list[Any]:
    """Give the cells of a notebook that nobody vouches for; raises UnreadableError."""
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise UnreadableError(f"{path.name} has {size >> 20} MB; at most {MOST_BYTES >> 20} are read")
        notebook = nbformat.read(path, as_version=4)
        return [cell for cell in notebook.cells if isinstance(cell.source, str)]
    except UnreadableError:
        raise
    except Exception as error:  # whatever nbformat and the JSON reader raise on made-up files
        reason = f"{path.name} is no notebook that can be read ({type(error).__name__})"
        raise UnreadableError(reason) from error


def compare(cells: list[Any], handed_out: list[Any]) -> Submitted:
    """Give the answers in the cells of a notebook, and every change that matters for grading."""
    found = Submitted()
    originals = {str(grade_id(cell)): cell for cell in handed_out}
    places: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        name = grade_id(cell)
        if name in originals:
            places.setdefault(str(name), []).append(place)
    nameless = [place for place, cell in enumerate(cells) if grade_id(cell) not in originals]
    for name, original in originals.items():
        marks = original.metadata.nbgrader
        if original.cell_type == "markdown" and not marks.solution:
            continue  # prose
        at = places.get(name, [])
        sources = [cells[place].source for place in at]
        if not at:
            sources = _renamed(name, original, cells, nameless, found)
        elif len(at) > 1:
            sources = _several(name, at, sources, original.source, found)
        if marks.solution:
            found.answers[name] = "\n".join(sources)
        elif sources and sources[0].strip() != original.source.strip():
            found.problems.append(f"{name}: a cell that is not yours to change was changed; ours is graded")
    return found


def _likeness(original: str, text: str) -> float:
    """Give the share of the handed-out lines that are still in a text; those to be replaced do not count."""
    lines = [line.strip() for line in original.splitlines()]
    lines = [line for line in lines if line and not line.startswith(_STUBS)]
    there = {line.strip() for line in text.splitlines()}
    return sum(line in there for line in lines) / len(lines) if lines else 0.0


def _several(name: str, at: list[int], sources: list[str], original: str, found: Submitted) -> list[str]:
    """Say whether a cell was split or copied; give the parts that count."""
    neighbours = all(second - first == 1 for first, second in itertools.pairwise(at))
    different = [source for source in dict.fromkeys(sources) if source.strip() != original.strip()]
    if neighbours and len(different) == len(sources):
        found.problems.append(f"{name}: the cell was split into {len(at)}; the parts are graded together")
        return sources
    found.problems.append(f"{name}: the cell is there {len(at)} times; the last changed one is graded")
    return different[-1:] or sources[:1]


def _renamed(name: str, original: Any, cells: list[Any], nameless: list[int], found: Submitted) -> list[str]:
    """Look among the cells without a known name for one that looks like the missing cell; give its source."""
    scores = {
        place: _likeness(original.source, cells[place].source)
        for place in nameless
        if cells[place].cell_type == original.cell_type
    }
    best = max(scores, key=lambda place: scores[place], default=None)
    if best is None or scores[best] < _ALIKE:
        found.problems.append(f"{name}: the cell was deleted")
        return []
    nameless.remove(best)
    given = grade_id(cells[best])
    how = f"is called {given!r} now" if given else "has lost its name"
    found.problems.append(f"{name}: the cell {how}; the one that looks like it is graded")
    return [cells[best].source]
