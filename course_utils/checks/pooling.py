"""The standard deviation over many pictures of many sizes: an exercise of `notebooks/01_mean_std`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from course_utils.checks.assertions import close
from course_utils.checks.exercise import Exercise, Wrong


def _mixed_pictures() -> list[np.ndarray]:
    """Three colour pictures of different size and brightness, uint8 (H, W, 3)."""
    generator = np.random.default_rng(7)
    sizes, levels = ((6, 4), (20, 30), (5, 5)), (30, 120, 220)
    return [
        generator.integers(level - 25, level + 25, (height, width, 3)).astype(np.uint8)
        for (height, width), level in zip(sizes, levels, strict=True)
    ]


def _over_pictures(pooled_std: Callable[..., Any]) -> None:
    pictures = _mixed_pictures()
    flat = np.concatenate([picture.reshape(-1, 3) for picture in pictures]) / 255
    means, stds = (
        np.array([getattr(picture / 255, name)(axis=(0, 1)) for picture in pictures])
        for name in ("mean", "std")
    )
    num_pixels = np.array([picture.shape[0] * picture.shape[1] for picture in pictures], dtype=float)
    equal = np.sqrt((stds**2).mean(axis=0) + means.var(axis=0))
    within = np.sqrt(num_pixels @ stds**2 / num_pixels.sum())
    known: Mapping[str, np.ndarray] = {
        "this is the average of the pictures' own standard deviations; how the pictures differ from one "
        "another is missing": stds.mean(axis=0),
        "this is the root of the average variance within the pictures; the variance between them is "
        "missing": np.sqrt((stds**2).mean(axis=0)),
        "this is the part within the pictures alone; add the variance of their means": within,
        "every picture counts the same here, but the pictures have different sizes: every pixel "
        "should": equal,
        "this is one number for all channels; keep the three channels apart": np.full(3, flat.std()),
    }
    got = pooled_std([picture.copy() for picture in pictures])
    if np.shape(got) == (3,):
        for reason, value in known.items():
            if np.allclose(np.asarray(got, dtype=float), value, rtol=1e-4):
                raise Wrong(reason)
    close(got, flat.std(axis=0), 1e-6)
    dark = [np.zeros((3, 3, 3), np.uint8), np.full((1, 9, 3), 255, np.uint8)]
    close(pooled_std(dark), np.full(3, 0.5), 1e-6, what="your result for a black and a white picture")


pooled_std = Exercise(
    name="pooled_std",
    question="Write `pooled_std(pictures)`: `pictures` is a list of uint8 arrays (H, W, 3) of different "
    "sizes. Return the standard deviation of each channel over all pixels of all pictures: three numbers, in "
    "units where 255 is 1. Do not keep all pixels in one array.",
    verify=_over_pictures,
    hint_text="Go through the pictures once and add up three things per channel: the number of pixels, the "
    "sum of the values, the sum of their squares. Take care: a uint8 value times itself overflows, so make "
    "whole numbers of 64 bits (or float64) first.",
    solution_source="""
        import numpy as np


        def pooled_std(pictures):
            count, total, squares = 0, np.zeros(3), np.zeros(3)
            for picture in pictures:
                values = picture.reshape(-1, 3) / 255  # (H * W, 3), float64
                count += len(values)
                total += values.sum(axis=0)
                squares += (values**2).sum(axis=0)
            mean = total / count
            return np.sqrt(squares / count - mean**2)
    """,
    praise="sums divided once: that is the whole secret, and it holds for losses and accuracies as well.",
    wrong_answers={
        "average of the pictures' own standard deviations": """
            import numpy as np
            def pooled_std(pictures):
                return np.mean([(picture / 255).std(axis=(0, 1)) for picture in pictures], axis=0)
        """,
        "every picture counts the same": """
            import numpy as np
            def pooled_std(pictures):
                means = np.array([(picture / 255).mean(axis=(0, 1)) for picture in pictures])
                squares = np.array([((picture / 255) ** 2).mean(axis=(0, 1)) for picture in pictures])
                return np.sqrt(squares.mean(axis=0) - means.mean(axis=0) ** 2)
        """,
        "the variance between them is missing": """
            import numpy as np
            def pooled_std(pictures):
                return np.sqrt(np.mean([(picture / 255).var(axis=(0, 1)) for picture in pictures], axis=0))
        """,
        "keep the three channels apart": """
            import numpy as np
            def pooled_std(pictures):
                return [np.concatenate([p.ravel() for p in pictures]).std() / 255] * 3
        """,
        "values differ": """
            import numpy as np
            def pooled_std(pictures):
                count = sum(p.shape[0] * p.shape[1] for p in pictures)
                mean = sum(p.sum(axis=(0, 1)) for p in pictures) / count
                squares = sum((p * p).sum(axis=(0, 1)) for p in pictures) / count  # overflows
                return np.sqrt(np.abs(squares - mean**2)) / 255
        """,
    },
    other_right_answers=[
        """
        import numpy as np
        def pooled_std(pictures):
            return np.concatenate([p.reshape(-1, 3) for p in pictures]).astype(float).std(axis=0) / 255
        """,
        """
        import numpy as np
        def pooled_std(pictures):
            n = np.array([p.shape[0] * p.shape[1] for p in pictures])
            means = np.array([(p / 255).mean(axis=(0, 1)) for p in pictures])
            variances = np.array([(p / 255).var(axis=(0, 1)) for p in pictures])
            mean = n @ means / n.sum()
            return list(np.sqrt(n @ (variances + (means - mean) ** 2) / n.sum()))
        """,
        """
        import torch
        def pooled_std(pictures):
            pixels = torch.cat([torch.from_numpy(p).reshape(-1, 3) for p in pictures])
            return (pixels.double() / 255).std(dim=0, correction=0)
        """,
    ],
)
