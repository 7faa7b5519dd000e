"""A drawn stand-in for Kaggle's Plant Seedlings Classification: its names and faults, no photograph.

`write` makes `train/<class>/<nine hex digits>.png`, `test/<nine hex digits>.png` and `sample_submission.csv`
(`file,species`). As in the real set the pictures have many sizes, the classes are as uneven, some pictures
come twice, byte for byte or slightly changed, and two of the grasses are easily confused. The labels of
`test/` are not written down anywhere; `test_labels` works them out again for a score. Used by track A of the
course (notebooks on statistics, splits, duplicates, RDNet).
"""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.parallel import each_in_processes
from course_utils.data.samples.drawing import Canvas, class_counts, generator, number_to_draw
from course_utils.data.samples.light import expose, fractal_noise, save
from course_utils.data.samples.plants.leaves import Plant, tapered
from course_utils.data.samples.plants.soil import cut_soil, draw_tray_edge, soil_tiles
from course_utils.data.samples.plants.species import SPECIES

VERSION = 1  # goes up when the bytes that `write` makes change
CLASS_NAMES = tuple(SPECIES)
REAL_COUNTS = (263, 390, 287, 611, 221, 475, 654, 221, 516, 231, 496, 385)
NUM_IMAGES = 1300  # 1,150 with a label and 150 without
TEST_PART = 150 / 1300
SMALLEST_SET = 40
SMALLEST, LARGEST = 50, 300  # pixels a side


