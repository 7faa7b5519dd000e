"""The page docs/coverage.md against the notebooks: each part of the four projects has a section."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "coverage.md"
ROWS = {"A": 9, "B": 13, "C": 12, "D": 5}  # parts of each tutorial project

_TRACK = re.compile(r"^## Track ([A-Z]): ", re.MULTILINE)
_HEADING = re.compile(r"^#{2,3} (\d+(?:\.\d+)*)\.? (.+)$", re.MULTILINE)
_PLACE = re.compile(r'\[(\d\d), section (\d+(?:\.\d+)*)\]\(\.\./notebooks/([^.)]+)\.ipynb "([^"]*)"\)')


def read_tracks(page):
    """Give for each track its rows as (part, where)."""
    _, *pieces = _TRACK.split(page)
    tracks = {}
    for track, body in zip(pieces[::2], pieces[1::2], strict=True):
        lines = [line for line in body.splitlines() if line.startswith("|")]
        tracks[track] = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines[2:]]
    return tracks


def headings(folder):
    """Give for each notebook its numbered headings: number to title."""
    found = {}
    for path in sorted(folder.glob("*.ipynb")):
        cells = nbformat.read(path, as_version=4).cells
        texts = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        found[path.stem] = {number: title.strip() for number, title in _HEADING.findall(texts)}
    return found


def faults_of_row(row, sections):
    """Give what is wrong with a row: its form, or a place that is not there."""
    if len(row) != 2 or not all(row):
        return [f"expected `| part | where |`, got {row}"]
    part, where = row
    faults = [f"{part}: no place in a notebook"] if not _PLACE.search(where) else []
    for number, section, stem, title in _PLACE.findall(where):
        place = f"{part}: {number}, section {section}"
        there = sections.get(stem, {})
        if not stem.startswith(f"{number}_") or stem not in sections:
            faults.append(f"{place}: there is no notebook {stem}")
        elif section not in there:
            faults.append(f"{place}: {stem} has no such section")
        elif there[section].replace('"', "'") != title:
            faults.append(f"{place}: it is called {there[section]!r}, not {title!r}")
    rest = _PLACE.sub("", where)
    if "section" in rest or "notebooks/" in rest or "{" in rest:
        faults.append(f"{part}: a place that cannot be read: {rest.strip()}")
    return faults


def test_each_track_has_all_its_parts():
    tracks = read_tracks(PAGE.read_text(encoding="utf-8"))
    assert {track: len(rows) for track, rows in tracks.items()} == ROWS
    parts = [row[0] for rows in tracks.values() for row in rows]
    assert len(set(parts)) == sum(ROWS.values())


@pytest.mark.parametrize("track", ROWS)
def test_each_part_has_a_section_that_exists(track):
    rows, sections = read_tracks(PAGE.read_text(encoding="utf-8"))[track], headings(ROOT / "notebooks")
    assert [fault for row in rows for fault in faults_of_row(row, sections)] == []


@pytest.mark.parametrize(
    ("where", "fault"),
    [
        ('[05, section 3.2](../notebooks/05_first_cnn.ipynb "A block")', None),
        ('here: [05, section 3.2](../notebooks/05_first_cnn.ipynb "A block"); [more](../RESULTS.md)', None),
        ("[more](../RESULTS.md)", "no place in a notebook"),
        ("{05 3.2}", "no place in a notebook"),
        ('[05, section 3.3](../notebooks/05_first_cnn.ipynb "A block")', "05_first_cnn has no such section"),
        (
            '[05, section 3.2](../notebooks/05_first_cnn.ipynb "The end")',
            "it is called 'A block', not 'The end'",
        ),
        ('[06, section 3.2](../notebooks/05_first_cnn.ipynb "A block")', "there is no notebook 05_first_cnn"),
        ('[07, section 1](../notebooks/07_resnet.ipynb "Depth")', "there is no notebook 07_resnet"),
        (
            '[05, section 3.2](../notebooks/05_first_cnn.ipynb "A block") and [05, section 4](x)',
            "a place that cannot be read",
        ),
    ],
)
def test_faults_are_found(where, fault):
    faults = faults_of_row(("a CNN", where), {"05_first_cnn": {"3.2": "A block"}})
    assert faults == [] if fault is None else fault in faults[0]


def test_pages_and_headings_are_read(tmp_path):
    table = "| part | where |\n|---|---|\n| one | two |"
    page = f"# X\n\n## Track A: plants\n\n{table}\n\n## Track B: food\n\nText."
    assert read_tracks(page) == {"A": [("one", "two")], "B": []}
    nb = nbformat.v4.new_notebook()
    nb.cells = [nbformat.v4.new_markdown_cell("# 05. Why?\n\n## 3. All\n\n### 3.2 A block\n\n## Summary")]
    nbformat.write(nb, tmp_path / "05_x.ipynb")
    assert headings(tmp_path) == {"05_x": {"3": "All", "3.2": "A block"}}
