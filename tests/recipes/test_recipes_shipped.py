"""Every recipe that comes with the course: it loads, builds its network, and says what it is for."""

from pathlib import Path

import pytest
import torch

from course_utils.data import catalog
from course_utils.recipes import Recipe
from course_utils.recipes.building import build

FOLDER = Path(__file__).resolve().parents[2] / "recipes"
PATHS = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_it_loads_and_its_network_takes_its_pictures(path):
    recipe = Recipe.load(path)
    assert recipe.name == path.stem and recipe.description
    info = catalog.CATALOG.get(recipe.data.name)
    num_classes = info.num_classes if info else 2
    channels, side = 1 if recipe.data.mode == "L" else 3, recipe.data.image_size
    with torch.device("meta"):  # shapes alone, no arithmetic
        model = build(recipe, num_classes=num_classes, pretrained=False).eval()
        logits = model(torch.zeros(2, channels, side, side))
    assert logits.shape == (2, num_classes)


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_its_head_gives_the_command_to_run_it(path):
    head = [
        line for line in path.read_text(encoding="utf-8").split("\n\n")[0].splitlines() if line[:1] == "#"
    ]
    assert any(f"train recipes/{path.name}" in line for line in head)


def test_the_four_tracks_have_their_recipes():
    tracks = {"digits", "food11", "seedlings", "satellite"}
    names = {path.stem for path in PATHS}
    for track in tracks:
        own = {name for name in names if name.startswith(track)}
        assert any(name.endswith("_tutorial") for name in own) and len(own) >= 3
