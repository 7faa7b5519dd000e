"""Build the book: a static site from the notebooks' stored outputs, the pages of docs/ and the docstrings.

    python docs/book/build.py [--output docs/_build]

The pages are laid out under OUTPUT/source as they lie in the project, so that links between them hold, and
Sphinx makes OUTPUT/html of them. Nothing is executed and nothing is fetched. `make book` calls this.
"""

import argparse
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_markdown_cell
from reference import summary_of, write_reference

from course_utils.notebooks.inspecting import declared_parameters
from course_utils.notebooks.navigation import display_name
from course_utils.notebooks.progress import show_bytes
from course_utils.runs.results import RESULTS_MIMETYPE

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.zh-CN.md", "RESULTS.md", "CONTRIBUTING.md", "CHANGELOG.md", "data/README.md")
_NAVIGATION = re.compile(r"<!-- navigation:begin -->.*?<!-- navigation:end -->\n*", re.DOTALL)


def lay_out(source: Path) -> None:
    """Write all pages of the book below `source`."""
    here = Path(__file__).parent
    for name in ("conf.py", "math_markup.py"):
        shutil.copy(here / name, source / name)
    for page in PAGES:
        _copy_text(ROOT / page, source / page)
    docs = sorted((ROOT / "docs").glob("*.md"))
    for page in docs:
        _copy_text(page, source / "docs" / page.name)
    for picture in (ROOT / "docs").glob("*.png"):
        shutil.copy(picture, source / "docs" / picture.name)
    (source / "LICENSE.md").write_text(f"# Licence\n\n{(ROOT / 'LICENSE').read_text()}", encoding="utf-8")
    notebooks = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    measured = json.loads((ROOT / "notebooks" / "measured.json").read_text(encoding="utf-8"))
    (source / "notebooks").mkdir()
    for path in notebooks:
        nb = with_instructions(nbformat.read(path, as_version=4), path, measured.get(path.stem))
        nbformat.write(nb, source / "notebooks" / path.name)
        shutil.copy(path, source / "notebooks" / f"{path.stem}.source.ipynb.txt")
    reference = write_reference(ROOT / "course_utils", source / "reference")
    (source / "benchmarks.md").write_text(_benchmarks(), encoding="utf-8")
    readme = _links_to_pages((ROOT / "README.md").read_text(encoding="utf-8"))
    trees = [
        _tree("Notebooks", [f"notebooks/{path.stem}" for path in notebooks]),
        _tree(
            "About the course",
            [f"docs/{page.stem}" for page in docs] + ["RESULTS", "benchmarks", "data/README", "README.zh-CN"],
        ),
        _tree("For those who change it", ["CONTRIBUTING", "CHANGELOG", "LICENSE"]),
        _tree("Reference of course_utils", [f"reference/{name}" for name in reference]),
    ]
    (source / "index.md").write_text("\n\n".join([readme, *trees]) + "\n", encoding="utf-8")


def with_instructions(nb: Any, path: Path, measured: dict[str, Any] | None) -> Any:
    """Put behind the title how to run the notebook, with its parameters; take out the links of the files."""
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            cell.source = _links_to_pages(_NAVIGATION.sub("", cell.source))
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            data.pop(RESULTS_MIMETYPE, None)  # for the runner, not for readers
            if "text/markdown" in data:  # what is shown is not searched for links by Sphinx
                data["text/markdown"] = re.sub(r"\]\((\w+)\.ipynb", r"](\1.html", data["text/markdown"])
    source = f"{{download}}`{path.name} <{path.stem}.source.ipynb.txt>`"
    took = "not measured yet"
    if measured:
        took = (
            f"{measured['seconds'] / 60:.1f} minutes at the profile `{measured['profile']}` on "
            f"{measured['cpu_cores']} processor cores, {show_bytes(measured['peak_memory_bytes'])} of memory"
        )
    rows = [
        f"| `{one.name}` | {one.type_name} | {one.help.replace('|', '/') or ' '} |"
        for one in declared_parameters(path).values()
    ]
    text = "\n".join(
        [
            f"{source} · {took}",
            "",
            f"````{{admonition}} How to run {display_name(path)}",
            ":class: tip",
            ":collapsible: closed",
            f"Cell by cell, in JupyterLab: `make lab`, then open `notebooks/{path.name}`.",
            "",
            f"From top to bottom, the executed copy kept: `python -m course_utils run {path.stem[:2]}`",
            "",
            "With papermill, here at the smallest size:",
            "",
            f"    papermill notebooks/{path.name} out.ipynb -p profile smoke",
            "",
            "Both take any of these by `-p name value`; what is not given, the profile decides:",
            "",
            "| parameter | type | what it is |",
            "|---|---|---|",
            *rows,
            "````",
        ]
    )
    nb.cells.insert(1, new_markdown_cell(text))
    return nb


def _benchmarks() -> str:
    """Give the page of the programs behind RESULTS.md: what each measures, and how it is started."""
    lines = [
        "# Benchmarks",
        "",
        "Each claim of speed or accuracy is a program in `benchmarks/`, which measures ours beside the usual",
        "way in one run. `--record` keeps what came out, and [the results](RESULTS.md) are made of it.",
        "",
    ]
    for path in sorted((ROOT / "benchmarks").glob("[!_]*.py")):
        lines += [f"## `{path.stem}`", "", summary_of(path), ""]
    return "\n".join(lines)


def _tree(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```"])


def _copy_text(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_links_to_pages(path.read_text(encoding="utf-8")), encoding="utf-8")


def _links_to_pages(text: str) -> str:
    """Let links to the README and the licence lead to their pages in the book."""
    return re.sub(r"\]\(((?:\.\./)*)README\.md", r"](\1index.md", text).replace("](LICENSE)", "](LICENSE.md)")


def main() -> int:
    """Build; the exit code is Sphinx's, and a warning counts as an error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "_build")
    out = parser.parse_args().output.resolve()
    for name in ("source", "html", "doctrees"):
        shutil.rmtree(out / name, ignore_errors=True)
    (out / "source").mkdir(parents=True)
    lay_out(out / "source")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html"]
    done = subprocess.run([*command, "-d", out / "doctrees", out / "source", out / "html"], check=False)
    if done.returncode == 0:
        print(f"The book: {out / 'html' / 'index.html'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
