"""Leaves of the drawn seedlings: outlines by shape, and how a leaf is painted.

An outline is a pair of arrays (left, right), each of shape (N, 2), that run from the leaf's base at (0, 0) to
its tip near (1, 0) on either side of the midrib. A unit is the leaf's length.
"""

from dataclasses import dataclass, field

import numpy as np

from course_utils.data.samples.drawing import (
    Canvas,
    Colour,
    Generator,
    Points,
    blend,
    hsv,
    pairs,
    place,
    shade,
)

Outline = tuple[Points, Points]
STEPS = np.linspace(0.0, 1.0, 18)


def tapered(width: float, *, fullest: float = 0.45, blunt: float = 0.8, bend: float = 0.0) -> Outline:
    """A leaf whose half width rises to `width` at the part `fullest` of its length and falls to the tip.

    `blunt` below 1 rounds both ends, above 1 draws them out; `bend` is the sideways drift of the tip.
    """
    warped = STEPS ** (np.log(0.5) / np.log(fullest))
    half = width * np.sin(np.pi * warped) ** blunt
    return _sides(STEPS, bend * STEPS**2, half)


def blade(width: float, *, bend: float = 0.0, kink: float = 0.0, kink_at: float = 0.6) -> Outline:
    """A grass blade: parallel sides, long point; `bend` curves it, `kink` folds it (radians) at `kink_at`."""
    steps = np.linspace(0.0, 1.0, 26)
    half = width * np.minimum(1.0, 0.55 + 3.0 * steps) * np.clip(1.0 - steps**3, 0.0, 1.0) ** 0.8
    folded = 1.0 / (1.0 + np.exp(-(steps - kink_at) * 60.0))
    heading = 2.0 * bend * steps + kink * folded
    stride = np.diff(steps, prepend=0.0)
    return _sides(np.cumsum(np.cos(heading) * stride), np.cumsum(np.sin(heading) * stride), half, heading)


def kidney(breadth: float, *, notch: float, notch_at_tip: bool) -> Outline:
    """A leaf broader than long, notched at its tip (as a charlock's) or its base (as a cranesbill's)."""
    angles = np.linspace(np.pi, 0.0, 22)
    away = angles if notch_at_tip else np.pi - angles
    radius = 0.5 * (1.0 - notch * np.exp(-((away / 0.42) ** 2)))
    half = radius * np.sin(angles) * breadth
    return _sides(0.5 + radius * np.cos(angles), np.zeros_like(angles), half)


def palmate(lobes: int, *, depth: float) -> Outline:
    """A round leaf cut into `lobes` lobes like the fingers of a hand, notched where the stalk enters."""
    angles = np.linspace(np.pi, 0.0, 44)
    radius = 0.5 * (1.0 - depth * (0.5 - 0.5 * np.cos(angles * lobes)) ** 2)
    radius *= 1.0 - 0.6 * np.exp(-(((np.pi - angles) / 0.3) ** 2))
    return _sides(0.5 + radius * np.cos(angles), np.zeros_like(angles), 1.15 * radius * np.sin(angles))


def toothed(width: float, *, teeth: int, depth: float, fullest: float = 0.4) -> Outline:
    """A rhombic leaf with coarse teeth."""
    steps = np.linspace(0.0, 1.0, 6 * teeth + 1)
    half = width * np.where(steps < fullest, steps / fullest, (1.0 - steps) / (1.0 - fullest))
    saw = 1.0 - depth * ((steps * teeth * 1.0) % 1.0)
    return _sides(steps, np.zeros_like(steps), half * saw)


def _sides(along: Points, across: Points, half: Points, heading: Points | None = None) -> Outline:
    """The two sides of a leaf whose midrib runs through (along, across) and whose half width is `half`."""
    if heading is None:  # a straight midrib
        return pairs(along, across + half), pairs(along, across - half)
    sine, cosine = np.sin(heading), np.cos(heading)
    left = pairs(along - half * sine, across + half * cosine)
    right = pairs(along + half * sine, across - half * cosine)
    return left, right


