"""A drawn set as a reader might bring it: four dishes from a phone, with the disorder of a real folder.

`write` makes `labelled/<dish>/IMG_<number>.<ending>`, `new/` with pictures that nobody has labelled (some of
dishes that are none of the four), and `sample_submission.csv`. On purpose there are files that are broken,
copies, one of them under two dishes, second shots of the same dish, a class name in Chinese and pictures in
many modes; `planted` lists them. Used by `notebooks/17_your_own_images`.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.samples.dishes.tables import cut_table, draw_garnish, set_table, table_tiles
from course_utils.data.samples.drawing import Canvas, generator, number_to_draw
from course_utils.data.samples.food11 import DISHES, SIDES
from course_utils.data.samples.light import expose, fractal_noise, save

VERSION = 1  # goes up when what `write` makes changes
CLASSES = {"bread": "Bread", "noodles": "Noodles-Pasta", "salad & fruit": "Vegetable-Fruit", "汤": "Soup"}
CLASS_NAMES = tuple(CLASSES)
SHARES = (0.31, 0.24, 0.28, 0.17)
NUM_IMAGES = 220  # labelled ones that can be read, copies included
NUM_NEW = 16
STRANGERS = ("Dessert", "Egg")  # dishes in `new/` that are none of the four
SECOND_SHOTS = 0.12  # share of the pictures that show the dish of the one before
_WEB_PAGE = "<!DOCTYPE html>\n<html><head><title>404 Not Found</title></head><body></body></html>\n"


@dataclass(frozen=True)
class Planted:
    """A problem that was put in: `path` below `labelled/`, `kind` in a word or two, `detail` in words."""

    path: str
    kind: str
    detail: str


def write(
    target: Path, *, seed: int = 0, num_images: int | None = None, progress: bool = False
) -> list[Planted]:
    """Draw the set into `target`, which exists; give the problems that were put in.

    Equal seeds give equal pictures. `num_images` counts the labelled pictures that can be read (default 220).
    ValueError if they are fewer than 40. `progress` is there as in the other sets; the set is small.
    """
    total = number_to_draw(num_images, NUM_IMAGES, smallest=40)
    stuff = generator(seed, "own_pictures", "tables")
    tools = (table_tiles(stuff), fractal_noise(512, stuff, roughness=-0.6))
    files: dict[str, list[Path]] = {}
    for name, share in zip(CLASS_NAMES, SHARES, strict=True):
        folder = target / "labelled" / name
        folder.mkdir(parents=True)
        files[name] = _write_class(folder, name, round(share * total), seed, tools)
    _write_new(target, seed, tools)
    return _plant(target / "labelled", files)


def new_labels() -> dict[str, str]:
    """File name in `new/` to dish; "" for a dish that is none of the four."""
    kinds = [CLASS_NAMES[number % len(CLASS_NAMES)] for number in range(NUM_NEW - 4)] + [""] * 4
    return {f"new_{number:02d}.jpg": kind for number, kind in enumerate(kinds, start=1)}


def _write_class(folder: Path, name: str, count: int, seed: int, tools: tuple) -> list[Path]:
    """Write `count` pictures of a dish; a second shot is the one before, moved and lit a little otherwise."""
    paths, before = [], None
    for number in range(count):
        rng = generator(seed, "own_pictures", name, number)
        if before is not None and rng.random() < SECOND_SHOTS:
            image, before = _second_shot(before, rng), None
        else:
            image = before = _photograph(CLASSES[name], rng, tools)
        paths.append(folder / f"IMG_{1000 + 7 * number + len(name)}.jpg")
        save(image, paths[-1])
    return paths


def _photograph(dish: str, rng: np.random.Generator, tools: tuple) -> Image.Image:
    draw, odds = DISHES[dish]
    tiles, grain = tools
    canvas = Canvas(int(rng.choice(SIDES)), cut_table(tiles, rng))
    spot = set_table(canvas, rng, kind=str(rng.choice(("plate", "bowl", "board"), p=odds)))
    draw(canvas, rng, spot)
    draw_garnish(canvas, rng, spot)
    return expose(canvas.finish(), rng, grain, strength=1.2)


def _second_shot(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The dish again a moment later: a touch nearer, a touch brighter or darker."""
    cut = int(rng.integers(1, 3))
    gain = float(rng.choice((0.95, 1.05)))
    nearer = image.crop((cut, cut, image.width - cut, image.height - cut)).resize(image.size)
    return nearer.point(lambda value: min(255, round(value * gain)))


def _write_new(target: Path, seed: int, tools: tuple) -> None:
    (target / "new").mkdir()
    rows = ["photo,dish"]
    for number, (name, kind) in enumerate(new_labels().items()):
        dish = CLASSES[kind] if kind else STRANGERS[number % len(STRANGERS)]
        image = _photograph(dish, generator(seed, "own_pictures", "new", number), tools)
        save(image, target / "new" / name)
        rows.append(f"{Path(name).stem},{CLASS_NAMES[0]}")
    (target / "sample_submission.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def _plant(root: Path, files: dict[str, list[Path]]) -> list[Planted]:
    """Put the problems in; which files are hit does not depend on chance."""
    bread, noodles, salad, soup = (files[name] for name in CLASS_NAMES)
    planted = []

    def note(path: Path, kind: str, detail: str) -> None:
        planted.append(Planted(path.relative_to(root).as_posix(), kind, detail))

    cut_off = bread[0].with_name("IMG_9001.jpg")
    cut_off.write_bytes(bread[0].read_bytes()[: bread[0].stat().st_size * 6 // 10])
    note(cut_off, "broken", "cut off, as by a full memory card")
    page = noodles[0].with_name("IMG_9002.jpg")
    page.write_text(_WEB_PAGE, encoding="utf-8")
    note(page, "broken", "a web page under a picture's name")
    twice = bread[4].with_name(f"{bread[4].stem} (1).jpg")
    twice.write_bytes(bread[4].read_bytes())
    note(twice, "copy", f"the same bytes as {bread[4].name}")
    clash = soup[2].with_name("IMG_9003.jpg")
    clash.write_bytes(noodles[3].read_bytes())
    note(clash, "two labels", f"the same bytes as noodles/{noodles[3].name}")
    for path, mode in ((bread[6], "L"), (noodles[6], "CMYK"), (salad[6], "RGBA"), (soup[6], "P")):
        note(_stored_as(path, mode), "mode", f"stored as {mode}")
    heic = salad[0].with_name("IMG_9004.heic")
    heic.write_bytes(b"\x00\x00\x00\x18ftypheic" + bytes(40))
    note(heic, "unsupported", "a phone's own format, which the reader does not know")
    (root / ".DS_Store").write_bytes(b"\x00\x00\x00\x01Bud1")
    (root / CLASS_NAMES[0] / "Thumbs.db").write_bytes(b"\xd0\xcf\x11\xe0")
    return planted


def _stored_as(path: Path, mode: str) -> Path:
    """Store a picture in another mode; transparency and palettes need PNG. Gives its path."""
    with Image.open(path) as image:
        changed = image.convert(mode)
    if mode in ("L", "CMYK"):
        changed.save(path, quality=88)
        return path
    path.unlink()
    path = path.with_suffix(".png")
    changed.save(path)
    return path
