"""The place of a dish on its plate, how things are laid there, and the colours that several dishes share."""

from dataclasses import dataclass

import numpy as np

from course_utils.data.samples.drawing import Canvas, Colour, Generator, Points, hsv, on_circle, vary

SAUCES: tuple[Colour, ...] = (
    (178, 62, 34),
    (214, 168, 96),
    (118, 72, 42),
    (112, 124, 58),
    (232, 214, 172),
    (204, 120, 48),
)


@dataclass(frozen=True)
class Spot:
    """Where the dish goes: the middle and the radius of the free area, in fractions of the picture's side."""

    at: Points
    radius: float


def brown(rng: Generator) -> Colour:
    """A baked or roasted colour, from pale gold to dark; the dishes of this file share it."""
    return hsv(rng.normal(0.085, 0.018), rng.uniform(0.4, 0.75), rng.uniform(0.38, 0.85))


def around(rng: Generator, spot: Spot, count: int, *, reach: float = 0.5) -> Points:
    """`count` places spread evenly about the middle of the dish, (count, 2), with some disorder."""
    if count == 1:
        return spot.at[None, :] + rng.normal(0, 0.02, (1, 2))
    angles = rng.uniform(0, 6.3) + np.arange(count) * 2 * np.pi / count + rng.normal(0, 0.15, count)
    distances = spot.radius * reach * rng.uniform(0.8, 1.15, count)
    return on_circle(angles) * distances[:, None] + spot.at


def lay(canvas: Canvas, shapes: Points | list[Points]) -> None:
    """The shadow of things that lie on the plate; `shapes` (K, N, 2) or a list of outlines."""
    canvas.shadow(shapes, offset=(0.01, 0.016), blur=0.014, strength=0.5)


def sauce(rng: Generator) -> Colour:
    """Tomato, curry, gravy, herbs, cream, or pumpkin: shared by noodles, rice and soup."""
    return vary(SAUCES[rng.integers(len(SAUCES))], rng, 0.1)
