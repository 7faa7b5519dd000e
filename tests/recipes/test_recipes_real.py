"""The recipes on real photographs, where `COURSE_REAL_DATA` is set: the splits they would train on."""

from collections import Counter
from pathlib import Path

import pytest

from course_utils import runtime
from course_utils.recipes import Recipe
from course_utils.recipes.plan import make_plan

RECIPES = Path(__file__).resolve().parents[2] / "recipes"
REAL = runtime.real_data_dir()
pytestmark = pytest.mark.skipif(REAL is None, reason="COURSE_REAL_DATA is not set: no real images here")


def plan_of(name, folder, **overrides):
    recipe = Recipe.load(RECIPES / f"{name}.toml", overrides)
    assert REAL is not None
    return make_plan(recipe.with_data(REAL / folder).data)


def test_a_fifth_of_the_seedlings_is_held_out_class_by_class():
    plan = plan_of("seedlings_efficientnet_lite0", "seedlings_150px")
    counts = plan.manifest.counts()
    assert plan.manifest.splits == ("train", "test") and len(plan.manifest.class_names) == 12
    for name in plan.manifest.class_names:
        total = counts["train"][name] + counts["test"][name]
        assert abs(counts["test"][name] - 0.2 * total) < 2


def test_every_ant_and_bee_is_tested_once():
    tested = Counter()
    for fold in range(5):
        plan = plan_of("hymenoptera_efficientnet_lite0", "hymenoptera", **{"data.fold": fold})
        assert plan.manifest.splits == ("train", "test")
        tested.update(row.path for row in plan.manifest.of("test"))
    assert len(tested) == len(plan.manifest.rows) and set(tested.values()) == {1}


def test_food_keeps_its_validation_part_and_gives_a_tenth_to_the_test():
    plan = plan_of("food11_cnn", "food11_64px")
    assert {row.path.split("/")[0] for row in plan.manifest.of("val")} == {"validation"}
    held = plan.num_images("test") / (plan.num_images("test") + plan.num_images("train"))
    assert abs(held - 0.1) < 0.005 and len(plan.manifest.class_names) == 11


def test_other_scenes_than_the_sets_own_need_a_name():
    with pytest.raises(ValueError, match=r"data\.name=my_set"):
        plan_of("satellite_resnet34", "satellite_rsscn7")
    plan = plan_of("satellite_resnet34", "satellite_rsscn7", **{"data.name": "scenes"})
    assert len(plan.manifest.class_names) == 7
