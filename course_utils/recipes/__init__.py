"""Recipes: one file that says which pictures, which network and how to train, and what it takes to run it.

`Recipe.load("recipes/digits_mobilenetv3_small.toml")` reads and checks one, `train` runs it, `resume` goes on
with a stopped run, `open_run` gives the trained network back from its folder alone. The command line's
`train`, `resume`, `evaluate` and `predict` are thin covers of these. Names are imported when they are used:
reading a recipe costs no torch.

What may be changed: a setting is a field more in `sections` (or in `training.config`), with a default that
changes nothing for recipes which do not name it. Others rely on: the keys, which stand in recipe files and in
the folders of runs, and the names of the files in such a folder (`stored`, `reporting`).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from course_utils.recipes.opening import OpenedRun, open_run
    from course_utils.recipes.recipe import Recipe, find_recipe, parse_overrides
    from course_utils.recipes.running import TrainedRun, resume, train
    from course_utils.recipes.sections import DataConfig, ModelConfig

__all__ = [
    "DataConfig",
    "ModelConfig",
    "OpenedRun",
    "Recipe",
    "TrainedRun",
    "find_recipe",
    "open_run",
    "parse_overrides",
    "resume",
    "train",
]
_HOMES = {
    "opening": ("OpenedRun", "open_run"),
    "recipe": ("Recipe", "find_recipe", "parse_overrides"),
    "running": ("TrainedRun", "resume", "train"),
    "sections": ("DataConfig", "ModelConfig"),
}


def __getattr__(name: str) -> Any:
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"course_utils.recipes.{home}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
