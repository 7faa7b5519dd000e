"""The glossary: every way of writing a gloss is found, one term has one gloss, the page is up to date."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_utils import runtime
from course_utils.notebooks import find_notebooks, write_glossary
from course_utils.notebooks.glossary import collect_terms, glossary_page


def notebook(path, *texts):
    path.parent.mkdir(exist_ok=True)
    nb = new_notebook(cells=[new_markdown_cell(text) for text in texts])
    nb.cells.append(new_code_cell("x = 2 *3* 4  # *not a term* (不是术语)"))
    nbformat.write(nb, path)
    return path


@pytest.fixture
def two(tmp_path):
    first = notebook(
        tmp_path / "n" / "01_mean_std.ipynb",
        "# Why?\n\nThe *mean* (均值) of **all\npixels** (所有\n像素).\n\n## 2. Spread\n\n(*variance*, 方差)",
        "*Gradient descent* (梯度下降, arXiv 1412.6980) and *AdaGrad* (AdaGrad 自适应).\n\n### 2.1 More\n",
        "Plain *stress*, (no gloss), 中文 and *means* (均值).",
    )
    return [
        first,
        notebook(tmp_path / "n" / "02_x.ipynb", "## 1. Again\n\nThe *Mean* (均值), a *loss* (损失)."),
    ]


def test_terms_are_found_with_gloss_and_the_place_of_first_use(two):
    found = [(t.english, t.chinese, t.notebook.name[:2], t.section) for t in collect_terms(two)]
    assert found == [
        ("AdaGrad", "AdaGrad 自适应", "01", "2. Spread"),
        ("all pixels", "所有像素", "01", ""),
        ("gradient descent", "梯度下降", "01", "2. Spread"),
        ("loss", "损失", "02", "1. Again"),
        ("mean", "均值", "01", ""),
        ("variance", "方差", "01", "2. Spread"),
    ]


def test_two_glosses_of_one_term_are_refused_with_both_places(two, tmp_path):
    other = notebook(tmp_path / "n" / "03_y.ipynb", "## 4. Late\n\nThe *loss* (损失函数).")
    with pytest.raises(
        ValueError, match=r"'loss' is 损失 in 02_x.*\(1. Again\), but 损失函数 in 03_y.*\(4. Late\)"
    ):
        collect_terms([*two, other])


def test_the_page_links_each_term_and_is_written_only_when_it_changes(two, tmp_path):
    page = tmp_path / "docs" / "glossary.md"
    assert write_glossary(tmp_path / "n", page) == [page]
    rows = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("| ")][1:]
    assert rows[1] == "| all pixels | 所有像素 | [01 Mean std](../n/01_mean_std.ipynb) |"
    assert rows[3] == "| loss | 损失 | [02 X](../n/02_x.ipynb), 1. Again |"
    assert write_glossary(tmp_path / "n", page) == []


def test_the_course_has_a_glossary_and_it_is_up_to_date():
    page = runtime.project_root() / "docs" / "glossary.md"
    terms = collect_terms(find_notebooks())
    assert len(terms) > 100
    assert page.read_text(encoding="utf-8") == glossary_page(terms, link_root="../notebooks"), (
        "run `python -m course_utils notebooks nav`"
    )
