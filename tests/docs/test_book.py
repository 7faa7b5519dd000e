"""The book builds without a warning; every link leads somewhere; a reader's browser asks nobody else."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from course_utils import runtime

pytestmark = pytest.mark.slow
ROOT = runtime.project_root()
MOST_BYTES = 60 << 20


class Page(HTMLParser):
    """What a page refers to, and the places in it that can be referred to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()
        self.without_alt: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.anchors |= {found[name] for name in ("id", "name") if name in found}
        if tag == "a" and "href" in found:
            self.links.append(found["href"])
        elif tag == "link" and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loaded.append(found["href"])
        elif tag in ("script", "img", "iframe", "source") and "src" in found:
            self.loaded.append(found["src"])
        if tag == "img" and not found.get("alt", "").strip():
            self.without_alt.append(found.get("src", "")[:80])


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """The folder of the built pages."""
    pytest.importorskip("sphinx")
    out = tmp_path_factory.mktemp("book")
    command = [sys.executable, ROOT / "docs" / "book" / "build.py", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "html"


@pytest.fixture(scope="module")
def pages(book):
    return {path: Page(path) for path in sorted(book.rglob("*.html"))}


def test_every_notebook_and_part_of_the_library_has_a_page(book):
    notebooks = {path.stem for path in (ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")}
    assert {path.stem for path in (book / "notebooks").glob("*.html")} == notebooks
    parts = {path.stem for path in (ROOT / "course_utils").iterdir() if not path.name.startswith("__")}
    assert {path.stem for path in (book / "reference").glob("*.html")} == parts
    assert sum(path.stat().st_size for path in book.rglob("*") if path.is_file()) < MOST_BYTES


def test_links_and_anchors_inside_lead_somewhere(book, pages):
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.is_file():
                broken.append(f"{path.relative_to(book)}: {link}")
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].anchors:
                broken.append(f"{path.relative_to(book)}: {link} (no such place)")
    assert broken == []


def test_nothing_is_loaded_from_elsewhere_and_every_picture_has_a_text(pages):
    assert [link for page in pages.values() for link in page.loaded if urlsplit(link).netloc] == []
    assert [src for page in pages.values() for src in page.without_alt] == []


def test_a_notebook_says_how_to_run_it(book):
    page = (book / "notebooks" / "01_mean_std.html").read_text(encoding="utf-8")
    text = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "python -m course_utils run 01" in text and "papermill notebooks/01_mean_std.ipynb" in text
    assert "<math" in page and not re.search(r"<script[^>]*mathjax", page, re.IGNORECASE)
