"""The tools that the drawn sample sets share: a canvas, shapes, noise, light, and seeded generators.

The drawings stand in for photographs where there is no network. Everything random comes from generators keyed
by words (`generator(seed, "seedlings", "train", 3, 17)`), so a picture depends on its key only, not on what
was drawn before it. Coordinates are fractions of the picture's side, (0, 0) at the top left, arrays of shape
(N, 2) holding (x, y). Colours are RGB tuples in [0, 255].
"""

import colorsys
import functools
import math
from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from course_utils.data.apportion import round_shares

Colour = tuple[int, int, int]
Points = np.ndarray
Place = Sequence[float] | np.ndarray  # (x, y)
Generator = np.random.Generator


def generator(*key: int | str) -> Generator:
    """The random generator that belongs to `key`: equal keys give equal numbers, in any order of calls."""
    digest = blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def number_to_draw(num_images: int | None, default: int, *, smallest: int) -> int:
    """How many pictures were asked for: `num_images`, or `default` where it is None.

    ValueError below `smallest`.
    """
    if num_images is not None and num_images < smallest:
        raise ValueError(
            f"num_images is {num_images}, which is too few: this set needs {smallest} or more, so that no "
            "class is empty. Leave num_images out to get the usual number."
        )
    return default if num_images is None else num_images


