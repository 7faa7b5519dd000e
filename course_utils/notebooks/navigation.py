"""The links between the notebooks, and the table of notebooks in the README."""

import json
import re
from pathlib import Path
from typing import Any

import nbformat

from course_utils import files, runtime
from course_utils.notebooks.finding import find_notebooks, notebooks_dir
from course_utils.notebooks.progress import show_bytes
from course_utils.notebooks.storing import MEASURED_NAME

_LINKS = ("<!-- navigation:begin -->", "<!-- navigation:end -->")
_TABLE = ("<!-- notebooks:begin -->", "<!-- notebooks:end -->")
# file names are lower case; readers get the field's own spelling
_SPELLING = {
    "cnn": "CNN",
    "ema": "EMA",
    "kaggle": "Kaggle",
    "mobilenetv3": "MobileNetV3",
    "rdnet": "RDNet",
    "resnet": "ResNet",
    "resnet34": "ResNet34",
    "tsne": "t-SNE",
}


def write_navigation(folder: str | Path | None = None, readme: str | Path | None = None) -> list[Path]:
    """Write previous and next links into the first and last markdown cell of each notebook, and the table
    into the README.

    What stands between the markers is replaced; without markers, links are put under the title and at the
    end. Gives the files that changed. Raises ValueError when a notebook has no title or the README no
    markers for the table.
    """
    folder = notebooks_dir() if folder is None else Path(folder)
    readme = runtime.project_root() / "README.md" if readme is None else Path(readme)
    paths = find_notebooks(folder=folder)
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    changed = []
    for index, (path, nb) in enumerate(notebooks.items()):
        before = paths[index - 1] if index > 0 else None
        after = paths[index + 1] if index + 1 < len(paths) else None
        _put_links(nb, path, _links(before, after))
        changed += _write_if_changed(path, nbformat.writes(nb) + "\n")
    text = readme.read_text(encoding="utf-8")
    if not all(marker in text for marker in _TABLE):
        raise ValueError(
            f"{readme} has no lines {' and '.join(_TABLE)}; put them where the table shall stand"
        )
    table = notebook_table(
        notebooks, folder, link_root=folder.resolve().relative_to(readme.resolve().parent).as_posix()
    )
    return changed + _write_if_changed(readme, _between(text, _TABLE, f"\n{table}\n"))


def notebook_table(notebooks: dict[Path, Any], folder: Path, *, link_root: str) -> str:
    """Give the table: notebook with link, its question, measured minutes and peak memory at `quick`."""
    path = folder / MEASURED_NAME
    measured = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    lines = ["| notebook | question | minutes | peak memory |", "|---|---|---:|---:|"]
    for notebook, nb in notebooks.items():
        facts = measured.get(notebook.stem, {})
        minutes = f"{facts['seconds'] / 60:.1f}" if facts else "not measured"
        memory = show_bytes(facts["peak_memory_bytes"]) if facts else "not measured"
        link = f"[{display_name(notebook)}]({link_root}/{notebook.name})"
        lines.append(f"| {link} | {_question(nb, notebook).replace('|', '/')} | {minutes} | {memory} |")
    if notebooks and all(notebook.stem in measured for notebook in notebooks):
        seconds = sum(measured[notebook.stem]["seconds"] for notebook in notebooks)
        memory = show_bytes(max(measured[notebook.stem]["peak_memory_bytes"] for notebook in notebooks))
        lines.append(f"| all of them | | {seconds / 60:.1f} | {memory} |")
    return "\n".join(lines)


def display_name(notebook: Path) -> str:
    """Give the name for readers: `10_ema` becomes "10 EMA", `01_mean_std` "01 Mean std"."""
    number, _, rest = notebook.stem.partition("_")
    first, *others = rest.split("_")
    words = [_SPELLING.get(first, first.capitalize()), *(_SPELLING.get(word, word) for word in others)]
    return " ".join([number, *words]).strip()


def _links(before: Path | None, after: Path | None) -> str:
    parts = [f"[← {display_name(before)}]({before.name})"] if before else []
    parts.append("[all notebooks](../README.md)")
    parts += [f"[{display_name(after)} →]({after.name})"] if after else []
    return " · ".join(parts)


def _put_links(nb: Any, path: Path, links: str) -> None:
    _question(nb, path)
    markdown = [cell for cell in nb.cells if cell.cell_type == "markdown"]
    first, last = markdown[0], markdown[-1]
    if _LINKS[0] not in first.source:
        title, _, rest = first.source.partition("\n")
        first.source = f"{title}\n\n{_LINKS[0]}{_LINKS[1]}\n{rest}".rstrip()
    if _LINKS[0] not in last.source:
        last.source = f"{last.source.rstrip()}\n\n{_LINKS[0]}{_LINKS[1]}"
    for cell in (first, last):
        # lines of their own: a line that begins with a comment is HTML to its end, and shows links as text
        cell.source = _between(cell.source, _LINKS, f"\n{links}\n")


def _question(nb: Any, path: Path) -> str:
    """Give the title of the notebook without its number."""
    first = next((cell.source for cell in nb.cells if cell.cell_type == "markdown"), "")
    match = re.match(r"#\s+(?:\d+\W+)?(.+)", first)
    if match is None:
        raise ValueError(f"{path}: the first markdown cell must begin with the title, `# a question?`")
    return match[1].strip()


def _between(text: str, markers: tuple[str, str], content: str) -> str:
    begin, end = (re.escape(marker) for marker in markers)
    return re.sub(
        f"({begin}).*?({end})", lambda match: match[1] + content + match[2], text, count=1, flags=re.DOTALL
    )


def _write_if_changed(path: Path, text: str) -> list[Path]:
    if path.read_text(encoding="utf-8") == text:
        return []
    files.write_text(path, text)
    return [path]
