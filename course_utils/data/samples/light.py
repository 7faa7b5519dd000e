"""Noise fields, light and film for the drawn sample sets, and how a finished picture is saved."""

from pathlib import Path

import numpy as np
from PIL import Image

from course_utils.data.samples.drawing import Generator


def fractal_noise(side: int, rng: Generator, *, roughness: float = 1.0, low: float = 1.0) -> np.ndarray:
    """Periodic random field (side, side), float32, mean 0 and standard deviation 1.

    Its spectrum falls as frequency ** -(1 + roughness) above `low` cycles per side: roughness 0 is grainy, 2
    smooth.
    """
    spectrum = np.fft.rfft2(rng.standard_normal((side, side), dtype=np.float32))
    rows = np.fft.fftfreq(side)[:, None] * side
    columns = np.fft.rfftfreq(side)[None, :] * side
    frequency = np.hypot(rows, columns)
    spectrum *= np.where(frequency < low, 0.0, np.maximum(frequency, low) ** -(1.0 + roughness))
    field = np.fft.irfft2(spectrum, s=(side, side))
    return ((field - field.mean()) / field.std()).astype(np.float32)


def window(field: np.ndarray, height: int, width: int, rng: Generator) -> np.ndarray:
    """A (height, width) piece of a square `field` at a random place, turned and mirrored at random."""
    if rng.random() < 0.5:
        field = field.T
    top, left = rng.integers(field.shape[0] - height + 1), rng.integers(field.shape[1] - width + 1)
    down, right = rng.choice((-1, 1), 2)
    return field[top : top + height, left : left + width][::down, ::right]


def white_balance(rng: Generator, amount: float) -> np.ndarray:
    """Logarithms of the gains of red, green, blue: warm or cool by about `amount`, with a trace of tint."""
    warmth, tint = rng.normal(0, amount), rng.normal(0, 0.15 * amount)
    return np.array([warmth + tint, -tint, tint - warmth])


def expose(image: Image.Image, rng: Generator, grain: np.ndarray, *, strength: float = 1.0) -> Image.Image:
    """Photograph the drawing: uneven light, exposure, contrast, white balance and `grain` from a noise field.

    `strength` scales all of them; 1 is what a hand-held camera indoors does.
    """
    contrast = np.exp(rng.normal(0, 0.12 * strength))
    gains = contrast * np.exp(rng.normal(0, 0.18 * strength) + white_balance(rng, 0.06 * strength))
    slope = rng.normal(0, 0.10 * strength, 2).astype(np.float32)
    height, width = image.height, image.width
    light = np.linspace(1 - slope[0], 1 + slope[0], height, dtype=np.float32)[:, None]
    light = light + np.linspace(-slope[1], slope[1], width, dtype=np.float32)[None, :]
    noise = np.float32(rng.uniform(0.5, 3.0) * strength) * window(grain, height, width, rng)
    lit = np.asarray(image, dtype=np.float32) + np.float32(110.0 * (1.0 - contrast) / contrast)
    lit *= light[:, :, None] * gains.astype(np.float32)
    lit += noise[:, :, None]
    return develop(lit)


def develop(light: np.ndarray) -> Image.Image:
    """Light, float32 (H, W, 3), to a picture; bright parts are compressed, as film does, so that few clip."""
    compressed = light * np.float32(0.45)
    compressed += np.float32(104.5)
    np.minimum(compressed, light, out=compressed)  # the knee lies at 190
    return Image.fromarray(np.clip(compressed, 0, 255, out=compressed).astype(np.uint8))


def save(image: Image.Image, path: Path, *, quality: int = 88) -> None:
    """Write a PNG (fast compression) or a JPEG, by the name's extension."""
    if path.suffix == ".png":
        image.save(path, compress_level=1)
    else:
        image.save(path, quality=quality)
