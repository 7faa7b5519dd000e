"""The catalog agrees with itself and with what is published."""

import re

import pytest

from course_utils.data.catalog import CATALOG, get


@pytest.mark.parametrize("name", CATALOG)
def test_every_entry_is_complete(name: str) -> None:
    info = get(name)
    assert info.name == name and info.num_classes == len(info.class_names) == len(info.class_names_zh)
    assert len(set(info.class_names)) == len(set(info.class_names_zh)) == info.num_classes
    assert all(re.search(r"[\u4e00-\u9fff]", gloss) for gloss in info.class_names_zh)
    for text in (info.title, info.counts_from, info.image_sizes, info.naming, info.tree, info.licence,
                 info.source, info.sample, info.kaggle):  # fmt: skip
        assert text
    assert info.kaggle_kind in ("dataset", "competition")
    assert info.glosses[info.class_names[0]] == info.class_names_zh[0]
    if info.class_counts:
        assert tuple(info.class_counts) == info.class_names
        assert sum(info.class_counts.values()) == info.counts["train"]


def test_published_numbers() -> None:
    totals = {name: sum(info.counts.values()) for name, info in CATALOG.items()}
    assert totals == {"digits": 70_000, "seedlings": 4750 + 794, "food11": 16_643, "satellite": 5631}
    assert [get(name).num_classes for name in CATALOG] == [10, 12, 11, 4]
    assert get("satellite").class_names == ("cloudy", "desert", "green_area", "water")
    assert get("food11").class_names[3] == "Egg"  # as in 3_127.jpg


@pytest.mark.parametrize(
    ("name", "near"), [("seedling", "seedlings"), ("food-11", "food11"), ("digit", "digits")]
)
def test_an_unknown_name_gives_the_nearest(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"There is no data set '{name}'. Did you mean '{near}'"):
        get(name)


def test_a_name_like_no_other_lists_all() -> None:
    with pytest.raises(ValueError, match="Known are digits, seedlings, food11, satellite"):
        get("xyzzy")
