"""A drawn stand-in for Food-11 (NTU ML homework 3): its folders, file names and imbalance, no photograph.

`write` makes `training/` and `validation/` with files named `<label>_<number>.jpg`, `testing/` with files
`0000.jpg`, `0001.jpg` ... without a label, and `sample_submission.csv` (`Id,Category`). The labels of
`testing/` are not written down anywhere; `test_labels` works them out again for a score. Used by track B of
the course.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.parallel import each_in_processes
from course_utils.data.samples.dishes.baked import draw_bread, draw_dessert
from course_utils.data.samples.dishes.dairy import draw_dairy, draw_egg
from course_utils.data.samples.dishes.fresh import draw_seafood, draw_vegetable_fruit
from course_utils.data.samples.dishes.grilled import draw_fried_food, draw_meat
from course_utils.data.samples.dishes.plain import draw_noodles, draw_rice, draw_soup
from course_utils.data.samples.dishes.spot import Spot
from course_utils.data.samples.dishes.tables import (
    cut_table,
    draw_garnish,
    set_table,
    table_tiles,
)
from course_utils.data.samples.drawing import Canvas, class_counts, generator, number_to_draw
from course_utils.data.samples.light import expose, fractal_noise, save

VERSION = 1  # goes up when the bytes that `write` makes change
# What draws each class and the share of its pictures on a plate, in a bowl, on a board.
Dish = Callable[[Canvas, np.random.Generator, Spot], None]
DISHES: dict[str, tuple[Dish, tuple[float, float, float]]] = {
    "Bread": (draw_bread, (0.45, 0.15, 0.4)),
    "Dairy product": (draw_dairy, (0.4, 0.3, 0.3)),
    "Dessert": (draw_dessert, (0.7, 0.0, 0.3)),
    "Egg": (draw_egg, (0.55, 0.25, 0.2)),
    "Fried food": (draw_fried_food, (0.5, 0.25, 0.25)),
    "Meat": (draw_meat, (0.6, 0.0, 0.4)),
    "Noodles-Pasta": (draw_noodles, (0.5, 0.5, 0.0)),
    "Rice": (draw_rice, (0.45, 0.55, 0.0)),
    "Seafood": (draw_seafood, (0.5, 0.25, 0.25)),
    "Soup": (draw_soup, (0.15, 0.85, 0.0)),
    "Vegetable-Fruit": (draw_vegetable_fruit, (0.5, 0.3, 0.2)),
}
CLASS_NAMES = tuple(DISHES)
REAL_COUNTS = {
    "training": (994, 429, 1500, 986, 848, 1325, 440, 280, 855, 1500, 709),
    "validation": (362, 144, 500, 327, 326, 449, 147, 96, 347, 500, 232),
    "testing": (368, 148, 500, 335, 287, 432, 147, 96, 303, 500, 231),
}
NUM_IMAGES = {"training": 1400, "validation": 350, "testing": 350}
SIDES = (72, 80, 88, 96, 110)


@dataclass(frozen=True)
class Picture:
    """One file to write."""

    split: str
    label: int
    number: int  # counts within the class; with split and label it seeds the drawing
    file_name: str


def write(
    target: Path,
    *,
    seed: int = 0,
    num_images: int | None = None,
    progress: bool = False,
    num_workers: int | None = None,
) -> None:
    """Draw the set into `target`, which exists; equal seeds give equal bytes (same Pillow and NumPy),
    however many processes (`num_workers`, None: one per core) draw.

    `num_images` counts the pictures of all three folders (default 2,100). Raises ValueError if that is too
    few for one picture of each class in each of them.
    """
    pictures = _plan(seed, num_images)
    stuff = generator(seed, "food11", "tables")
    tiles = table_tiles(stuff)
    grain = fractal_noise(512, stuff, roughness=-0.6)
    for split in NUM_IMAGES:
        (target / split).mkdir(exist_ok=True)

    def draw(picture: Picture) -> None:
        rng = generator(seed, "food11", picture.split, picture.label, picture.number)
        image = _draw(CLASS_NAMES[picture.label], rng, tiles, grain)
        save(image, target / picture.split / picture.file_name)

    each_in_processes(
        draw, pictures, num_workers=num_workers, progress=progress, description="drawing food11"
    )
    names = sorted(picture.file_name for picture in pictures if picture.split == "testing")
    rows = ["Id,Category", *(f"{Path(name).stem},0" for name in names)]
    (target / "sample_submission.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_labels(seed: int = 0, *, num_images: int | None = None) -> dict[str, int]:
    """Id (file name without extension) to label for the pictures in `testing/`, in the order of the ids."""
    pictures = (picture for picture in _plan(seed, num_images) if picture.split == "testing")
    return {Path(picture.file_name).stem: picture.label for picture in pictures}


def _plan(seed: int, num_images: int | None) -> list[Picture]:
    """Every picture of the set; those of `testing/` are in random order of class, ids counted from 0."""
    whole = sum(NUM_IMAGES.values())
    total = number_to_draw(num_images, whole, smallest=3 * len(CLASS_NAMES))
    held_back = {
        split: max(len(CLASS_NAMES), round(total * NUM_IMAGES[split] / whole))
        for split in ("validation", "testing")
    }
    sizes = {"training": total - sum(held_back.values()), **held_back}
    pictures: list[Picture] = []
    for split, size in sizes.items():
        counts = class_counts(size, REAL_COUNTS[split])
        labels = [(label, number) for label, count in enumerate(counts) for number in range(count)]
        if split == "testing":
            order = generator(seed, "food11", "order").permutation(len(labels))
            shuffled = [labels[position] for position in order]
            pictures += [
                Picture(split, label, number, f"{row:04d}.jpg")
                for row, (label, number) in enumerate(shuffled)
            ]
        else:
            pictures += [Picture(split, label, number, f"{label}_{number}.jpg") for label, number in labels]
    return pictures


def _draw(name: str, rng: np.random.Generator, tiles: list[Image.Image], grain: np.ndarray) -> Image.Image:
    """One dish on a table, photographed from above."""
    dish, odds = DISHES[name]
    side = int(rng.choice(SIDES))
    canvas = Canvas(side, cut_table(tiles, rng))
    spot = set_table(canvas, rng, kind=str(rng.choice(("plate", "bowl", "board"), p=odds)))
    dish(canvas, rng, spot)
    draw_garnish(canvas, rng, spot)
    return expose(canvas.finish(), rng, grain, strength=1.2)