@dataclass
class Plant:
    """A plant being put together: its frame on the canvas, its greens, and what has been drawn so far.

    Plant coordinates have their origin at the root; one unit is `size` of the picture's side. `frame` (2, 2)
    turns and foreshortens them, as a camera that looks down at a slant does.
    """

    rng: Generator
    centre: Points
    frame: Points
    green: Colour
    leaves: list[tuple[Outline, Colour, float]] = field(default_factory=list)
    stalks: list[tuple[Points, float, Colour]] = field(default_factory=list)

    @classmethod
    def at_random(cls, rng: Generator) -> "Plant":
        """A plant of random place, direction, size, slant and green; none of them says what species it is."""
        turn, slant = rng.uniform(0, 2 * np.pi, 2)
        squash = rng.uniform(0.7, 1.0)
        spin = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        lean = np.array([[np.cos(slant), np.sin(slant)], [-np.sin(slant), np.cos(slant)]])
        size = rng.uniform(0.36, 0.5)
        frame = spin @ lean @ np.diag([1.0, squash]) @ lean.T * size
        green = hsv(rng.normal(0.25, 0.03), rng.uniform(0.45, 0.78), rng.uniform(0.42, 0.78))
        return cls(rng, 0.5 + rng.uniform(-0.09, 0.09, 2), frame, green)

    def to_picture(self, points: Points) -> Points:
        """Plant coordinates to fractions of the picture's side."""
        return points @ self.frame + self.centre

    def stalk(self, start: Points, end: Points, width: float = 0.042) -> None:
        """A stalk, slightly bowed, paler than the leaves."""
        side = np.array([end[1] - start[1], start[0] - end[0]]) * self.rng.uniform(-0.12, 0.12)
        path = np.stack([start, (np.asarray(start) + end) / 2 + side, end])
        self.stalks.append((self.to_picture(path), width, blend(self.green, (190, 160, 120), 0.35)))

    def leaf(
        self,
        outline: Outline,
        at: Points,
        angle: float,
        length: float,
        *,
        rib: float = 0.3,
        tint: float = 1.0,
    ) -> None:
        """A leaf with its base `at`, pointing to `angle`; `rib` in [0, 1] is how clearly the midrib shows."""
        left, right = (self.to_picture(place(side, at, angle=angle, scale=length)) for side in outline)
        colour = shade(self.green, tint * float(np.exp(self.rng.normal(0, 0.06))))
        self.leaves.append(((left, right), colour, rib))

    def stalked_leaf(
        self,
        outline: Outline,
        angle: float,
        reach: float,
        length: float,
        *,
        rib: float = 0.3,
        tint: float = 1.0,
    ) -> None:
        """A leaf on a stalk of length `reach` that starts at the root."""
        base = np.array([np.cos(angle), np.sin(angle)]) * reach
        self.stalk(np.zeros(2), base)
        self.leaf(outline, base, angle + self.rng.normal(0, 0.12), length, rib=rib, tint=tint)

    def paint(self, canvas: Canvas) -> None:
        """Draw shadow, stalks, then leaves in the order in which they were added."""
        shapes = [np.concatenate([left, right[::-1]]) for (left, right), _, _ in self.leaves]
        offset = self.rng.uniform(0.008, 0.03) * np.array([1.0, 1.2])
        canvas.shadow(shapes, offset=offset, blur=0.018, strength=self.rng.uniform(0.4, 0.75))
        for path, width, colour in self.stalks:
            canvas.line(path, width * abs(np.linalg.det(self.frame)) ** 0.5, colour)
        for shape, ((left, right), colour, rib) in zip(shapes, self.leaves, strict=True):
            middle = (left + right) / 2
            canvas.fill(shape, shade(colour, 0.9))
            canvas.fill(np.concatenate([left * 0.94 + middle * 0.06, middle[::-1]]), shade(colour, 1.06))
            if rib > 0:
                stop = max(2, int(len(middle) * 0.88))
                canvas.line(middle[:stop], 0.008, blend(shade(colour, 1.06), (235, 240, 190), rib))
