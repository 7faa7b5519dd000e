"""What an audit wants to know of each picture, gathered in one decoding pass.

About 1.5 KB are kept per picture, whatever its size, so a large set fits into memory. Used by `audit`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils import files
from course_utils.data.decode import ImageError, decode
from course_utils.data.fingerprints import Fingerprint, fingerprint
from course_utils.data.parallel import map_chunks


@dataclass(frozen=True)
class PictureFacts:
    """One whole picture: upright size in pixels, storage, mean colour (3,) in [0, 1], and its prints.

    `jpeg_quantiser` is the mean of the first quantisation table, about 58 at quality 50 and 12 at 90, and 0
    for other formats: the higher, the stronger the compression.
    """

    path: Path
    width: int
    height: int
    mode: str
    file_format: str
    file_bytes: int
    jpeg_quantiser: float
    mean_colour: np.ndarray
    sha256: str
    print: Fingerprint


def picture_facts(path: Path) -> PictureFacts:
    """The facts of one file; ImageError when it cannot be read whole."""
    picture = decode(path)
    with Image.open(path) as header:
        mode, file_format = header.mode, header.format or ""
        tables = getattr(header, "quantization", None) or {}
    quantiser = float(np.mean(tables[min(tables)])) if tables else 0.0
    colour = np.asarray(picture).mean(axis=(0, 1), dtype=np.float64) / 255  # (H, W, 3) -> (3,)
    return PictureFacts(
        path=path,
        width=picture.width,
        height=picture.height,
        mode=mode,
        file_format=file_format,
        file_bytes=path.stat().st_size,
        jpeg_quantiser=quantiser,
        mean_colour=colour,
        sha256=files.sha256_file(path),
        print=fingerprint(picture),
    )


def collect_facts(
    paths: Sequence[Path], *, num_workers: int | None = None, progress: bool = False
) -> tuple[list[PictureFacts], list[tuple[Path, str]]]:
    """The facts of all pictures that can be read, and path and reason of those that cannot, each in order."""

    def work(_start: int, chunk: Sequence[Path]) -> list[PictureFacts | tuple[Path, str]]:
        return [_facts_or_reason(path) for path in chunk]

    parts = map_chunks(
        work, paths, num_workers=num_workers, progress=progress, description="auditing pictures"
    )
    everything = [one for part in parts for one in part]
    good = [one for one in everything if isinstance(one, PictureFacts)]
    bad = [one for one in everything if not isinstance(one, PictureFacts)]
    return good, bad


def _facts_or_reason(path: Path) -> PictureFacts | tuple[Path, str]:
    try:
        return picture_facts(path)
    except ImageError as error:
        return path, error.reason
