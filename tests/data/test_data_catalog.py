"""The catalog agrees with itself and with what is published."""

import re

import pytest

from course_utils import runtime
from course_utils.data import sources
from course_utils.data.catalog import CATALOG, get
from course_utils.data.layouts import read_layout


@pytest.mark.parametrize("name", CATALOG)
def test_every_entry_is_complete(name: str) -> None:
    info = get(name)
    assert info.name == name and info.num_classes == len(info.class_names) == len(info.class_names_zh)
    assert len(set(info.class_names)) == len(set(info.class_names_zh)) == info.num_classes
    assert all(re.search(r"[\u4e00-\u9fff]", gloss) for gloss in info.class_names_zh)
    for text in (info.title, info.counts_from, info.image_sizes, info.naming, info.tree, info.licence,
                 info.source, info.sample):  # fmt: skip
        assert text
    assert info.kaggle_kind in ("dataset", "competition")
    if info.class_counts:
        assert tuple(info.class_counts) == info.class_names
        assert sum(info.class_counts.values()) == info.counts["train"]


def test_published_numbers() -> None:
    published = {
        "digits": (70_000, 10),
        "seedlings": (4750 + 794, 12),
        "food11": (16_643, 11),
        "satellite": (5631, 4),
    }
    found = {name: (sum(get(name).counts.values()), get(name).num_classes) for name in published}
    assert found == published
    assert get("satellite").class_names == ("cloudy", "desert", "green_area", "water")
    assert get("food11").class_names[3] == "Egg"  # as in 3_127.jpg


@pytest.mark.parametrize(
    ("name", "near"), [("seedling", "seedlings"), ("food-11", "food11"), ("digit", "digits")]
)
def test_an_unknown_name_gives_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"there is no data set '{name}'. Did you mean '{near}'"):
        get(name)


def test_a_name_like_no_other_lists_all() -> None:
    with pytest.raises(ValueError, match=f"Known are {', '.join(CATALOG)}"):
        get("xyzzy")


@pytest.mark.slow
@pytest.mark.parametrize("name", CATALOG)
def test_the_sample_is_what_the_entry_says(name: str) -> None:
    folder = sources.prepare(name)  # into the tests' data folder, once for all
    layout = read_layout(folder)
    assert layout.class_names == get(name).class_names
    assert {record.label for record in layout.records} - {None} == set(get(name).class_names)
    assert sources.check(name).ok


@pytest.mark.parametrize("name", CATALOG)
def test_the_page_for_readers_has_it(name: str) -> None:
    page = (runtime.project_root() / "data" / "README.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{name}` |"))
    assert row.split("|")[3].strip() == str(get(name).num_classes)
    assert f"\n## {name}\n" in page