def class_counts(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` pictures over the classes in proportion to `weights`, at least one for each."""
    return round_shares(total, weights, required=range(len(weights)), ties=range(len(weights)))


# Colours


def hsv(hue: float, saturation: float, value: float) -> Colour:
    """An RGB colour from hue in turns (any real number), saturation and value in [0, 1] (clipped)."""
    red, green, blue = colorsys.hsv_to_rgb(
        hue % 1.0, min(max(saturation, 0.0), 1.0), min(max(value, 0.0), 1.0)
    )
    return int(red * 255), int(green * 255), int(blue * 255)


def shade(colour: Colour, factor: float) -> Colour:
    """`colour` made darker (factor below 1) or lighter (above 1)."""
    red, green, blue = colour
    return _in_range(red * factor), _in_range(green * factor), _in_range(blue * factor)


def _in_range(channel: float) -> int:
    return min(255, max(0, int(channel)))


def shades(colour: Colour, factors: np.ndarray) -> list[Colour]:
    """`shade` for each of many factors."""
    return list(map(tuple, np.clip(np.outer(factors, colour), 0, 255).astype(int).tolist()))


def blend(first: Colour, second: Colour, weight: float) -> Colour:
    """`first` with the part `weight` in [0, 1] of `second`."""
    (red, green, blue), (other_red, other_green, other_blue) = first, second
    return (
        int(red + (other_red - red) * weight),
        int(green + (other_green - green) * weight),
        int(blue + (other_blue - blue) * weight),
    )


def vary(colour: Colour, rng: Generator, amount: float = 0.08) -> Colour:
    """`colour` with a random change of brightness of about `amount` and a smaller one of each channel."""
    factor = 1.0 + amount * rng.standard_normal()
    red, green, blue = (
        min(255, max(0, int(channel * factor + 60 * amount * step)))
        for channel, step in zip(colour, rng.standard_normal(3), strict=True)
    )
    return red, green, blue


# Shapes


def pairs(x: np.ndarray, y: np.ndarray | float) -> Points:
    """Points (N, 2) from their coordinates; as `np.stack`, in a quarter of its time."""
    points = np.empty((len(x), 2))
    points[:, 0], points[:, 1] = x, y
    return points


def on_circle(angles: np.ndarray) -> Points:
    """The points of the unit circle at `angles` (N,), in radians."""
    return pairs(np.cos(angles), np.sin(angles))


@functools.cache
def ring(count: int = 24) -> Points:
    """`count` points of the unit circle, not to be written to."""
    points = on_circle(np.arange(count) * (2 * np.pi / count))
    points.flags.writeable = False
    return points


CIRCLE = ring()
LARGE_CIRCLE = ring(64)
_QUARTERS = np.stack([on_circle(np.linspace(0, np.pi / 2, 6) + turn * np.pi / 2) for turn in range(4)])
_CORNERS = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]])


def place(points: Points, at: Place, *, angle: float = 0.0, scale: float = 1.0) -> Points:
    """`points` scaled about the origin, turned by `angle` (radians), and moved to `at`."""
    if angle == 0:
        return points * scale + np.asarray(at)
    cosine, sine = math.cos(angle) * scale, math.sin(angle) * scale
    return points @ np.array([[cosine, sine], [-sine, cosine]]) + np.asarray(at)


def oval(at: Place, width: float, height: float | None = None, *, angle: float = 0.0) -> Points:
    """An ellipse of half axes `width` and `height` (default: a circle)."""
    circle = LARGE_CIRCLE if width > 0.2 else CIRCLE
    points = circle * (width, height or width)
    return place(points, at, angle=angle) if angle else points + np.asarray(at)


def blob(rng: Generator, at: Place, radius: float, *, rough: float = 0.15, count: int = 28) -> Points:
    """A rounded shape of random outline: a circle whose radius swings by about the part `rough`."""
    angles = np.arange(count) * (2 * np.pi / count)
    radii = np.ones(count)
    for wave in range(2, 6):
        radii += rough * rng.normal() / (wave - 0.5) * np.cos(wave * angles + rng.uniform(0, 6.3))
    return ring(count) * (radius * radii)[:, None] + np.asarray(at)


def box(at: Place, width: float, height: float, *, angle: float = 0.0, round_by: float = 0.0) -> Points:
    """A rectangle of half sides `width` and `height`, its corners rounded with radius `round_by`."""
    corners = _CORNERS * (width - round_by, height - round_by)  # (4, 2)
    if round_by:
        corners = (corners[:, None, :] + round_by * _QUARTERS).reshape(-1, 2)  # (24, 2)
    return place(corners, at, angle=angle)


def scatter(rng: Generator, at: Place, radius: float, count: int) -> Points:
    """`count` random places in a disc, (count, 2)."""
    angles = rng.uniform(0, 2 * np.pi, count)
    distances = radius * np.sqrt(rng.random(count))
    return on_circle(angles) * distances[:, None] + np.asarray(at)


def repeat(shape: Points, centres: Points, angles: Points, scales: Points | float = 1.0) -> Points:
    """Copies of `shape` (N, 2) at `centres` (K, 2), each turned and scaled: (K, N, 2)."""
    cosine, sine = np.cos(angles) * scales, np.sin(angles) * scales
    turns = np.stack([pairs(cosine, sine), pairs(-sine, cosine)], axis=1)  # (K, 2, 2)
    return np.einsum("nc,kcd->knd", shape, turns) + centres[:, None, :]


class Canvas:
    """A square picture drawn larger than it is and reduced at the end, so that edges come out smooth."""

    def __init__(self, side: int, background: Image.Image | Colour, *, oversample: int = 2) -> None:
        """`side`: pixels of the finished picture; a background picture is stretched over it."""
        self.side = side
        self.scale = side * oversample
        self._oversample = oversample
        # A background has no edges to smooth: it stays at its own size, which is cheap, till the first shape.
        self._zoom = 1
        if isinstance(background, Image.Image):
            self._image = background.resize((side, side), Image.Resampling.BILINEAR, reducing_gap=1.5)
        else:
            self._image = Image.new("RGB", (side, side), background)
        self._pen = ImageDraw.Draw(self._image)

    def _draw(self) -> ImageDraw.ImageDraw:
        """The pen at the large scale."""
        if self._zoom == 1:
            self._zoom = self._oversample
            self._image = self._image.resize((self.scale, self.scale), Image.Resampling.NEAREST)
            self._pen = ImageDraw.Draw(self._image)
        return self._pen

    def colour_at(self, point: Place) -> Colour:
        """The colour at a point inside the picture."""
        column, row = (int(part * self.side * self._zoom) for part in point)
        red, green, blue = self._image.crop((column, row, column + 1, row + 1)).tobytes()
        return red, green, blue

    def fill(self, points: Points, colour: Colour) -> None:
        """A filled polygon."""
        self._draw().polygon((points * self.scale).ravel().tolist(), fill=colour)

    def fill_many(self, shapes: Points, colours: Sequence[Colour]) -> None:
        """Many polygons of the same number of points, shape (K, N, 2), one colour each, drawn in order."""
        flat = (shapes * self.scale).reshape(len(shapes), -1).tolist()
        draw = self._draw()
        for outline, colour in zip(flat, colours, strict=True):
            draw.polygon(outline, fill=colour)

    def line(self, points: Points, width: float, colour: Colour) -> None:
        """An open line; `width` is a fraction of the side, at least one drawn pixel."""
        pixels = max(1, round(width * self.scale))
        self._draw().line((points * self.scale).ravel().tolist(), fill=colour, width=pixels)

    def shadow(
        self, shapes: Sequence[Points] | Points, *, offset: Place, blur: float, strength: float
    ) -> None:
        """Darken where `shapes` moved by `offset` lie, by the part `strength`, with an edge `blur` wide."""
        everything = np.concatenate(shapes) + np.asarray(offset)
        margin = 2 * blur + 1 / self.side
        low = np.floor(np.clip(everything.min(axis=0) - margin, 0, 1) * self.side).astype(int)
        high = np.ceil(np.clip(everything.max(axis=0) + margin, 0, 1) * self.side).astype(int)
        if (high <= low).any():
            return
        mask = Image.new("L", (int(high[0] - low[0]), int(high[1] - low[1])))
        draw = ImageDraw.Draw(mask)
        for points in shapes:
            pixels = (points + np.asarray(offset)) * self.side - low
            draw.polygon(pixels.ravel().tolist(), fill=int(255 * strength))
        mask = mask.filter(ImageFilter.BoxBlur(max(0.5, blur * self.side)))
        if self._zoom > 1:
            mask = mask.resize((mask.width * self._zoom, mask.height * self._zoom))
        left, top = (int(edge) * self._zoom for edge in low)
        self._image.paste((12, 9, 8), (left, top, left + mask.width, top + mask.height), mask)

    def finish(self) -> Image.Image:
        """The picture at its own size."""
        return self._image.reduce(self._zoom)
