"""Drawn dishes out of the sea and the garden: seafood, vegetables and fruit."""

import numpy as np

from course_utils.data.samples.dishes.spot import Spot, around, lay
from course_utils.data.samples.drawing import (
    CIRCLE,
    Canvas,
    Generator,
    blend,
    blob,
    box,
    hsv,
    oval,
    place,
    repeat,
    scatter,
    shade,
    vary,
)


def draw_seafood(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Open mussels, curled shrimps, or a whole fish."""
    (_mussels, _shrimps, _fish)[rng.integers(3)](canvas, rng, spot)


def _mussels(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Dark pointed shells, some open with orange flesh."""
    shell = hsv(rng.uniform(0.55, 0.75), rng.uniform(0.1, 0.4), rng.uniform(0.14, 0.3))
    steps = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    drop = np.stack([np.cos(steps), 0.52 * np.sin(steps) * (1 + 0.45 * np.cos(steps))], axis=1)
    for at in scatter(rng, spot.at, spot.radius * 0.68, int(rng.integers(6, 11))):
        angle, size = rng.uniform(0, 6.3), spot.radius * rng.uniform(0.3, 0.38)
        canvas.fill(place(drop * 1.08, at + 0.008, angle=angle, scale=size), (14, 13, 16))
        canvas.fill(place(drop, at, angle=angle, scale=size), shade(shell, rng.uniform(0.9, 1.6)))
        if rng.random() < 0.6:
            canvas.fill(place(drop * 0.84, at, angle=angle, scale=size), blend(shell, (206, 204, 214), 0.7))
            flesh = oval((0.1, 0), 0.5, 0.28)
            canvas.fill(place(flesh, at, angle=angle, scale=size), hsv(rng.uniform(0.06, 0.11), 0.65, 0.9))
        else:
            for bend in (0.15, 0.4):
                ridge = np.stack([np.linspace(-0.8, 0.8, 9), bend * (1 - np.linspace(-1, 1, 9) ** 2)], axis=1)
                canvas.line(
                    place(ridge, at, angle=angle, scale=size), 0.01, blend(shell, (180, 186, 210), 0.45)
                )


def _shrimps(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Bodies curled like a C, in bands, thick at the head, with a fan for a tail."""
    colour = hsv(rng.uniform(0.015, 0.06), rng.uniform(0.4, 0.72), rng.uniform(0.75, 0.96))
    count = int(rng.integers(3, 7))
    size = spot.radius * (0, 0, 0, 0.42, 0.38, 0.36, 0.33)[count]
    for at in around(rng, spot, count, reach=0.56):
        turn, sense = rng.uniform(0, 6.3), rng.choice((-1, 1))
        for number, along in enumerate(np.linspace(0, 4.1, 13)):
            angle = turn + sense * along
            here = at + np.array([np.cos(angle), np.sin(angle)]) * size * 0.72
            thick = size * (0.42 - 0.02 * number)
            canvas.fill(oval(here + 0.006, thick), shade(colour, 0.5)) if number == 0 else None
            canvas.fill(oval(here, thick), shade(colour, 1.12 if number % 2 else 0.82))
        angle = turn + sense * 4.4
        here = at + np.array([np.cos(angle), np.sin(angle)]) * size * 0.75
        for spread in (-0.5, 0.0, 0.5):
            tail = oval((0.32 * size, 0), 0.34 * size, 0.11 * size)
            canvas.fill(place(tail, here, angle=angle + sense * np.pi / 2 + spread), shade(colour, 0.75))


def _fish(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A whole fish: a pointed body, forked tail, fins, gill, eye and rows of scales or cuts."""
    skin = ((150, 160, 168), (196, 132, 104), (150, 116, 78), (112, 126, 120))[rng.integers(4)]
    skin = vary(skin, rng, 0.12)
    steps = np.linspace(0, 1, 22)
    half = 0.34 * np.sin(np.pi * steps**0.75) ** 0.9 + 0.035
    body = np.concatenate(
        [np.stack([1 - 1.75 * steps, half], 1), np.stack([1 - 1.75 * steps, -half], 1)[::-1]]
    )
    tail = np.array([[-0.65, 0.0], [-1.08, 0.32], [-0.95, 0.0], [-1.08, -0.32]])
    count, angle = int(rng.integers(1, 3)), rng.uniform(0, 6.3)
    across = np.array([-np.sin(angle), np.cos(angle)])
    for row in range(count):
        size = spot.radius * (0.98 if count == 1 else 0.88)
        at = spot.at + across * (row - (count - 1) / 2) * spot.radius * 0.72

        def put(shape: np.ndarray, at: np.ndarray = at, size: float = size) -> np.ndarray:
            """Into the picture, lying along the fish."""
            return place(shape, at, angle=angle, scale=size)

        lay(canvas, [put(body)])
        canvas.fill(put(tail), shade(skin, 0.7))
        canvas.fill(put(oval((0.1, 0.34), 0.25, 0.1)), shade(skin, 0.7))
        canvas.fill(put(body), shade(skin, 0.85))
        canvas.fill(put(body * (1.0, 0.72) - (0, 0.05)), shade(skin, 1.12))
        for along in np.linspace(-0.4, 0.4, 5):
            canvas.line(
                put(np.array([[along, -0.2], [along + 0.1, 0.0], [along, 0.2]])), 0.014, shade(skin, 0.6)
            )
        canvas.line(put(np.array([[0.62, -0.22], [0.54, 0.0], [0.62, 0.22]])), 0.018, shade(skin, 0.5))
        canvas.fill(put(oval((0.78, -0.05), 0.07)), (240, 238, 226))
        canvas.fill(put(oval((0.78, -0.05), 0.04)), (20, 20, 22))


def draw_vegetable_fruit(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """A salad of leaves and slices, cut citrus, or whole fruit."""
    (_salad, _wheels, _whole_fruit)[rng.integers(3)](canvas, rng, spot)


def _salad(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Frilly leaves under slices of tomato, cucumber and onion."""
    green = hsv(rng.uniform(0.2, 0.34), rng.uniform(0.45, 0.8), rng.uniform(0.4, 0.75))
    angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    for at in scatter(rng, spot.at, spot.radius * 0.65, 9):
        frill = (
            1.0 + 0.1 * np.cos(angles * 9 + rng.uniform(0, 6)) + 0.12 * np.cos(angles * 2 + rng.uniform(0, 6))
        )
        leaf = np.stack([np.cos(angles), 0.7 * np.sin(angles)], axis=1) * frill[:, None] * spot.radius * 0.4
        turn, tone = rng.uniform(0, 6.3), rng.uniform(0.7, 1.2)
        canvas.fill(place(leaf, at + 0.008, angle=turn), shade(green, 0.45))
        canvas.fill(place(leaf, at, angle=turn), shade(green, tone))
        rib = np.array([[-0.34, 0.0], [0.34, 0.0]]) * spot.radius
        canvas.line(place(rib, at, angle=turn), 0.012, blend(shade(green, tone), (240, 246, 214), 0.5))
    for at in scatter(rng, spot.at, spot.radius * 0.7, int(rng.integers(4, 9))):
        size = spot.radius * rng.uniform(0.14, 0.2)
        rim, flesh = (
            ((176, 34, 26), (222, 84, 62)),
            ((62, 110, 48), (206, 222, 162)),
            ((140, 70, 120), (232, 214, 230)),
        )[rng.integers(3)]
        canvas.fill(oval(at, size), rim)
        canvas.fill(oval(at, size * 0.82), flesh)
        for turn in np.arange(5) * 2 * np.pi / 5:
            seed = at + np.array([np.cos(turn), np.sin(turn)]) * size * 0.45
            canvas.fill(oval(seed, size * 0.13), blend(flesh, (250, 230, 150), 0.5))


def _wheels(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Slices of orange, lemon, lime, grapefruit or kiwi: wheels with spokes."""
    count = int(rng.integers(2, 7))
    size = spot.radius * (0, 0, 0.52, 0.48, 0.44, 0.4, 0.36)[count]
    hue = rng.choice((0.03, 0.085, 0.14, 0.24))
    flesh = hsv(hue + rng.normal(0, 0.01), rng.uniform(0.6, 0.85), rng.uniform(0.75, 0.97))
    places = around(rng, spot, count, reach=0.58)
    lay(canvas, repeat(CIRCLE, places, np.zeros(count), size))
    for at in places:
        canvas.fill(oval(at, size), shade(flesh, 0.82))
        canvas.fill(oval(at, size * 0.9), blend(flesh, (255, 252, 236), 0.75))
        turn = rng.uniform(0, 6.3)
        for spoke in range(8):
            segment = np.array(
                [[0.1, 0.0], [0.62, -0.26], [0.78, -0.16], [0.8, 0.0], [0.78, 0.16], [0.62, 0.26]]
            )
            canvas.fill(
                place(segment, at, angle=turn + spoke * np.pi / 4, scale=size),
                shade(flesh, rng.uniform(0.92, 1.06)),
            )


def _whole_fruit(canvas: Canvas, rng: Generator, spot: Spot) -> None:
    """Grapes, tomatoes, apples or plums: smooth shining balls, with stalk and leaf where they are large."""
    count = int(rng.choice((3, 4, 5, 12, 18)))
    size = spot.radius * {3: 0.46, 4: 0.42, 5: 0.38, 12: 0.22, 18: 0.19}[count]
    colour = hsv(
        rng.choice((0.98, 0.02, 0.1, 0.22, 0.3, 0.78)), rng.uniform(0.5, 0.85), rng.uniform(0.4, 0.85)
    )
    places = (
        around(rng, spot, count, reach=0.55)
        if count < 8
        else scatter(rng, spot.at, spot.radius * 0.68, count)
    )
    canvas.shadow([oval(at, size) for at in places], offset=(0.01, 0.016), blur=0.014, strength=0.5)
    for at in places:
        canvas.fill(oval(at + 0.008, size * 1.04), shade(colour, 0.45))
        canvas.fill(blob(rng, at, size, rough=0.04), shade(colour, 0.66))
        canvas.fill(oval(at - size * 0.08, size * 0.86), colour)
        canvas.fill(oval(at - size * 0.2, size * 0.5), blend(colour, (255, 250, 220), 0.18))
        canvas.fill(oval(at - size * 0.34, size * 0.16), blend(colour, (255, 255, 255), 0.75))
        if count < 8:
            canvas.line(np.stack([at, at + size * np.array([0.1, -0.45])]), 0.02, (84, 60, 40))
            canvas.fill(
                place(box((0.3, 0), 0.28, 0.1, round_by=0.09), at, angle=-0.5, scale=size), (86, 128, 54)
            )
