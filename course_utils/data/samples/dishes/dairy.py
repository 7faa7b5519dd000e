"""Drawn dishes of the dairy: cheese, yogurt, eggs."""

import numpy as np

from course_utils.data.samples.dishes.spot import Spot, around, brown, lay
from course_utils.data.samples.drawing import (
    Canvas,
    Colour,
    Generator,
    blend,
    blob,
    hsv,
    on_circle,
    oval,
    place,
    repeat,
    shade,
    vary,
)


def draw_dairy(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Wedges of cheese with holes, a swirl of thick yogurt, or slices of a round cheese."""
    (_cheese_wedges, _yogurt, _cheese_rounds)[rng.choice(3, p=(0.5, 0.3, 0.2))](canvas, rng, spot)


def _milky(rng: Generator) -> Colour:
    """White, cream, yellow, or orange."""
    return hsv(rng.uniform(0.1, 0.16), rng.uniform(0.08, 0.65), rng.uniform(0.8, 0.98))


def _cheese_wedges(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Wedges with round holes and a rind at the back."""
    colour, count = _milky(rng), int(rng.integers(1, 4))
    size = spot.radius * (0.95, 0.72, 0.62)[count - 1]
    rind = vary(((196, 140, 60), (150, 40, 32), (222, 210, 186))[rng.integers(3)], rng)
    wedge = np.array([[-1.0, 0.0], [0.75, -0.55], [0.85, 0.0], [0.75, 0.55]])
    places, angles = around(rng, spot, count, reach=0.45), rng.uniform(0, 6.3, count)
    lay(canvas, repeat(wedge, places, angles, size))
    for at, angle in zip(places, angles, strict=True):
        canvas.fill(place(wedge + 0.07, at, angle=angle, scale=size), shade(colour, 0.68))
        canvas.fill(place(wedge, at, angle=angle, scale=size), colour)
        canvas.line(place(wedge[1:], at, angle=angle, scale=size), 0.03, rind)
        for x, y in ((-0.3, 0.0), (0.2, -0.2), (0.3, 0.22), (0.6, 0.0), (0.55, -0.35)):
            hole = rng.uniform(0.06, 0.13)
            centre = (x + rng.normal(0, 0.05), y + rng.normal(0, 0.04))
            canvas.fill(place(oval(centre, hole), at, angle=angle, scale=size), shade(colour, 0.62))
            canvas.fill(
                place(oval((centre[0] + 0.02, centre[1] + 0.03), hole * 0.8), at, angle=angle, scale=size),
                shade(colour, 0.78),
            )


def _yogurt(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Thick folds in a spiral from the rim to a peak, often with berries."""
    colour = blend((248, 244, 234), hsv(rng.random(), 0.6, 0.85), rng.choice((0.0, 0.12, 0.25)))
    canvas.fill(oval(spot.at, spot.radius * 0.98), shade(colour, 0.86))
    turn = rng.uniform(0, 6.3)
    for step, part in enumerate(np.linspace(0.9, 0.12, 7)):
        fold = spot.at + np.array([np.cos(turn + step * 1.9), np.sin(turn + step * 1.9)]) * spot.radius * 0.07
        canvas.fill(oval(fold, spot.radius * part), shade(colour, 0.74))
        canvas.fill(oval(fold - 0.012, spot.radius * part * 0.94), shade(colour, 0.95 + 0.015 * step))
    if rng.random() < 0.6:
        berry = ((60, 50, 110), (180, 34, 56), (210, 60, 70))[rng.integers(3)]
        for at in around(rng, spot, int(rng.integers(3, 7)), reach=0.6):
            canvas.fill(oval(at, 0.035), shade(berry, 0.8))
            canvas.fill(oval(at - 0.008, 0.022), shade(berry, 1.3))


def _cheese_rounds(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A round soft cheese with a white rind and a wedge cut out of it."""
    colour = _milky(rng)
    start, gap = rng.uniform(0, 6.3), rng.uniform(0.7, 1.2)
    size = spot.radius * rng.uniform(0.7, 0.85)
    steps = np.linspace(start + gap, start + 2 * np.pi, 40)
    arc = np.concatenate([[[0.0, 0.0]], on_circle(steps)])
    lay(canvas, [place(arc, spot.at, scale=size)])
    canvas.fill(place(arc, spot.at + 0.03, scale=size), shade(colour, 0.8))
    canvas.fill(place(arc, spot.at, scale=size), (240, 234, 220))
    canvas.fill(place(arc * 0.9, spot.at, scale=size), (250, 246, 236))
    canvas.line(place(arc[[1, 0, -1]], spot.at + 0.012, scale=size), 0.03, colour)
    middle = start + gap / 2
    slice_ = np.array(
        [[0, 0], [np.cos(middle - 0.3), np.sin(middle - 0.3)], [np.cos(middle + 0.3), np.sin(middle + 0.3)]]
    )
    moved = spot.at + np.array([np.cos(middle), np.sin(middle)]) * size * 0.25
    canvas.fill(place(slice_, moved + 0.02, scale=size * 0.9), shade(colour, 0.7))
    canvas.fill(place(slice_, moved, scale=size * 0.9), colour)


def draw_egg(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Fried eggs, or boiled eggs cut in half."""
    yolk = hsv(rng.uniform(0.09, 0.14), rng.uniform(0.7, 0.95), rng.uniform(0.85, 0.98))
    white = hsv(0.12, rng.uniform(0.02, 0.14), rng.uniform(0.88, 0.98))
    if rng.random() < 0.5:
        count = int(rng.integers(1, 4))
        size = spot.radius * (0.8, 0.58, 0.5)[count - 1]
        places = around(rng, spot, count, reach=0.5)
        edges = [blob(rng, at, size, rough=0.3) for at in places]
        lay(canvas, edges)
        for at, edge in zip(places, edges, strict=True):
            canvas.fill(edge, blend(white, brown(rng), 0.45))
            canvas.fill((edge - at) * 0.93 + at, white)
            middle = at + rng.normal(0, size * 0.12, 2)
            canvas.fill(oval(middle + 0.006, size * 0.4), shade(yolk, 0.72))
            canvas.fill(oval(middle, size * 0.38), yolk)
            canvas.fill(oval(middle - size * 0.13, size * 0.09), (255, 246, 210))
        return
    count = int(rng.integers(2, 7))
    size = spot.radius * (0, 0, 0.5, 0.44, 0.4, 0.36, 0.34)[count]
    places, angles = around(rng, spot, count, reach=0.56), rng.uniform(0, 6.3, count)
    lay(canvas, repeat(oval((0, 0), 1.0, 0.74), places, angles, size))
    for at, angle in zip(places, angles, strict=True):
        canvas.fill(oval(at + 0.008, size, size * 0.76, angle=angle), shade(white, 0.72))
        canvas.fill(oval(at, size * 0.97, size * 0.72, angle=angle), white)
        middle = place(np.array([[size * 0.14, 0.0]]), at, angle=angle)[0]
        canvas.fill(oval(middle, size * 0.43), shade(yolk, 0.86))
        canvas.fill(oval(middle, size * 0.36), yolk)
