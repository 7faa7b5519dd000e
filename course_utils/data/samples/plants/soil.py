"""Backgrounds of the drawn seedlings: gravel, sand, dark earth, and the barcode edge of the tray."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from course_utils.data.samples.drawing import Canvas, Colour, Generator, box, hsv, shade
from course_utils.data.samples.light import fractal_noise

TILE_SIDE = 560  # pixels of a soil tile; the largest crop is about two thirds of it

# Stone radius in pixels, ground colour, stone colours: what three trays of the real set look like.
KINDS: tuple[tuple[float, Colour, tuple[Colour, ...]], ...] = (
    (11.0, (88, 66, 46), ((176, 148, 112), (150, 112, 74), (196, 178, 150), (128, 96, 70), (168, 150, 132))),
    (8.0, (70, 52, 38), ((146, 112, 78), (122, 90, 60), (168, 136, 100), (104, 84, 66), (160, 96, 60))),
    (9.0, (44, 34, 30), ((84, 68, 58), (104, 88, 76), (62, 50, 44), (132, 118, 104), (92, 70, 52))),
)


def soil_tiles(rng: Generator) -> list[Image.Image]:
    """One large picture of each kind of soil; backgrounds are cut from them."""
    return [_soil(rng, *kind) for kind in KINDS]


def _soil(rng: Generator, radius: float, ground: Colour, stones: tuple[Colour, ...]) -> Image.Image:
    """Overlapping stones, each an irregular polygon with a dark rim below and a lit face above."""
    image = Image.new("RGB", (TILE_SIDE, TILE_SIDE), ground)
    draw = ImageDraw.Draw(image)
    count = int(1.9 * TILE_SIDE**2 / (np.pi * radius**2))
    corners = 9
    centres = rng.uniform(0, TILE_SIDE, (count, 1, 2))
    radii = radius * np.exp(rng.normal(0, 0.35, (count, 1, 1)))
    angles = np.arange(corners) * (2 * np.pi / corners) + rng.uniform(0, 6.3, (count, 1))
    wobble = rng.uniform(0.75, 1.15, (count, corners))
    squash = rng.uniform(0.65, 1.0, (count, 1))
    shapes = np.stack([np.cos(angles) * wobble, np.sin(angles) * wobble * squash], axis=2) * radii
    base = np.array(stones)[rng.integers(len(stones), size=count)] * rng.normal(1.0, 0.12, (count, 1))
    base += rng.normal(0, 5, (count, 3))
    faces = [tuple(colour) for colour in np.clip(base, 0, 255).astype(int).tolist()]
    tops = [tuple(colour) for colour in np.clip(base * 0.8 + 50, 0, 255).astype(int).tolist()]
    rims = (shapes * 1.14 + centres + 0.12 * radii).reshape(count, -1).tolist()
    bodies = (shapes + centres).reshape(count, -1).tolist()
    lights = (shapes * 0.6 + centres - 0.16 * radii).reshape(count, -1).tolist()
    dark = shade(ground, 0.65)
    for position in np.argsort(-radii[:, 0, 0], kind="stable").tolist():
        draw.polygon(rims[position], fill=dark)
        draw.polygon(bodies[position], fill=faces[position])
        draw.polygon(lights[position], fill=tops[position])
    soft = image.filter(ImageFilter.BoxBlur(0.9))
    dust = fractal_noise(TILE_SIDE, rng, roughness=0.0) * 9.0
    return Image.fromarray(np.clip(np.asarray(soft) + dust[:, :, None], 0, 255).astype(np.uint8))


def cut_soil(tiles: list[Image.Image], rng: Generator) -> Image.Image:
    """A square piece of a random tile, from a close-up of a dozen stones to sand seen from afar."""
    tile = tiles[rng.choice(len(tiles), p=(0.45, 0.35, 0.2))]
    side = int(np.exp(rng.uniform(np.log(80), np.log(430))))
    left, top = rng.integers(0, TILE_SIDE - side, 2)
    turn = (None, *Image.Transpose)[rng.integers(8)]
    piece = tile.crop((left, top, left + side, top + side))
    return piece if turn is None else piece.transpose(turn)


def draw_tray_edge(canvas: Canvas, rng: Generator) -> None:
    """The rim of the tray along one side: a white strip with a barcode, or dark wood and a grey frame."""
    depth = rng.uniform(0.06, 0.24)
    turns = rng.integers(4)
    tilt = rng.normal(0, 0.03)

    def strip(start: float, stop: float, low: float, high: float) -> np.ndarray:
        """A bar along the top side, turned to the side that was drawn."""
        shape = box(((start + stop) / 2, (low + high) / 2), (stop - start) / 2, (high - low) / 2)
        angle = turns * np.pi / 2 + tilt
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        return (shape - 0.5) @ turn + 0.5

    canvas.shadow([strip(-0.2, 1.2, -0.2, depth)], offset=(0.01, 0.015), blur=0.02, strength=0.6)
    if rng.random() < 0.25:
        canvas.fill(strip(-0.2, 1.2, -0.2, depth), hsv(0.06, 0.3, rng.uniform(0.15, 0.3)))
        canvas.fill(strip(-0.2, 1.2, depth * 0.8, depth), (176, 176, 172))
        return
    paper = int(rng.uniform(200, 245))
    canvas.fill(strip(-0.2, 1.2, -0.2, depth), (paper, paper, paper - 4))
    at, stop = rng.uniform(-0.1, 0.3), rng.uniform(0.7, 1.1)
    while at < stop:
        width = rng.choice((0.008, 0.016, 0.028))
        canvas.fill(strip(at, at + width, -0.2, depth * 0.72), (28, 27, 30))
        at += width + rng.choice((0.01, 0.018, 0.03))
