"""A drawn stand-in for the satellite set of track D: clouds, deserts, green areas and water from above.

`write` makes one folder per class with the real set's file names. As in the real set `cloudy` and `desert`
are 256 pixels a side and `green_area` and `water` 64, so that the size alone gives half of the answer away:
the audit of the course finds that. Colours overlap on purpose (thin cloud over sand, pale sand, green water,
dry woods); the texture tells the classes apart.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.parallel import each_in_processes
from course_utils.data.samples.drawing import class_counts, generator, number_to_draw
from course_utils.data.samples.light import develop, fractal_noise, save, white_balance, window

VERSION = 1  # goes up when the bytes that `write` makes change
CLASS_NAMES = ("cloudy", "desert", "green_area", "water")
REAL_COUNTS = (1500, 1131, 1500, 1500)
SIDES = {"cloudy": 256, "desert": 256, "green_area": 64, "water": 64}
FILE_NAMES = {
    "cloudy": "train_{}.jpg",
    "desert": "desert({}).jpg",
    "green_area": "Forest_{}.jpg",
    "water": "SeaLake_{}.jpg",
}
NUM_IMAGES = 800
TILE_SIDE = 768

# What lies on the ground, as seen from above; every class may be seen over or in several of these colours.
SAND = ((206, 180, 140), (176, 140, 106), (150, 142, 134), (212, 200, 178), (112, 102, 92), (122, 120, 98))
GREEN = ((66, 98, 62), (92, 116, 74), (122, 126, 88), (64, 92, 88), (150, 140, 102), (134, 122, 100))
WATER = ((54, 92, 116), (66, 106, 100), (84, 116, 90), (112, 134, 136), (146, 144, 122), (134, 124, 104))


@dataclass(frozen=True)
class Fields:
    """Noise fields (periodic, mean 0, standard deviation 1) that all pictures are cut from."""

    smooth: np.ndarray
    billows: np.ndarray
    broken: np.ndarray
    fine: np.ndarray
    cells: np.ndarray

    @classmethod
    def at_random(cls, rng: np.random.Generator) -> "Fields":
        """New fields of `TILE_SIDE` pixels a side."""
        smooth = fractal_noise(TILE_SIDE, rng, roughness=2.0, low=3)
        broken = fractal_noise(TILE_SIDE, rng, roughness=0.75, low=3)
        return cls(
            smooth=smooth,
            billows=0.7 * smooth + 0.6 * fractal_noise(TILE_SIDE, rng, roughness=1.0, low=6),
            broken=broken,
            fine=fractal_noise(TILE_SIDE, rng, roughness=-0.7),
            cells=_cells(TILE_SIDE, 5850, rng),
        )


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

    `num_images` counts the pictures of all classes (default 800). Raises ValueError if it is below four.
    """
    counts = class_counts(number_to_draw(num_images, NUM_IMAGES, smallest=len(CLASS_NAMES)), REAL_COUNTS)
    fields = Fields.at_random(generator(seed, "satellite", "fields"))
    pictures = [
        (name, number)
        for name, count in zip(CLASS_NAMES, counts, strict=True)
        for number in range(1, count + 1)
    ]
    for name in CLASS_NAMES:
        (target / name).mkdir(exist_ok=True)

    def draw(picture: tuple[str, int]) -> None:
        name, number = picture
        rng = generator(seed, "satellite", name, number)
        pixels = SCENES[name](rng, fields, SIDES[name])
        path = target / name / FILE_NAMES[name].format(number)
        save(_photograph(pixels, rng, fields), path, quality=90)

    each_in_processes(
        draw, pictures, num_workers=num_workers, progress=progress, description="drawing satellite"
    )


