"""What lies around the drawn dishes: table tops, plates, bowls and boards, cutlery, and garnish.

None of it says which dish it is: every dish may lie on most of them.
"""

import numpy as np
from PIL import Image

from course_utils.data.samples.dishes.spot import Spot
from course_utils.data.samples.drawing import (
    Canvas,
    Colour,
    Generator,
    Points,
    blend,
    blob,
    box,
    hsv,
    oval,
    place,
    repeat,
    ring,
    scatter,
    shade,
    shades,
)
from course_utils.data.samples.light import fractal_noise

TABLE_SIDE = 256  # pixels of a table tile before it is turned; backgrounds are cut from its middle

# What a thing is drawn with, from below; the first outline casts the shadow.
Layers = list[tuple[Points, Colour]]


def table_tiles(rng: Generator) -> list[Image.Image]:
    """Table tops to cut backgrounds from: planks, cloth, checks, stone, slate."""
    grain = fractal_noise(TABLE_SIDE, rng, roughness=0.2)
    streaks = np.repeat(grain[::8], 8, axis=0)[:TABLE_SIDE]
    streaks = 0.5 * streaks + 0.5 * np.roll(streaks, 3, axis=0)
    rows = np.arange(TABLE_SIDE)
    planks = np.where(rows % 64 < 2, -4.0, rng.normal(0, 0.6, 4).repeat(64))[:, None]
    marble = np.abs(fractal_noise(TABLE_SIDE, rng, roughness=0.7, low=2))
    weave = (rows[:, None] % 4 < 2).astype(float) + (rows[None, :] % 4 < 2)
    checks = (rows[:, None] % 32 < 16).astype(float) + (rows[None, :] % 32 < 16)
    surfaces = [((wood, streaks + planks, 9.0)) for wood in ((150, 108, 70), (98, 66, 44), (186, 158, 122))]
    surfaces += [((204, 202, 198), -marble, 14.0), ((70, 72, 76), grain, 7.0), ((120, 116, 112), grain, 12.0)]
    surfaces += [((222, 216, 206), weave, 6.0), ((92, 110, 134), weave, 8.0), ((134, 60, 58), weave, 8.0)]
    surfaces += [((196, 188, 180), checks - 1.0, 26.0), ((150, 80, 74), checks - 1.0, 40.0)]
    tiles = [_tile(colour, field, depth) for colour, field, depth in surfaces]
    inset = int(TABLE_SIDE * 0.147)  # what is left is inside the tile however it is turned
    middle = (inset, inset, TABLE_SIDE - inset, TABLE_SIDE - inset)
    turns = rng.uniform(0, 360, (len(tiles), 4))
    return [
        tile.rotate(turn, Image.Resampling.BILINEAR).crop(middle)
        for tile, row in zip(tiles, turns, strict=True)
        for turn in row.tolist()
    ]


def _tile(colour: Colour, field: Points, depth: float) -> Image.Image:
    """A surface whose brightness follows a field."""
    pixels = (
        np.asarray(colour, dtype=float) + depth * (np.zeros((TABLE_SIDE, TABLE_SIDE)) + field)[:, :, None]
    )
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def cut_table(tiles: list[Image.Image], rng: Generator) -> Image.Image:
    """A random piece of a random table."""
    tile = tiles[rng.integers(len(tiles))]
    side = int(rng.uniform(50, 100))
    left, top = rng.integers(0, tile.width - side, 2)
    return tile.crop((left, top, left + side, top + side))


def set_table(canvas: Canvas, rng: Generator, *, kind: str) -> Spot:
    """A "plate", "bowl" or "board" with at times things beside it; returns where the food goes."""
    beside = [_thing_beside(rng) for _ in range(rng.choice((0, 1, 1, 2)))]
    at = 0.5 + rng.uniform(-0.06, 0.06, 2)
    radius = rng.uniform(0.45, 0.58)
    vessel, spot = _board(rng, at, radius) if kind == "board" else _crockery(rng, at, radius, kind == "bowl")
    things = [*beside, vessel]
    canvas.shadow([layers[0][0] for layers in things], offset=(0.018, 0.026), blur=0.025, strength=0.6)
    for layers in things:
        for outline, colour in layers:
            canvas.fill(outline, colour)
    return spot


def _crockery(rng: Generator, at: Points, radius: float, deep: bool) -> tuple[Layers, Spot]:
    """A round plate, or a bowl if `deep`, white or of a random colour, at times with a stripe."""
    tone = hsv(rng.random(), max(0.0, rng.normal(0.05, 0.08)), rng.uniform(0.72, 0.97))
    if rng.random() < 0.22:
        tone = hsv(rng.random(), rng.uniform(0.1, 0.6), rng.uniform(0.2, 0.7))
    layers = [(oval(at, radius), shade(tone, 0.86)), (oval(at - 0.006, radius * 0.975), tone)]
    if rng.random() < 0.35:
        stripe = hsv(rng.random(), rng.uniform(0.3, 0.7), rng.uniform(0.3, 0.7))
        layers += [(oval(at, radius * 0.93), stripe), (oval(at, radius * 0.9), tone)]
    if deep:
        inner = radius * rng.uniform(0.84, 0.9)
        layers += [(oval(at, inner), shade(tone, 0.62)), (oval(at + 0.012, inner * 0.96), shade(tone, 0.8))]
        return layers, Spot(at, inner * 0.93)
    inner = radius * rng.uniform(0.74, 0.82)
    layers += [(oval(at, inner), shade(tone, 0.84)), (oval(at + 0.006, inner * 0.975), shade(tone, 0.97))]
    return layers, Spot(at, inner * rng.uniform(0.9, 1.02))


