"""The glossary page, built from the notebooks: each key term with its Chinese gloss, where it is explained.

Notebooks give the gloss at a term's first use, as `*weight decay* (权重衰减)`. Collecting these keeps page
and course in step; a term glossed twice in different words is an error, since readers would take it for two.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_utils import files, runtime
from course_utils.notebooks.finding import find_notebooks
from course_utils.notebooks.navigation import display_name

_HAN = "\u4e00-\u9fff"
_TERM = r"\*{1,2}(?P<term>[^*]{2,60}?)\*{1,2}"
_GLOSSED = (
    re.compile(_TERM + rf"\s+\((?P<gloss>[^()]*[{_HAN}][^()]*)\)"),  # *term* (gloss)
    re.compile(r"\(" + _TERM + rf",?\s+(?P<gloss>[^()]*?[{_HAN}][^()]*)\)"),  # (*term*, gloss)
)
_CHINESE = re.compile(rf"(?:[A-Za-z0-9]+ )?[{_HAN}][{_HAN}\s、]*")
_HEADING = re.compile(r"^#{2,3} +(.+?) *$", re.MULTILINE)


@dataclass(frozen=True)
class Term:
    """A key term: English, Chinese, and the notebook and section of its first use."""

    english: str
    chinese: str
    notebook: Path
    section: str


def collect_terms(notebooks: Iterable[Path]) -> list[Term]:
    """Give each term of the notebooks once, at its first use, sorted by the alphabet; plurals are left out.

    Raises ValueError, naming both places, when a term has two different glosses.
    """
    found: dict[str, Term] = {}
    for path in notebooks:
        for term in _terms_of(path):
            key = term.english.casefold()
            first = found.setdefault(key, term)
            if first.chinese != term.chinese:
                raise ValueError(
                    f"{term.english!r} is {first.chinese} in {first.notebook.name} ({first.section}), but "
                    f"{term.chinese} in {path.name} ({term.section}); use one gloss"
                )
    singular = {key: term for key, term in found.items() if not (key.endswith("s") and key[:-1] in found)}
    return [singular[key] for key in sorted(singular)]


def glossary_page(terms: Iterable[Term], *, link_root: str) -> str:
    """Give the page in Markdown; `link_root` leads from the page to the notebooks' folder."""
    lines = [
        "# Glossary",
        "",
        "Key terms (术语表) in English and Chinese, and where the course explains them. Made from the",
        "notebooks by `python -m course_utils notebooks nav`; change the notebooks, not this page.",
        "",
        "| term | 中文 | explained in |",
        "|---|---|---|",
    ]
    for term in terms:
        place = f"[{display_name(term.notebook)}]({link_root}/{term.notebook.name})"
        place += f", {term.section}" if term.section else ""
        lines.append(f"| {term.english} | {term.chinese} | {place.replace('|', '/')} |")
    return "\n".join(lines) + "\n"


def write_glossary(folder: str | Path | None = None, page: str | Path | None = None) -> list[Path]:
    """Write the page, docs/glossary.md, if it changed; give the files that changed."""
    page = runtime.project_root() / "docs" / "glossary.md" if page is None else Path(page)
    paths = find_notebooks(folder=folder)
    text = glossary_page(collect_terms(paths), link_root=f"../{paths[0].parent.name}")
    if page.exists() and page.read_text(encoding="utf-8") == text:
        return []
    page.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(page, text)
    return [page]


def _terms_of(path: Path) -> list[Term]:
    section, terms = "", []
    for cell in nbformat.read(path, as_version=4).cells:
        if cell.cell_type != "markdown":
            continue
        headings = [(match.start(), match[1]) for match in _HEADING.finditer(cell.source)]
        matches = [match for pattern in _GLOSSED for match in pattern.finditer(cell.source)]
        for match in sorted(matches, key=lambda match: match.start()):
            before = [title for start, title in headings if start < match.start()]
            chinese = _CHINESE.search(match["gloss"])
            assert chinese is not None, "the pattern asks for at least one sign"
            english = " ".join(match["term"].split())
            terms.append(
                Term(
                    _decapitalised(english),
                    "".join(chinese[0].split("\n")).strip(),
                    path,
                    (before or [section])[-1],
                )
            )
        section = headings[-1][1] if headings else section
    return terms


def _decapitalised(term: str) -> str:
    """Write "Gradient descent" small, and leave "AdaGrad", "ECE" and "Grad-CAM" as they are."""
    first, _, rest = term.partition(" ")
    plain = first[:1].isupper() and first[1:].islower() and rest == rest.lower() and bool(rest)
    return first.lower() + " " + rest if plain else term
