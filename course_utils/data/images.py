"""Read pictures: every file the same way, in training, validation and prediction alike.

`read_image` gives upright 8-bit pixels whatever the file holds; `scan` decodes a whole list before training
and reports what is damaged. Listing folders is in `listing`, the decoding itself in `decode`; the names most
needed are found here too. See `notebooks/01_mean_std`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from course_utils.data.decode import MAX_MEGAPIXELS, ImageError, decode
from course_utils.data.listing import (
    IMAGE_EXTENSIONS,
    Listing,
    class_folders,
    describe_left_out,
    is_junk,
    list_images,
    natural_key,
    walk,
)
from course_utils.data.parallel import map_chunks
from course_utils.data.resizing import resize
from course_utils.data.scan import ScanReport, scan

__all__ = [
    "IMAGE_EXTENSIONS",
    "MAX_MEGAPIXELS",
    "ImageError",
    "Listing",
    "ScanReport",
    "class_folders",
    "describe_left_out",
    "is_junk",
    "list_images",
    "natural_key",
    "read_image",
    "read_image_float",
    "read_many",
    "scan",
    "walk",
]


def read_image(
    path: str | Path,
    *,
    mode: str = "RGB",
    size: tuple[int, int] | None = None,
    fit: str = "squash",
    interpolation: str = "bilinear",
    max_megapixels: float = MAX_MEGAPIXELS,
) -> np.ndarray:
    """Give the picture as uint8 (H, W, 3), or (H, W, 1) for mode "L".

    Exif orientation is applied, transparency lies over white, of an animation the first frame counts, 16-bit
    values v become round(v / 257). Pillow itself reads 16-bit *colour* by the high byte (at most 1/255 off).
    `size` (height, width) resizes by the rule `fit` ("squash", "crop" or "pad") and the `interpolation`, both
    those of `resizing`; antialiased. Raises ImageError (a ValueError) with the path and the reason for
    anything that is not a whole picture, or has over `max_megapixels`.
    """
    picture = decode(path, mode=mode, max_megapixels=max_megapixels)
    if size is not None:
        picture = resize(picture, size, fit=fit, interpolation=interpolation)
    pixels = np.array(picture)  # a copy that the caller may write to
    return pixels if pixels.ndim == 3 else pixels[:, :, np.newaxis]  # (H, W) -> (H, W, 1)


def read_image_float(
    path: str | Path,
    *,
    mode: str = "RGB",
    size: tuple[int, int] | None = None,
    fit: str = "squash",
    interpolation: str = "bilinear",
    max_megapixels: float = MAX_MEGAPIXELS,
) -> np.ndarray:
    """Give the picture as float32 in [0, 1], (H, W, 3) or (H, W, 1); otherwise as `read_image`.

    Grey pictures of 16 bits keep them all: the value 1000 becomes 1000 / 65535. 8-bit values become v / 255.
    """
    picture = decode(path, mode=mode, deep=True, max_megapixels=max_megapixels)
    if size is not None:
        picture = resize(picture, size, fit=fit, interpolation=interpolation)
    values = np.asarray(picture)
    unit = (
        values.astype(np.float32) / np.float32(255) if values.dtype == np.uint8 else values.astype(np.float32)
    )
    if unit.ndim == 2:
        unit = unit[:, :, np.newaxis]  # (H, W) -> (H, W, 1)
    if mode == "RGB" and unit.shape[2] == 1:
        unit = np.repeat(unit, 3, axis=2)  # (H, W, 1) -> (H, W, 3)
    return unit


def read_many(
    paths: Sequence[str | Path],
    *,
    size: tuple[int, int],
    mode: str = "RGB",
    fit: str = "squash",
    interpolation: str = "bilinear",
    num_workers: int | None = None,
) -> np.ndarray:
    """Give all pictures at one `size` (height, width) as a uint8 array (N, H, W, C), decoded on all cores.

    `fit` and `interpolation` as in `read_image`.
    """
    height, width = size
    pixels = np.empty((len(paths), height, width, 3 if mode == "RGB" else 1), dtype=np.uint8)

    def fill(start: int, chunk: Sequence[str | Path]) -> None:
        for offset, path in enumerate(chunk):
            pixels[start + offset] = read_image(
                path, mode=mode, size=size, fit=fit, interpolation=interpolation
            )

    map_chunks(fill, paths, num_workers=num_workers)
    return pixels