def draw_cloudy(rng: np.random.Generator, fields: Fields, side: int) -> np.ndarray:
    """Clouds with soft edges and shadows over sand, woods or sea, from a thin veil to a closed deck."""
    ground = _ground(rng, fields, side)
    margin = 14  # the shadow falls from clouds that may lie outside the picture
    cloud = _zoomed(fields.billows, side + 2 * margin, rng.uniform(0.5, 1.4), rng)
    cover = rng.uniform(0.0, 0.9)
    thickness = np.clip((cloud + cover) * rng.uniform(0.5, 1.0), 0.0, 1.0) * rng.uniform(0.72, 1.0)
    down, right = rng.integers(3, margin + 1, 2) * rng.choice((-1, 1), 2)
    shadow = thickness[margin + down :, margin + right :][:side, :side, None] * 0.45
    middle = slice(margin, margin + side)
    earlier = slice(margin - 4, margin - 4 + side)
    bulge = np.clip(cloud[middle, middle] - cloud[earlier, earlier], -0.5, 0.5)[:, :, None]
    white = _colour(rng, ((240, 241, 244), (222, 222, 222), (206, 210, 216))) + 75.0 * bulge
    dark = ground * (1.0 - shadow)
    return dark + (white - dark) * thickness[middle, middle, None]


def draw_desert(rng: np.random.Generator, fields: Fields, side: int) -> np.ndarray:
    """Dunes: sharp crests that run one way and bend, lit from one side, over plains and rock."""
    warp = _zoomed(fields.smooth, side, rng.uniform(0.4, 0.9), rng)
    across, along = _axes(side, rng)
    waves = rng.uniform(5, 16)
    phase = (across + 0.12 * warp + 0.03 * np.sin(along * 9.0)) * waves
    saw = phase - np.floor(phase)
    slant = rng.uniform(0.65, 0.9)  # the windward slope is long, the lee slope short
    height = np.where(saw < slant, saw / slant, (1.0 - saw) / (1.0 - slant))
    light = np.where(saw < slant, 0.25, -1.0) * rng.uniform(0.5, 1.0) + 0.5 * height
    patches = np.clip(_zoomed(fields.smooth, side, 0.7, rng) + rng.uniform(0.2, 1.6), 0.0, 1.0)
    relief = light * patches * rng.uniform(16, 42) + 6.0 * _zoomed(fields.broken, side, 1.0, rng)
    return _colour(rng, SAND) + relief[:, :, None] * np.array([1.0, 0.95, 0.85], dtype=np.float32)


def draw_green_area(rng: np.random.Generator, fields: Fields, side: int) -> np.ndarray:
    """Tree crowns packed side by side, with clearings of bare ground and at times a track through them."""
    crowns = _zoomed(fields.cells, side, rng.uniform(0.55, 1.1), rng)
    cover = np.clip(2.0 * (_zoomed(fields.smooth, side, 1.0, rng) + rng.uniform(-0.1, 1.6)), 0.0, 1.0)
    trees = _colour(rng, GREEN) + (rng.uniform(16, 34) * crowns)[:, :, None]
    bare = _colour(rng, SAND + GREEN) + 8.0 * _zoomed(fields.fine, side, 1.0, rng)[:, :, None]
    scene = bare + (trees - bare) * cover[:, :, None]
    if rng.random() < 0.25:
        across, along = _axes(side, rng)
        distance = np.abs(across + 0.1 * np.sin(along * 5.0) + rng.uniform(-0.3, 0.3))
        road = np.clip((0.022 - distance) * side, 0.0, 1.0)[:, :, None]
        scene += (_colour(rng, SAND) - scene) * road
    return scene


def draw_water(rng: np.random.Generator, fields: Fields, side: int) -> np.ndarray:
    """Open water: fine wave trains, streaks of sediment or algae, at times a shore."""
    across, along = _axes(side, rng)
    warp = _zoomed(fields.smooth, side, 0.6, rng)
    ripples = np.sin((across + 0.03 * warp) * rng.uniform(70, 130) + rng.uniform(0, 6.3))
    ripples *= 0.6 + 0.4 * np.sin(along * rng.uniform(6, 20) + 2.0 * warp)
    streaks = _zoomed(fields.smooth, side, rng.uniform(0.4, 1.0), rng)
    scene = _colour(rng, WATER) + (ripples * rng.uniform(4, 16))[:, :, None]
    tint = _colour(rng, WATER + GREEN + SAND)
    scene += (tint - scene) * (np.clip(0.5 * streaks, 0.0, 0.8) * rng.uniform(0.2, 0.9))[:, :, None]
    if rng.random() < 0.25:
        land = np.clip((across + 0.08 * warp - rng.uniform(0.15, 0.4)) * side, 0.0, 1.0)[:, :, None]
        bare = _colour(rng, SAND + GREEN) + 9.0 * _zoomed(fields.broken, side, 0.6, rng)[:, :, None]
        scene += (bare - scene) * land
    return scene