@dataclass(frozen=True)
class Picture:
    """One file to write. `key` seeds the drawing; `copy` says whether it repeats another picture."""

    split: str
    species: str
    key: str
    file_name: str
    copy: str = ""  # "", "exact" or "near"

    @property
    def path(self) -> str:
        """Path inside the data set, with forward slashes."""
        folder = f"train/{self.species}" if self.split == "train" else "test"
        return f"{folder}/{self.file_name}"


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

    `num_images` counts all pictures, with and without a label (default 1,300). Raises ValueError if that is
    too few for one labelled picture of each class.
    """
    pictures = _plan(seed, num_images)
    stuff = generator(seed, "seedlings", "soil")
    tiles = soil_tiles(stuff)
    grain = fractal_noise(512, stuff, roughness=-0.6)
    for species in CLASS_NAMES:
        (target / "train" / species).mkdir(parents=True, exist_ok=True)
    (target / "test").mkdir(exist_ok=True)

    def draw(picture: Picture) -> None:
        image = _draw(picture, generator(seed, "seedlings", picture.key), tiles, grain)
        if picture.copy == "near":
            image = _slightly_changed(image, generator(seed, "seedlings", picture.file_name))
        save(image, target / picture.path)

    each_in_processes(
        draw, pictures, num_workers=num_workers, progress=progress, description="drawing seedlings"
    )
    names = sorted(picture.file_name for picture in pictures if picture.split == "test")
    rows = ["file,species", *(f"{name},{CLASS_NAMES[0]}" for name in names)]
    (target / "sample_submission.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def test_labels(seed: int = 0, *, num_images: int | None = None) -> dict[str, str]:
    """File name to species for the pictures in `test/`, by file name: the answers that the set keeps back."""
    pictures = (picture for picture in _plan(seed, num_images) if picture.split == "test")
    return {picture.file_name: picture.species for picture in sorted(pictures, key=lambda p: p.file_name)}


def planted_copies(seed: int = 0, *, num_images: int | None = None) -> list[tuple[str, str, str]]:
    """(path, path of the picture it repeats, "exact" or "near") of every duplicate put in on purpose."""
    pictures = _plan(seed, num_images)
    originals = {picture.key: picture.path for picture in pictures if not picture.copy}
    return [(picture.path, originals[picture.key], picture.copy) for picture in pictures if picture.copy]


def _plan(seed: int, num_images: int | None) -> list[Picture]:
    """Every picture of the set; about 2 % of the labelled and 4 % of the unlabelled repeat a labelled one."""
    total = number_to_draw(num_images, NUM_IMAGES, smallest=SMALLEST_SET)
    num_test = round(total * TEST_PART)
    rng = generator(seed, "seedlings", "plan")
    labelled = _with_copies(_labelled(seed, total - num_test), rng)
    originals = [picture for picture in labelled if not picture.copy]
    odds = np.asarray(REAL_COUNTS) / sum(REAL_COUNTS)
    unlabelled = []
    for number in range(num_test):
        key = f"test/{number}"
        if number % 25 == 3:
            old = originals[rng.integers(len(originals))]
            unlabelled.append(Picture("test", old.species, old.key, _file_name(seed, key), "near"))
        else:
            species = CLASS_NAMES[rng.choice(len(CLASS_NAMES), p=odds)]
            unlabelled.append(Picture("test", species, key, _file_name(seed, key)))
    return labelled + unlabelled


def _labelled(seed: int, total: int) -> list[Picture]:
    """The pictures of `train/` before any of them is made a copy."""
    return [
        Picture("train", species, key, _file_name(seed, key))
        for species, count in zip(CLASS_NAMES, class_counts(total, REAL_COUNTS), strict=True)
        for key in (f"train/{species}/{number}" for number in range(count))
    ]


def _with_copies(pictures: list[Picture], rng: np.random.Generator) -> list[Picture]:
    """Make about 2 % of the pictures, at least two, repeat another one of their class, by turns byte for byte
    and slightly changed."""
    chosen = rng.permutation(len(pictures))[: max(2, round(0.02 * len(pictures)))].tolist()
    kept = [picture for position, picture in enumerate(pictures) if position not in chosen]
    changed = list(pictures)
    for order, position in enumerate(chosen):
        old = pictures[position]
        twins = [picture for picture in kept if picture.species == old.species]
        if twins:
            key, copy = twins[rng.integers(len(twins))].key, ("exact", "near")[order % 2]
            changed[position] = Picture("train", old.species, key, old.file_name, copy)
    return changed


def _file_name(seed: int, key: str) -> str:
    """Nine hex digits and .png, as in the real set."""
    return blake2b(f"{seed}/{key}".encode(), digest_size=8).hexdigest()[:9] + ".png"


def _draw(
    picture: Picture, rng: np.random.Generator, tiles: list[Image.Image], grain: np.ndarray
) -> Image.Image:
    """One seedling on gravel, photographed."""
    side = int(np.clip(np.exp(rng.normal(np.log(80), 0.42)), SMALLEST, LARGEST))
    canvas = Canvas(side, cut_soil(tiles, rng), oversample=3 if side < 64 else 2)
    if rng.random() < 0.18:
        draw_tray_edge(canvas, rng)
    if rng.random() < 0.15:
        _draw_stray_leaf(canvas, rng)
    plant = Plant.at_random(rng)
    SPECIES[picture.species](plant, rng.uniform(0, 1))
    plant.paint(canvas)
    image = canvas.finish()
    if rng.random() < 0.1:  # the real set holds a few pictures that are not quite square
        image = image.crop((0, 0, side, side - int(rng.integers(1, 1 + side // 12))))
    return expose(image, rng, grain)


def _draw_stray_leaf(canvas: Canvas, rng: np.random.Generator) -> None:
    """A leaf of a neighbour that reaches in from the edge."""
    stray = Plant.at_random(rng)
    angle = rng.uniform(0, 2 * np.pi)
    stray.centre = 0.5 + 0.72 * np.array([np.cos(angle), np.sin(angle)])
    stray.leaf(tapered(rng.uniform(0.1, 0.3)), np.zeros(2), rng.uniform(0, 6.3), rng.uniform(0.4, 0.7))
    stray.paint(canvas)


def _slightly_changed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The same photograph saved again: a few per cent smaller or larger, a touch brighter or darker."""
    factor = rng.choice((0.9, 0.95, 1.06, 1.12))
    size = (max(SMALLEST, round(image.width * factor)), max(SMALLEST, round(image.height * factor)))
    gain = rng.choice((0.94, 0.97, 1.03, 1.06))
    return image.resize(size, Image.Resampling.BILINEAR).point(lambda value: min(255, round(value * gain)))
