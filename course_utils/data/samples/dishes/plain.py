"""Drawn dishes out of the pot: noodles, rice, soup."""

import numpy as np

from course_utils.data.samples.dishes.spot import Spot, sauce
from course_utils.data.samples.drawing import (
    Canvas,
    Generator,
    blend,
    blob,
    box,
    on_circle,
    oval,
    place,
    repeat,
    ring,
    scatter,
    shade,
    shades,
    vary,
)


def draw_noodles(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Long strands that curl about the middle, often with sauce or pieces on top."""
    colour = blend((236, 206, 142), sauce(rng), rng.uniform(0.0, 0.75))
    canvas.shadow([oval(spot.at, spot.radius * 0.9)], offset=(0.01, 0.016), blur=0.02, strength=0.5)
    canvas.fill(blob(rng, spot.at, spot.radius * 0.86, rough=0.08), shade(colour, 0.58))
    steps = np.linspace(0, 1, 12)
    for _ in range(int(rng.integers(34, 50))):
        middle = spot.at + rng.normal(0, spot.radius * 0.28, 2)
        radius = spot.radius * rng.uniform(0.15, 0.62)
        turn = rng.uniform(0, 6.3) + steps * rng.uniform(1.4, 4.0)
        drift = 1.0 + rng.normal(0, 0.2) * steps
        strand = on_circle(turn) * (radius * drift)[:, None] + middle
        canvas.line(strand + 0.006, 0.022, shade(colour, 0.62))
        canvas.line(strand, 0.019, shade(colour, rng.uniform(0.88, 1.15)))
    if rng.random() < 0.5:
        canvas.fill(blob(rng, spot.at, spot.radius * 0.34, rough=0.25), sauce(rng))
    if rng.random() < 0.5:
        draw_pieces(canvas, rng, spot, int(rng.integers(3, 8)))


def draw_rice(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A mound of short separate grains, plain or coloured, often with small pieces among them."""
    colour = blend((244, 240, 226), sauce(rng), rng.choice((0.0, 0.3, 0.6)) * rng.uniform(0.5, 1.2))
    radius = spot.radius * rng.uniform(0.75, 0.98)
    canvas.shadow([oval(spot.at, radius)], offset=(0.01, 0.016), blur=0.02, strength=0.5)
    canvas.fill(blob(rng, spot.at, radius, rough=0.08), shade(colour, 0.66))
    count = int(900 * radius**2 * 4)
    grains = repeat(
        ring(6) * (0.021, 0.0085), scatter(rng, spot.at, radius * 0.98, count), rng.uniform(0, 6.3, count)
    )
    canvas.fill_many(grains, shades(colour, rng.uniform(0.72, 1.12, count)))
    if rng.random() < 0.6:
        draw_pieces(canvas, rng, Spot(spot.at, radius), int(rng.integers(5, 14)))


def draw_pieces(canvas: Canvas, rng: Generator, spot: Spot, count: int) -> None:
    """Small pieces of vegetables or meat: cubes, peas, rounds."""
    tones = ((226, 122, 36), (96, 146, 52), (188, 44, 36), (140, 88, 58), (240, 214, 90))
    for at in scatter(rng, spot.at, spot.radius * 0.8, count):
        colour = vary(tones[rng.integers(len(tones))], rng)
        size = rng.uniform(0.016, 0.03)
        shape = box(at, size, size, angle=rng.uniform(0, 3)) if rng.random() < 0.5 else oval(at, size)
        canvas.fill(shape + 0.005, shade(colour, 0.5))
        canvas.fill(shape, colour)


def draw_soup(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A level liquid that fills its bowl, with a bright edge and drops of fat, cream or pieces afloat."""
    colour = sauce(rng)
    canvas.fill(oval(spot.at, spot.radius), shade(colour, 0.72))
    canvas.fill(oval(spot.at + 0.008, spot.radius * 0.96), shade(colour, 0.92))
    canvas.fill(oval(spot.at + 0.02, spot.radius * 0.75), colour)
    style = rng.integers(3)
    if style == 0:
        steps = np.linspace(0, 1, 30)
        turn = rng.uniform(0, 6.3) + steps * rng.choice((-1, 1)) * rng.uniform(5, 9)
        swirl = on_circle(turn) * (steps * spot.radius * 0.65)[:, None] + spot.at
        canvas.line(swirl, 0.018, blend(colour, (255, 250, 236), 0.75))
    elif style == 1:
        for at in scatter(rng, spot.at, spot.radius * 0.85, int(rng.integers(10, 22))):
            size = rng.uniform(0.012, 0.04)
            canvas.fill(oval(at, size), blend(colour, (255, 236, 150), 0.45))
            canvas.fill(oval(at + 0.003, size * 0.75), shade(colour, 0.95))
    else:
        draw_pieces(canvas, rng, Spot(spot.at, spot.radius * 0.8), int(rng.integers(4, 10)))
    angle = rng.uniform(0, 6.3)
    steps = angle + np.linspace(0, 1.1, 8)
    shine = on_circle(steps) * spot.radius * 0.86 + spot.at
    canvas.line(shine, 0.014, blend(colour, (255, 255, 255), 0.5))
    if rng.random() < 0.35:
        spoon = place(np.array([[0.0, 0.0], [0.6, 0.0]]), spot.at, angle=rng.uniform(0, 6.3))
        canvas.line(spoon, 0.03, (186, 188, 192))
