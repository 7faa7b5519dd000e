"""The book builds without a warning; every link leads somewhere; a reader's browser asks nobody else.

In a browser every page is looked at on a telephone and a screen, in light and dark; where none is installed,
these tests are skipped and say so.
"""

import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from browser import Browser
from headless_browser import chromium

from course_utils import runtime
from course_utils.notebooks.inspecting import declared_parameters

pytestmark = pytest.mark.slow
ROOT = runtime.project_root()
MOST_BYTES = 60 << 20
WIDTHS = (400, 1280)
SCHEMES = ("light", "dark")
NEEDED = (
    *(f"docs/{name}.html" for name in ("coverage", "glossary", "faults", "security", "teacher", "student")),
    *("RESULTS.html", "benchmarks.html", "CONTRIBUTING.html", "README.zh-CN.html", "search.html"),
)
LOOK = r"""(() => {
    const root = document.documentElement, images = [...document.images];
    return {
        too_wide: root.scrollWidth - root.clientWidth,
        dark: getComputedStyle(document.body).backgroundColor.match(/\d+/g).every(v => v < 100),
        without_alt: images.filter(image => !image.alt.trim()).map(image => image.outerHTML.slice(0, 100)),
        broken: images.filter(image => !image.complete || image.naturalWidth === 0).map(image => image.alt),
    };
})()"""
# Types words into the search, and waits until the page says how many pages were found.
SEARCH = """new Promise(done => {
    const look = () => {
        const links = document.querySelectorAll("#search-results li a");
        links.length ? done([...links].map(link => link.textContent)) : setTimeout(look, 50);
    };
    look();
    setTimeout(() => done([]), 20000);
})"""


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
    command = [sys.executable, ROOT / "docs" / "book" / "build.py", "--output", out]
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
    assert [page for page in NEEDED if not (book / page).is_file()] == []
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


def words_of(path):
    return " ".join(re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8")).split())


def test_every_notebook_says_how_to_run_it_and_leads_on(book, pages):
    measured = json.loads((ROOT / "notebooks" / "measured.json").read_text(encoding="utf-8"))
    names = sorted(path.stem for path in (book / "notebooks").glob("*.html"))
    for place, name in enumerate(names):
        path = book / "notebooks" / f"{name}.html"
        words = words_of(path)
        assert f"open notebooks/{name}.ipynb" in words and f"python -m course_utils run {name[:2]}" in words
        assert f"papermill notebooks/{name}.ipynb out.ipynb" in words
        for parameter in declared_parameters(ROOT / "notebooks" / f"{name}.ipynb").values():
            assert f"{parameter.name} {parameter.type_name}" in words
        if name in measured:
            assert f"{measured[name]['seconds'] / 60:.1f} minutes at the profile quick" in words
        links = pages[path].links
        (source,) = (link for link in links if link.endswith(f"{name}.source.ipynb.txt"))
        assert (path.parent / source).read_bytes() == (ROOT / "notebooks" / f"{name}.ipynb").read_bytes()
        neighbours = names[max(0, place - 1) : place] + names[place + 1 : place + 2]
        assert all(f"{neighbour}.html" in links for neighbour in neighbours)
        assert "course.results" not in path.read_text(encoding="utf-8"), "that is for the runner alone"


def test_formulas_need_no_script(book):
    page = (book / "notebooks" / "01_mean_std.html").read_text(encoding="utf-8")
    assert "<math" in page and not re.search(r"<script[^>]*mathjax", page, re.IGNORECASE)


def test_no_formula_is_left_as_text(book):
    for path in (book / "notebooks").glob("*.html"):
        text = re.sub(r"<(pre|code|script)\b.*?</\1>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert re.findall(r"\$\$|\\(?:frac|sum|qquad|mathbf|text)\b", text) == [], path.name


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if chromium() is None:
        pytest.skip("no Chromium is installed, so nothing was looked at in a browser")
    browser = Browser(tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


def test_every_page_fits_telephone_and_screen_in_light_and_dark(book, pages, browser):
    wrong = []
    for path in pages:
        browser.open(path)
        for width in WIDTHS:
            for scheme in SCHEMES:
                browser.show(width, scheme)
                wanted = {"too_wide": 0, "dark": scheme == "dark", "without_alt": [], "broken": []}
                if (seen := browser.evaluate(LOOK)) != wanted:
                    wrong.append((str(path.relative_to(book)), width, scheme, seen))
    assert wrong == []
    assert browser.complaints == []
    outside = [url for url in browser.requests if urlsplit(url).scheme not in ("file", "data", "blob")]
    assert len(browser.requests) > len(pages) and outside == []


def test_the_search_finds_a_term_and_a_function(book, browser):
    for words, page in (("momentum", "04."), ("stratified_split", "course_utils.data")):
        browser.open(book / "search.html", query=f"?q={words}")
        assert any(page in title for title in browser.evaluate(SEARCH)), words
    assert browser.complaints == []
