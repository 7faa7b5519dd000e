"""Mean and standard deviation of each channel over a folder, exactly.

The mean over all pixels is a sum divided once; the standard deviation needs the pooled variance. Both follow
without rounding from a histogram of the 256 values of each channel, whatever sizes the pictures have, and
histograms of parts add up. Averaging the standard deviations of the pictures, as many tutorials do, leaves
out how the pictures differ from one another and comes out too small; that figure is here too, for comparison.
Derived in `notebooks/01_mean_std`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.data.decode import MAX_MEGAPIXELS, ImageError, decode
from course_utils.data.parallel import map_chunks, map_in_processes
from course_utils.data.scan import ScanReport
from course_utils.params import check_choice

_VALUES = np.arange(256)


@dataclass(frozen=True, eq=False)
class ChannelStatistics:
    """Exact figures of a set of pictures; all in [0, 1] units, float64, one entry per channel.

    `histogram` (C, 256) counts pixels by value. `mean_of_image_mean` and `mean_of_image_std` average the
    pictures' own figures (population, not sample, standard deviation). `left_out` lists damaged files.
    """

    histogram: np.ndarray
    num_images: int
    mean_of_image_mean: tuple[float, ...]
    mean_of_image_std: tuple[float, ...]
    left_out: list[tuple[str, str]] = field(default_factory=list)

    @property
    def num_pixels(self) -> int:
        """Number of pixels (each counts once, not once per channel)."""
        return int(self.histogram[0].sum())

    @property
    def mean(self) -> tuple[float, ...]:
        """Mean of each channel over all pixels."""
        return tuple(total / (255 * count) for count, total, _ in _sums(self.histogram))

    @property
    def std(self) -> tuple[float, ...]:
        """Standard deviation of each channel over all pixels (divided by N)."""
        # Whole numbers of any length up to the last step: no cancellation in the difference.
        return tuple(
            math.sqrt((count * squares - total * total) / (count * count)) / 255
            for count, total, squares in _sums(self.histogram)
        )

    def merge(self, other: "ChannelStatistics") -> "ChannelStatistics":
        """Give the statistics of both sets together. Raises ValueError for different numbers of channels."""
        if self.histogram.shape != other.histogram.shape:
            raise ValueError(
                f"cannot merge statistics of {len(self.histogram)} and {len(other.histogram)} channels; "
                "compute both with the same mode"
            )
        return ChannelStatistics(
            histogram=self.histogram + other.histogram,
            num_images=self.num_images + other.num_images,
            mean_of_image_mean=_weighted(self, other, "mean_of_image_mean"),
            mean_of_image_std=_weighted(self, other, "mean_of_image_std"),
            left_out=self.left_out + other.left_out,
        )

    def as_dict(self) -> dict[str, Any]:
        """Give all figures as plain values for JSON, without the histogram."""
        return {
            "mean": list(self.mean),
            "std": list(self.std),
            "mean_of_image_mean": list(self.mean_of_image_mean),
            "mean_of_image_std": list(self.mean_of_image_std),
            "num_images": self.num_images,
            "num_pixels": self.num_pixels,
            "left_out": [{"path": path, "reason": reason} for path, reason in self.left_out],
        }

    def __str__(self) -> str:
        def row(name: str, values: tuple[float, ...]) -> str:
            return f"{name:<18} " + "  ".join(f"{value:.6f}" for value in values)

        lines = [
            row("mean", self.mean),
            row("std", self.std),
            row("mean of image std", self.mean_of_image_std),
            f"{self.num_images:,} pictures, {self.num_pixels:,} pixels",
        ]
        if self.left_out:
            lines.append(f"left out {len(self.left_out)} damaged pictures: {self.left_out[0][0]} ...")
        return "\n".join(lines)


def channel_statistics(
    pictures: Sequence[str | Path] | Sequence[np.ndarray],
    *,
    mode: str = "RGB",
    num_workers: int | None = None,
    progress: bool = False,
    on_bad: str = "stop",
    max_megapixels: float = MAX_MEGAPIXELS,
) -> ChannelStatistics:
    """Compute the statistics of picture files, or of uint8 arrays (H, W, C) or (H, W), of any mix of sizes.

    Files are read in `mode` ("RGB" or "L") as `read_image` does, on all cores (`num_workers`: how many);
    the result does not depend on it. `on_bad="stop"` raises ValueError with all damaged files, "leave_out"
    goes without them and lists them in `left_out`. Raises ValueError when there is nothing to compute from.
    """
    check_choice("on_bad", on_bad, ("stop", "leave_out"))
    if len(pictures) == 0:
        raise ValueError("there are no pictures to compute statistics from; check the folder")

    def measure(_start: int, chunk: Sequence[Any]) -> "_Part":
        return _Part(chunk, mode, max_megapixels)

    # Files need decoding, which two processes do twice as fast; an array is there already.
    spread = map_chunks if isinstance(pictures[0], np.ndarray) else map_in_processes
    parts = spread(measure, pictures, num_workers=num_workers, progress=progress, description="statistics")
    bad = [entry for part in parts for entry in part.bad]
    if bad and on_bad == "stop":
        bad_paths = {path for path, _ in bad}
        good = [Path(str(path)) for path in pictures if str(path) not in bad_paths]
        ScanReport(good, [(Path(path), reason) for path, reason in bad]).raise_if_bad()
    histograms = [histogram for part in parts for histogram in part.histograms]
    if not histograms:
        raise ValueError(f"none of the {len(pictures)} pictures can be read; the first: {': '.join(bad[0])}")
    channels = {len(histogram) for histogram in histograms}
    if len(channels) > 1:
        raise ValueError(
            f"the arrays have {sorted(channels)} channels; expected the same number in all of them"
        )
    figures = np.concatenate([rows for part in parts for rows in part.image_figures])  # (N, 2, C)
    return ChannelStatistics(
        histogram=np.stack(histograms).sum(axis=0),
        num_images=len(figures),
        mean_of_image_mean=_average(figures[:, 0]),
        mean_of_image_std=_average(figures[:, 1]),
        left_out=bad,
    )


class _Part:
    """What one chunk of pictures adds: histograms (C, 256), and figures of each picture."""

    def __init__(self, pictures: Sequence[Any], mode: str, max_megapixels: float) -> None:
        self.bad: list[tuple[str, str]] = []
        by_channels: dict[int, list[Any]] = {}  # flat histograms of C * 256 counts
        for picture in pictures:
            if isinstance(picture, np.ndarray):
                flat = _array_histogram(picture).ravel().tolist()
            else:
                try:
                    flat = decode(picture, mode=mode, max_megapixels=max_megapixels).histogram()
                except ImageError as error:
                    self.bad.append((str(picture), error.reason))
                    continue
            by_channels.setdefault(len(flat) // 256, []).append(flat)
        # A chunk at a time: so many small sums one by one would take a tenth of the whole time.
        tables = [np.array(rows, np.int64).reshape(len(rows), -1, 256) for rows in by_channels.values()]
        self.histograms = [table.sum(axis=0) for table in tables]
        self.image_figures = [_image_figures(table) for table in tables]


def _image_figures(table: np.ndarray) -> np.ndarray:
    """Give mean and standard deviation of each picture, (N, 2, C), from the histograms (N, C, 256)."""
    counts = table[:, :1].sum(axis=2)  # (N, 1)
    means = table @ _VALUES / counts  # (N, C)
    variances = table @ _VALUES**2 / counts - means**2
    stds = np.sqrt(np.maximum(variances, 0)) / 255
    return np.stack([means / 255, stds], axis=1)


def _array_histogram(pixels: np.ndarray) -> np.ndarray:
    """Count the values of a uint8 array (H, W, C) or (H, W): (C, 256)."""
    if pixels.dtype != np.uint8 or pixels.ndim not in (2, 3) or pixels.size == 0:
        raise ValueError(
            f"an array has dtype {pixels.dtype} and shape {pixels.shape}; expected uint8 (H, W, C) or (H, W)"
        )
    channels = pixels.reshape(-1, 1 if pixels.ndim == 2 else pixels.shape[2])  # (H * W, C)
    return np.stack([np.bincount(channel, minlength=256) for channel in channels.T]).astype(np.int64)


def _sums(histogram: np.ndarray) -> list[tuple[int, int, int]]:
    """Give count, sum and sum of squares of each channel as Python integers."""
    return [
        (int(row.sum()), int((row * _VALUES).sum()), int((row * _VALUES**2).sum()))
        for row in histogram.astype(np.int64)
    ]


def _average(rows: np.ndarray) -> tuple[float, ...]:
    """Give the mean over rows (N, C), rounded once (math.fsum), so that no grouping of the rows matters."""
    return tuple(math.fsum(column) / len(rows) for column in rows.T.tolist())


def _weighted(first: ChannelStatistics, second: ChannelStatistics, name: str) -> tuple[float, ...]:
    total = first.num_images + second.num_images
    pairs = zip(getattr(first, name), getattr(second, name), strict=True)
    return tuple((a * first.num_images + b * second.num_images) / total for a, b in pairs)