SCENES: dict[str, Callable[[np.random.Generator, Fields, int], np.ndarray]] = {
    "cloudy": draw_cloudy,
    "desert": draw_desert,
    "green_area": draw_green_area,
    "water": draw_water,
}


def _ground(rng: np.random.Generator, fields: Fields, side: int) -> np.ndarray:
    """What can be seen between the clouds: two colours of the same land or sea, mixed in patches."""
    family = (SAND, GREEN, WATER)[rng.integers(3)]
    patches = np.clip(0.5 + 0.4 * _zoomed(fields.broken, side, 0.8, rng), 0.0, 1.0)[:, :, None]
    first, second = _colour(rng, family), _colour(rng, family)
    return first + (second - first) * patches + 5.0 * _zoomed(fields.fine, side, 1.0, rng)[:, :, None]


def _colour(rng: np.random.Generator, family: tuple[tuple[int, int, int], ...]) -> np.ndarray:
    """A colour between two random ones of a family, float32, shape (3,)."""
    first, second = rng.integers(len(family), size=2)
    weight = rng.random()
    mixed = np.array(family[first]) * weight + np.array(family[second]) * (1.0 - weight)
    return (mixed * np.exp(rng.normal(0, 0.12))).astype(np.float32)


def _axes(side: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two coordinates at right angles, turned at random, each (side, side), 0 in the middle."""
    angle = rng.uniform(0, 2 * np.pi)
    steps = np.linspace(-0.5, 0.5, side, dtype=np.float32)
    cosine, sine = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    return (
        cosine * steps[None, :] + sine * steps[:, None],
        -sine * steps[None, :] + cosine * steps[:, None],
    )


def _zoomed(field: np.ndarray, side: int, zoom: float, rng: np.random.Generator) -> np.ndarray:
    """A random piece of a field, `zoom` times 256 pixels a side, stretched to (side, side)."""
    source = max(16, int(256 * zoom))
    piece = window(field, source, source, rng)
    if source == side:
        return piece
    return np.asarray(Image.fromarray(piece).resize((side, side), Image.Resampling.BILINEAR))


def _cells(side: int, count: int, rng: np.random.Generator) -> np.ndarray:
    """A periodic field of round bumps, like tree crowns from above: lit from the north-west, dark gaps."""
    field = np.full((side, side), -1.6, dtype=np.float32)
    centres = rng.uniform(0, side, (count, 2))
    radii = rng.uniform(5.0, 11.0, count)
    tones = rng.normal(0, 0.35, count)
    for (row, column), radius, tone in zip(centres, radii, tones, strict=True):
        reach = int(radius) + 1
        offset = np.arange(-reach, reach + 1)
        rows, columns = (int(row) + offset) % side, (int(column) + offset) % side
        y, x = offset[:, None] / radius, offset[None, :] / radius
        inside = x * x + y * y
        bump = (tone + 0.9 - 1.1 * inside - 0.9 * (x + y) * 0.5).astype(np.float32)
        spot = np.ix_(rows, columns)
        field[spot] = np.where(inside < 1.0, bump, field[spot])
    return (field - field.mean()) / field.std()


def _photograph(pixels: np.ndarray, rng: np.random.Generator, fields: Fields) -> Image.Image:
    """Haze, exposure, a colour cast and sensor noise, the same kind for every class."""
    haze = rng.uniform(0.0, 0.35)
    gains = np.exp(rng.uniform(-0.42, 0.36) + white_balance(rng, 0.075)).astype(np.float32)
    side = pixels.shape[0]
    seen = (pixels * np.float32(1 - haze) + np.float32(haze * 165.0)) * gains
    seen += (rng.uniform(0.5, 4.0) * window(fields.fine, side, side, rng))[:, :, None]
    return develop(seen)
