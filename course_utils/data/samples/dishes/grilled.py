"""Drawn dishes out of the fryer and off the grill: fried food, meat."""

import numpy as np

from course_utils.data.samples.dishes.spot import Spot, around, brown, lay
from course_utils.data.samples.drawing import (
    Canvas,
    Colour,
    Generator,
    blend,
    blob,
    box,
    hsv,
    oval,
    pairs,
    place,
    repeat,
    ring,
    scatter,
    shade,
    shades,
)

# Fried food


def draw_fried_food(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A heap of straight chips, crusty rings, or nuggets, at times with a dip."""
    (_chips, _crusty_rings, _nuggets)[rng.integers(3)](canvas, rng, spot)
    if rng.random() < 0.35:
        at = spot.at + rng.normal(0, spot.radius * 0.4, 2)
        canvas.fill(oval(at, 0.1), (232, 230, 224))
        canvas.fill(oval(at, 0.083), ((176, 36, 24), (240, 226, 186), (196, 140, 40))[rng.integers(3)])


def _chips(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Sticks that lie across each other."""
    colour, count = blend(brown(rng), (240, 200, 96), 0.45), int(rng.integers(26, 44))
    centres = scatter(rng, spot.at, spot.radius * 0.68, count)
    angles = rng.normal(rng.uniform(0, 3.1), 0.7, count)
    lay(canvas, [oval(spot.at, spot.radius * 0.85)])
    stick = box((0, 0), 0.155 * spot.radius / 0.36, 0.026)
    for centre, angle, tone in zip(centres, angles, rng.uniform(0.8, 1.2, count), strict=True):
        canvas.fill(place(stick * (1.0, 1.5), centre + 0.006, angle=angle), shade(colour, 0.55))
        canvas.fill(place(stick, centre, angle=angle), shade(colour, tone))


def _crusty_rings(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Rough rings of batter, one on another."""
    colour, count = blend(brown(rng), (222, 160, 70), 0.3), int(rng.integers(4, 8))
    size = spot.radius * rng.uniform(0.36, 0.44)
    for at in around(rng, spot, count, reach=0.58):
        outer = blob(rng, (0, 0), size, rough=0.1)
        steps = np.concatenate([np.arange(len(outer)), [0]])
        band = place(outer[steps], at)
        canvas.line(band + 0.008, 0.072, shade(colour, 0.5))
        canvas.line(band, 0.062, shade(colour, rng.uniform(0.85, 1.05)))
        canvas.line((band - at) * 0.97 + at - 0.006, 0.022, shade(colour, 1.25))
        crumbs = around(rng, Spot(at, size), 20, reach=1.0)
        spots = repeat(ring(6) * 0.009, crumbs, np.zeros(20))
        canvas.fill_many(spots, shades(colour, rng.uniform(0.6, 1.35, 20)))


def _nuggets(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Rough lumps covered with crumbs."""
    colour, count = blend(brown(rng), (214, 150, 70), 0.3), int(rng.integers(5, 10))
    for at in scatter(rng, spot.at, spot.radius * 0.7, count):
        size = spot.radius * rng.uniform(0.24, 0.32)
        lump = blob(rng, at, size, rough=0.22)
        canvas.fill(lump + 0.012, shade(colour, 0.45))
        canvas.fill(lump, shade(colour, rng.uniform(0.82, 1.05)))
        crumbs = repeat(ring(6) * 0.011, scatter(rng, at, size * 0.8, 30), np.zeros(30))
        canvas.fill_many(crumbs, shades(colour, rng.uniform(0.65, 1.4, 30)))


# Meat


def draw_meat(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A steak with grill marks, a rack of ribs, or sausages."""
    (_steak, _ribs, _sausages)[rng.integers(3)](canvas, rng, spot)


def roast(rng: Generator) -> Colour:
    """From rosy to dark brown."""
    return hsv(rng.normal(0.035, 0.018), rng.uniform(0.45, 0.7), rng.uniform(0.26, 0.6))


def _steak(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A slab with a rim of fat, a grid of burnt lines and at times a bone."""
    colour, angle = roast(rng), rng.uniform(0, 6.3)
    slab = blob(rng, (0, 0), spot.radius * rng.uniform(0.68, 0.8), rough=0.2) * (1.0, rng.uniform(0.68, 0.85))
    lay(canvas, [place(slab, spot.at, angle=angle)])
    canvas.fill(place(slab, spot.at, angle=angle), blend(colour, (236, 206, 168), 0.55))
    canvas.fill(place(slab * 0.92, spot.at + 0.006, angle=angle), colour)
    for lean in (0.0, 1.2)[: rng.integers(1, 3)]:
        for offset in np.linspace(-0.48, 0.48, 6) * spot.radius:
            reach = 0.6 * (spot.radius**2 * 0.5 - offset**2) ** 0.5
            mark = place(np.array([[-reach, offset], [reach, offset]]), spot.at, angle=angle + 0.6 + lean)
            canvas.line(mark, 0.02, shade(colour, 0.42))
    if rng.random() < 0.4:
        bone = np.array([[-0.2, 0.0], [0.85, 0.0]]) * spot.radius
        canvas.line(place(bone, spot.at, angle=angle), 0.05, (232, 216, 192))


def _ribs(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A rack: dark glazed ridges side by side with pale bone ends."""
    colour, angle, count = roast(rng), rng.uniform(0, 6.3), int(rng.integers(4, 8))
    half = spot.radius * 0.8
    lay(canvas, [place(box((0, 0), half, half * 0.55, round_by=0.03), spot.at, angle=angle)])
    step = 2 * half / count
    for number in range(count):
        along = -half + (number + 0.5) * step
        bone = box((along, 0), step * 0.18, half * 0.72, round_by=0.01)
        ridge = box((along, 0), step * 0.52, half * 0.55, round_by=step * 0.3)
        canvas.fill(place(bone, spot.at, angle=angle), (236, 222, 198))
        canvas.fill(place(ridge, spot.at, angle=angle), shade(colour, 0.55))
        canvas.fill(place(ridge * (1, 0.94) - (step * 0.1, 0), spot.at, angle=angle), colour)
        gloss = box((along - step * 0.2, 0), step * 0.1, half * 0.4, round_by=step * 0.08)
        canvas.fill(place(gloss, spot.at, angle=angle), blend(colour, (255, 226, 200), 0.35))


def _sausages(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Curved sausages side by side with short burnt stripes."""
    colour, angle, count = roast(rng), rng.uniform(0, 6.3), int(rng.integers(2, 5))
    steps = np.linspace(-1, 1, 14)
    for number in range(count):
        offset = (number - (count - 1) / 2) * spot.radius * 0.42
        middle = pairs(steps * spot.radius * 0.75, offset + steps**2 * spot.radius * 0.18)
        path = place(middle, spot.at, angle=angle + rng.normal(0, 0.08))
        width = spot.radius * 0.34
        for line, thickness, tone in (
            (path + 0.012, width, 0.35),
            (path, width, 0.8),
            (path - 0.008, width * 0.6, 1.1),
        ):
            canvas.line(line, thickness, shade(colour, tone))
            for end in (line[0], line[-1]):
                canvas.fill(oval(end, thickness / 2), shade(colour, tone))
        for spot_on in path[2:-2:3]:
            canvas.fill(oval(spot_on, width * 0.42, width * 0.1, angle=angle + 1.2), shade(colour, 0.45))
