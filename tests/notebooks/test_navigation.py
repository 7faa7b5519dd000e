import json
import shutil
from pathlib import Path

import nbformat
import pytest
from markdown_it import MarkdownIt

from course_utils import runtime
from course_utils.notebooks import write_navigation
from course_utils.notebooks.navigation import display_name

README = "# Course\n\n<!-- notebooks:begin -->\nold\n<!-- notebooks:end -->\n\nThe rest.\n"


@pytest.fixture
def course(tmp_path, make_notebook):
    folder = tmp_path / "notebooks"
    make_notebook(folder / "00_start_here.ipynb", title="# 00. What is this?\n\nText.")
    make_notebook(folder / "01_mean_std.ipynb", title="# How bright | dark?\n\nText.")
    make_notebook(folder / "02_splits.ipynb", title="# 02 · 3 ways to split?")
    facts = {"seconds": 66.0, "peak_memory_bytes": 1_234_000_000}
    (folder / "measured.json").write_text(json.dumps({"01_mean_std": facts}))
    (tmp_path / "README.md").write_text(README)
    return tmp_path


def markdown(course, name):
    nb = nbformat.read(course / "notebooks" / f"{name}.ipynb", as_version=4)
    return [cell.source for cell in nb.cells if cell.cell_type == "markdown"]


def write(course):
    return write_navigation(course / "notebooks", course / "README.md")


def test_first_and_last_cell_link_to_the_neighbours(course):
    write(course)
    links = (
        "<!-- navigation:begin -->\n[← 00 Start here](00_start_here.ipynb) · [all notebooks](../README.md) · "
        "[02 Splits →](02_splits.ipynb)\n<!-- navigation:end -->"
    )
    first, last = markdown(course, "01_mean_std")
    assert first == f"# How bright | dark?\n\n{links}\n\nText."
    assert last == f"The end.\n\n{links}"
    assert "←" not in markdown(course, "00_start_here")[0]
    assert "→" not in markdown(course, "02_splits")[1]
    assert (course / "README.md").read_text().count("(notebooks/") == 3


def test_the_links_are_links_when_the_cells_are_shown(course):
    write(course)
    for cell in markdown(course, "01_mean_std"):
        html = MarkdownIt("commonmark").render(cell)
        assert '<a href="00_start_here.ipynb">' in html and '<a href="02_splits.ipynb">' in html


def test_the_readme_gets_the_table_and_keeps_the_rest(course):
    write(course)
    text = (course / "README.md").read_text()
    assert text.startswith("# Course\n\n<!-- notebooks:begin -->\n| notebook |")
    assert text.endswith("<!-- notebooks:end -->\n\nThe rest.\n") and "old" not in text
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert rows == [
        "| [00 Start here](notebooks/00_start_here.ipynb) | What is this? | not measured | not measured |",
        "| [01 Mean std](notebooks/01_mean_std.ipynb) | How bright / dark? | 1.1 | 1.2 GB |",
        "| [02 Splits](notebooks/02_splits.ipynb) | 3 ways to split? | not measured | not measured |",
    ]


def test_a_second_time_changes_nothing_and_a_new_notebook_is_linked(course, make_notebook):
    assert len(write(course)) == 4
    before = {path: path.read_bytes() for path in course.rglob("*.*") if path.is_file()}
    assert write(course) == []
    assert {path: path.read_bytes() for path in course.rglob("*.*") if path.is_file()} == before
    make_notebook(course / "notebooks" / "03_cnn.ipynb")
    changed = {path.name for path in write(course)}
    assert changed == {"02_splits.ipynb", "03_cnn.ipynb", "README.md"}
    assert markdown(course, "02_splits")[1].count("navigation:begin") == 1


def test_the_links_and_the_table_of_the_course_are_up_to_date(tmp_path):
    shutil.copytree(runtime.project_root() / "notebooks", tmp_path / "notebooks")
    shutil.copy(runtime.project_root() / "README.md", tmp_path)
    changed = [path.name for path in write(tmp_path)]
    assert changed == [], "run `python -m course_utils notebooks nav`"


def test_missing_titles_and_markers_are_errors(course, make_notebook):
    make_notebook(course / "notebooks" / "03_cnn.ipynb", title="No title")
    with pytest.raises(ValueError, match=r"03_cnn\.ipynb: the first markdown cell must begin with the title"):
        write(course)
    (course / "notebooks" / "03_cnn.ipynb").unlink()
    (course / "README.md").write_text("# Course")
    with pytest.raises(ValueError, match=r"README\.md has no lines <!-- notebooks:begin -->"):
        write(course)


def test_names_are_spelt_as_the_field_does():
    names = ["05_first_cnn", "09_mobilenetv3_digits", "12_tsne", "00_start_here"]
    assert [display_name(Path(f"{name}.ipynb")) for name in names] == [
        "05 First CNN",
        "09 MobileNetV3 digits",
        "12 t-SNE",
        "00 Start here",
    ]


def test_the_table_adds_up_when_every_notebook_is_measured(course):
    facts = {"seconds": 66.0, "peak_memory_bytes": 1_234_000_000}
    measured = {path.stem: facts for path in (course / "notebooks").glob("*.ipynb")}
    (course / "notebooks" / "measured.json").write_text(json.dumps(measured))
    write(course)
    assert "| all of them | | 3.3 | 1.2 GB |\n" in (course / "README.md").read_text()