def _board(rng: Generator, at: Points, radius: float) -> tuple[Layers, Spot]:
    """A wooden board, a slate or a sheet of paper."""
    tone = ((176, 128, 82), (128, 88, 56), (64, 66, 70), (222, 214, 196))[rng.integers(4)]
    angle = rng.normal(0, 0.4)
    width, height = radius * rng.uniform(0.92, 1.1), radius * rng.uniform(0.74, 0.95)
    layers = [
        (box(at, width, height, angle=angle, round_by=0.04), shade(tone, 0.8)),
        (box(at - 0.008, width * 0.98, height * 0.98, angle=angle, round_by=0.04), tone),
    ]
    for offset in rng.uniform(-0.85, 0.85, 5):
        grain = box((0.0, offset * height), width * 0.95, 0.003)
        layers.append((place(grain, at, angle=angle), shade(tone, 0.9)))
    return layers, Spot(at, min(width, height) * 0.88)


def _thing_beside(rng: Generator) -> Layers:
    """Cutlery, chopsticks, a napkin or a glass, at the edge of the picture and partly cut off."""
    angle = rng.uniform(0, 2 * np.pi)
    at = 0.5 + np.array([np.cos(angle), np.sin(angle)]) * rng.uniform(0.53, 0.64)
    thing = (_cutlery, _cutlery, _chopsticks, _napkin, _glass)[rng.integers(5)]
    along = angle + np.pi / 2 + rng.normal(0, 0.25)
    return [(place(outline, at, angle=along), colour) for outline, colour in thing(rng)]


def _cutlery(rng: Generator) -> Layers:
    """A fork, knife or spoon of grey metal; these four lie along the x axis about the origin."""
    metal = hsv(0.6, 0.04, rng.uniform(0.6, 0.85))
    head = (box((0.13, 0), 0.12, 0.026, round_by=0.025), oval((0.12, 0), 0.075, 0.048))[rng.integers(2)]
    handle = box((-0.16, 0), 0.2, 0.014, round_by=0.012)
    return [(handle, metal), (head, metal), (box((-0.16, 0), 0.18, 0.004), shade(metal, 1.2))]


def _chopsticks(rng: Generator) -> Layers:
    """Two sticks that almost touch at one end."""
    wood = hsv(rng.uniform(0.02, 0.1), rng.uniform(0.4, 0.8), rng.uniform(0.25, 0.7))
    return [(box((0, side * 0.02), 0.5, 0.01, angle=side * 0.025), wood) for side in (-1, 1)]


def _napkin(rng: Generator) -> Layers:
    """A folded cloth."""
    cloth = hsv(rng.random(), rng.uniform(0.0, 0.5), rng.uniform(0.5, 0.95))
    return [(box((0, 0), 0.2, 0.14), cloth), (box((0, 0.02), 0.19, 0.004), shade(cloth, 0.8))]


def _glass(rng: Generator) -> Layers:
    """A glass or a small dish with something in it, seen from above."""
    radius = rng.uniform(0.1, 0.15)
    drink = hsv(rng.random(), rng.uniform(0.1, 0.8), rng.uniform(0.3, 0.95))
    shine = oval((-0.3 * radius, 0), radius * 0.22)
    return [
        (oval((0, 0), radius), (222, 224, 226)),
        (oval((0, 0), radius * 0.86), drink),
        (shine, blend(drink, (255, 255, 255), 0.5)),
    ]


def draw_garnish(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """At times herbs, a slice of lemon, a tomato or crumbs on or beside the food; the same for every dish."""
    if rng.random() < 0.3:
        count = int(rng.integers(4, 14))
        leaf = ring(8) * (0.016, 0.009)
        shapes = repeat(leaf, scatter(rng, spot.at, spot.radius, count), rng.uniform(0, 6.3, count))
        green = hsv(rng.uniform(0.24, 0.36), 0.65, rng.uniform(0.3, 0.55))
        canvas.fill_many(shapes, shades(green, rng.uniform(0.8, 1.25, count)))
    angle = rng.uniform(0, 2 * np.pi)
    at = spot.at + np.array([np.cos(angle), np.sin(angle)]) * spot.radius * 0.9
    choice = rng.random()
    if choice < 0.1:
        canvas.fill(oval(at, 0.055), hsv(0.14, 0.75, 0.85))
        canvas.fill(oval(at, 0.045), hsv(0.15, 0.4, 0.97))
    elif choice < 0.2:
        canvas.fill(oval(at, 0.04), hsv(0.01, 0.8, 0.75))
        canvas.fill(oval(at - 0.012, 0.012), (250, 210, 200))
    elif choice < 0.3:
        canvas.fill(blob(rng, at, 0.07, rough=0.25), hsv(rng.uniform(0.22, 0.3), 0.6, rng.uniform(0.35, 0.6)))
