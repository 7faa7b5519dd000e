"""Drawn dishes out of the oven: bread and dessert."""

import numpy as np

from course_utils.data.samples.dishes.spot import Spot, around, brown, lay
from course_utils.data.samples.drawing import (
    CIRCLE,
    Canvas,
    Colour,
    Generator,
    blend,
    blob,
    box,
    hsv,
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

# Bread


def draw_bread(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Slices of a tin loaf, a long loaf with cuts, or round rolls."""
    (_slices, _loaves, _rolls)[rng.integers(3)](canvas, rng, spot)


def _slices(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Slices with a dark crust, two humps at the top and a pale crumb full of holes."""
    crust = brown(rng)
    crumb = blend(crust, (250, 236, 206), rng.uniform(0.5, 0.8))
    count = int(rng.integers(1, 4))
    size = spot.radius * (0.85, 0.6, 0.52)[count - 1]
    hump = CIRCLE[len(CIRCLE) // 2 :] * (0.55, 0.5)
    humps = np.concatenate([hump - np.array([0.45, 0.55]), hump + np.array([0.45, -0.55])])
    outline = np.concatenate([humps, [[0.85, -0.4], [0.85, 0.95], [-0.85, 0.95], [-0.85, -0.4]]])
    places, angles = around(rng, spot, count), rng.uniform(0, 6.3, count)
    lay(canvas, repeat(outline, places, angles, size))
    for at, angle in zip(places, angles, strict=True):
        canvas.fill(place(outline, at + 0.012, angle=angle, scale=size), shade(crust, 0.5))
        canvas.fill(place(outline, at, angle=angle, scale=size), shade(crust, 0.85))
        canvas.fill(place(outline * 0.86, at, angle=angle, scale=size), crumb)
        holes = repeat(ring(8) * (0.014, 0.01), scatter(rng, at, size * 0.65, 26), rng.uniform(0, 6, 26))
        canvas.fill_many(holes, shades(crumb, rng.uniform(0.78, 0.95, 26)))


def _loaves(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """One or two long loaves with slanting pale cuts."""
    crust = brown(rng)
    angle = rng.uniform(0, 6.3)
    across = np.array([-np.sin(angle), np.cos(angle)])
    count = int(rng.integers(1, 3))
    for row in range(count):
        at = spot.at + across * (row - (count - 1) / 2) * spot.radius * 0.75
        length, width = spot.radius * rng.uniform(0.95, 1.1), spot.radius * rng.uniform(0.28, 0.38)
        lay(canvas, [oval(at, length, width, angle=angle)])
        canvas.fill(oval(at, length, width, angle=angle), shade(crust, 0.75))
        canvas.fill(oval(at - across * width * 0.1, length * 0.96, width * 0.82, angle=angle), crust)
        for along in np.linspace(-0.65, 0.65, 5):
            cut = place(oval((0, 0), width * 0.75, width * 0.15, angle=0.9), (along * length, 0))
            canvas.fill(place(cut, at, angle=angle), blend(crust, (252, 236, 206), 0.6))


def _rolls(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Round rolls with a cross cut into the top or with seeds."""
    crust = brown(rng)
    count = int(rng.integers(2, 6))
    size = spot.radius * (0, 0, 0.5, 0.44, 0.4, 0.36)[count]
    crossed = rng.random() < 0.6
    places = around(rng, spot, count, reach=0.55)
    lay(canvas, repeat(CIRCLE, places, np.zeros(count), size))
    for at in places:
        canvas.fill(blob(rng, at, size, rough=0.04), shade(crust, 0.72))
        canvas.fill(oval(at - size * 0.06, size * 0.88), crust)
        canvas.fill(oval(at - size * 0.22, size * 0.5), blend(crust, (255, 240, 214), 0.22))
        if crossed:
            for angle in rng.uniform(0, 1.5) + np.array([0.0, np.pi / 2]):
                canvas.fill(
                    oval(at, size * 0.7, size * 0.09, angle=angle), blend(crust, (255, 242, 218), 0.7)
                )
        else:
            seeds = repeat(ring(6) * (0.012, 0.007), scatter(rng, at, size * 0.7, 16), rng.uniform(0, 6, 16))
            canvas.fill_many(seeds, [(246, 236, 208)] * 16)


# Dessert


def draw_dessert(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Slices of layer cake, glazed rings with sprinkles, or fluted cups with cream and a cherry."""
    (_layer_cake, _glazed_rings, _cup_cakes)[rng.integers(3)](canvas, rng, spot)


def sweet(rng: Generator) -> Colour:
    """Chocolate, cream, berry, or pistachio."""
    return vary(
        ((92, 54, 36), (238, 218, 180), (206, 104, 122), (166, 178, 116), (196, 138, 84))[rng.integers(5)],
        rng,
    )


def _layer_cake(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """One or two slices that lie on their side: dark and pale layers, icing along one edge, dots of cream."""
    cake, cream, count = sweet(rng), sweet(rng), int(rng.integers(1, 3))
    if cake == cream or sum(abs(a - b) for a, b in zip(cake, cream, strict=True)) < 120:
        cream = (246, 234, 214) if sum(cake) < 450 else (96, 54, 40)
    size = spot.radius * (0.78, 0.55)[count - 1]
    layers = int(rng.integers(3, 5))
    wedge = np.array([[-1.0, -0.62], [1.0, -0.62], [0.86, 0.62], [-0.86, 0.62]])
    places, angles = around(rng, spot, count, reach=0.48), rng.uniform(0, 6.3, count)
    lay(canvas, repeat(wedge, places, angles, size))
    for at, angle in zip(places, angles, strict=True):
        canvas.fill(place(wedge, at, angle=angle, scale=size), cake)
        for level in range(layers):
            height = -0.62 + 1.24 * (level + 0.9) / layers
            stripe = box((0, height), 0.93, 0.07)
            canvas.fill(place(stripe, at, angle=angle, scale=size), cream)
        canvas.fill(
            place(box((0, -0.62), 1.03, 0.14, round_by=0.1), at, angle=angle, scale=size), shade(cream, 0.95)
        )
        for along in (-0.7, 0.0, 0.7):
            canvas.fill(place(oval((along, -0.72), 0.2), at, angle=angle, scale=size), shade(cream, 1.04))


def _glazed_rings(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Rings of dough with smooth glaze and sprinkles."""
    count = int(rng.integers(1, 4))
    size = spot.radius * (0.8, 0.52, 0.46)[count - 1]
    dough = brown(rng)
    under = canvas.colour_at(spot.at)
    places = around(rng, spot, count, reach=0.52)
    lay(canvas, repeat(CIRCLE, places, np.zeros(count), size))
    for at in places:
        glaze = sweet(rng)
        canvas.fill(oval(at, size), shade(dough, 0.85))
        canvas.fill(blob(rng, at, size * 0.9, rough=0.05), glaze)
        canvas.fill(oval(at - size * 0.1, size * 0.62), shade(glaze, 1.1))
        places = around(rng, Spot(at, size), 26, reach=0.62) + rng.normal(0, size * 0.1, (26, 2))
        sprinkles = repeat(box((0, 0), 0.018, 0.007), places, rng.uniform(0, 6, 26))
        canvas.fill_many(sprinkles, [hsv(hue, 0.7, 0.95) for hue in rng.random(26)])
        canvas.fill(oval(at, size * 0.36), shade(dough, 0.8))
        canvas.fill(oval(at + size * 0.03, size * 0.27), under)


def _cup_cakes(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Fluted paper cups with a swirl of cream and a cherry."""
    count = int(rng.integers(1, 5))
    size = spot.radius * (0.75, 0.5, 0.46, 0.42)[count - 1]
    paper, cream = hsv(rng.random(), rng.uniform(0.1, 0.6), rng.uniform(0.4, 0.9)), sweet(rng)
    angles = np.arange(64) * (2 * np.pi / 64)
    fluted = on_circle(angles) * (1.0 + 0.06 * np.cos(angles * 16))[:, None]
    places = around(rng, spot, count, reach=0.55)
    lay(canvas, repeat(fluted, places, np.zeros(count), size))
    for at in places:
        canvas.fill(place(fluted, at, scale=size), paper)
        turn = rng.uniform(0, 6.3)
        for step, part in enumerate((0.84, 0.66, 0.46, 0.28)):
            wavy = fluted * (1.0 + 0.05 * np.cos(angles * 5 + step))[:, None]
            canvas.fill(place(wavy, at, angle=turn + step, scale=size * part), shade(cream, 0.8 + 0.1 * step))
        canvas.fill(oval(at, size * 0.15), (186, 30, 44))
        canvas.fill(oval(at - size * 0.04, size * 0.05), (246, 190, 190))
