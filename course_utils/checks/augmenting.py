"""Exercises of `notebooks/06_augmentation`: salt and pepper, and what CutMix makes of a label."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_shape
from course_utils.checks.exercise import Exercise, Wrong


def _verify_salt_and_pepper(answer: Callable[..., Any]) -> None:
    picture = np.full((60, 80, 3), 120, dtype=np.uint8)
    given = picture.copy()
    got = answer(given, 0.2, 3)
    if not np.array_equal(given, picture):
        raise Wrong("your function changes the picture that it was given: work on a copy")
    if not isinstance(got, np.ndarray) or got.dtype != np.uint8:
        raise Wrong(f"return a uint8 array like the picture, got {getattr(got, 'dtype', type(got).__name__)}")
    same_shape(got, picture)
    changed = (got != picture).any(axis=2)
    values = set(np.unique(got[changed]).tolist())
    if values == {0, 1} or (1 in values and 255 not in values):
        raise Wrong("your salt has the value 1, which is nearly black on a scale to 255: white is 255")
    if changed.any() and (got[changed].min(axis=1) != got[changed].max(axis=1)).any():
        raise Wrong("some pixels change in one channel only: grains are white or black, not coloured")
    if values != {0, 255}:
        raise Wrong(
            f"the changed pixels have the values {sorted(values)}, expected 0 (pepper) and 255 (salt)"
        )
    share = changed.mean()
    if not 0.16 < share < 0.24:
        raise Wrong(f"with amount 0.2 you change {share:.0%} of the pixels, expected about 20 %")
    many = answer(picture.copy(), 0.9, 5) != picture
    if not (many[-1].any() and many[:, -1].any() and many[0].any() and many[:, 0].any()):
        raise Wrong("the border is never reached: does your random position exclude the last row or column?")
    salt = (got[changed] == 255).all(axis=1).mean()
    if not 0.4 < salt < 0.6:
        raise Wrong(f"{salt:.0%} of the grains are white, expected about half")
    if not np.array_equal(answer(picture.copy(), 0.2, 3), got):
        raise Wrong("the same seed gives another result: draw from `np.random.default_rng(seed)`")
    if np.array_equal(answer(picture.copy(), 0.2, 4), got):
        raise Wrong("another seed gives the same result: does your generator use `seed`?")


SALT_AND_PEPPER = Exercise(
    name="salt_and_pepper",
    question="Write `salt_and_pepper(image, amount, seed)`: each pixel of a uint8 picture (H, W, 3) becomes "
    "white or black with probability `amount`, half of those white. The input stays as it is, and equal "
    "seeds "
    "give equal results.",
    verify=_verify_salt_and_pepper,
    hint_text="Draw a number for each pixel: `np.random.default_rng(seed).random(image.shape[:2])`. Below "
    "`amount / 2` is salt, from there to `amount` is pepper. No positions are needed.",
    solution_source="""
        import numpy as np

        def salt_and_pepper(image, amount, seed):
            draws = np.random.default_rng(seed).random(image.shape[:2])
            noisy = image.copy()
            noisy[draws < amount / 2] = 255
            noisy[(draws >= amount / 2) & (draws < amount)] = 0
            return noisy
    """,
    praise="A number per pixel reaches every pixel, which drawn positions often do not.",
    wrong_answers={
        "white is 255": """
            import numpy as np

            def salt_and_pepper(image, amount, seed):
                draws = np.random.default_rng(seed).random(image.shape[:2])
                noisy = image.copy()
                noisy[draws < amount / 2] = 1
                noisy[(draws >= amount / 2) & (draws < amount)] = 0
                return noisy
        """,
        "the border is never reached": """
            import numpy as np

            def salt_and_pepper(image, amount, seed):
                rng = np.random.default_rng(seed)
                noisy = image.copy()
                inner = noisy[: image.shape[0] - 1, : image.shape[1] - 1]
                draws = rng.random(inner.shape[:2])
                inner[draws < amount / 2] = 255
                inner[(draws >= amount / 2) & (draws < amount)] = 0
                return noisy
        """,
        "changes the picture that it was given": """
            import numpy as np

            def salt_and_pepper(image, amount, seed):
                draws = np.random.default_rng(seed).random(image.shape[:2])
                image[draws < amount / 2] = 255
                image[(draws >= amount / 2) & (draws < amount)] = 0
                return image
        """,
        "not coloured": """
            import numpy as np

            def salt_and_pepper(image, amount, seed):
                draws = np.random.default_rng(seed).random(image.shape)
                noisy = image.copy()
                noisy[draws < amount / 2] = 255
                noisy[(draws >= amount / 2) & (draws < amount)] = 0
                return noisy
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def salt_and_pepper(image, amount, seed):
            rng = np.random.default_rng(seed)
            hit = rng.random(image.shape[:2]) < amount
            white = rng.random(image.shape[:2]) < 0.5
            grains = np.where(white, 255, 0).astype(np.uint8)[:, :, None]
            return np.where(hit[:, :, None], grains, image)
        """,
        """
        import numpy as np
        import torch

        def salt_and_pepper(image, amount, seed):
            draws = torch.rand(image.shape[:2], generator=torch.Generator().manual_seed(seed)).numpy()
            noisy = image.copy()
            noisy[draws < amount] = 0
            noisy[draws < amount / 2] = 255
            return noisy
        """,
    ],
)

_PASTES = [
    ((0, 0, 8, 8), (16, 16), 0, 2),  # top, left, bottom, right of the box that was drawn
    ((-4, -4, 4, 4), (16, 16), 1, 0),  # reaches over the corner
    ((10, 5, 30, 25), (20, 30), 2, 1),
    ((0, 0, 10, 10), (10, 10), 0, 1),  # all of it
]


def _verify_pasted_target(answer: Callable[..., Any]) -> None:
    for box, size, label, pasted in _PASTES:
        called = f"pasted_target({box}, {size}, {label}, {pasted}, 3)"
        top, left, bottom, right = box
        height, width = size
        drawn = (bottom - top) * (right - left) / (height * width)
        inside = (min(bottom, height) - max(top, 0)) * (min(right, width) - max(left, 0)) / (height * width)
        want, swapped, unclipped = np.zeros(3), np.zeros(3), np.zeros(3)
        want[label], want[pasted] = 1 - inside, inside
        swapped[label], swapped[pasted] = inside, 1 - inside
        unclipped[label], unclipped[pasted] = 1 - drawn, drawn
        got = answer(box, size, label, pasted, 3)
        same_shape(got, (3,), what=called)
        values = np.asarray(got, dtype=float)
        if not np.allclose(values, want, atol=1e-6):
            if np.allclose(values, swapped, atol=1e-6):
                raise Wrong(f"{called}: the shares are swapped; the box shows the class that was pasted")
            if np.allclose(values, unclipped, atol=1e-6):
                raise Wrong(
                    f"{called}: part of this box lies outside the picture and was never pasted; count the "
                    "pixels "
                    "that really changed"
                )
            if not np.isclose(values.sum(), 1):
                raise Wrong(f"{called} sums to {values.sum():.3f}; a target is a distribution, its sum is 1")
        close(values, want, 1e-6, what=called)


PASTED_TARGET = Exercise(
    name="pasted_target",
    question="CutMix pastes a box of one picture into another. Write `pasted_target(box, size, label, "
    "pasted, "
    "num_classes)`: the soft target, a list or array of `num_classes` shares. `box` is (top, left, bottom, "
    "right) in pixels as it was drawn, and may reach outside the picture of `size` (height, width); "
    "`label` is "
    "the class of the picture, `pasted` that of the box.",
    verify=_verify_pasted_target,
    hint_text="Clip the box to the picture first: `max(top, 0)`, `min(bottom, height)` and so on. The "
    "share of "
    "the pasted class is the area that is left over the area of the picture.",
    solution_source="""
        import numpy as np

        def pasted_target(box, size, label, pasted, num_classes):
            (top, left, bottom, right), (height, width) = box, size
            tall = min(bottom, height) - max(top, 0)
            wide = min(right, width) - max(left, 0)
            share = tall * wide / (height * width)
            target = np.zeros(num_classes)
            target[label] += 1 - share
            target[pasted] += share
            return target
    """,
    praise="The label follows the pixels that are really there, not the lambda that was drawn.",
    wrong_answers={
        "never pasted": """
            import numpy as np

            def pasted_target(box, size, label, pasted, num_classes):
                top, left, bottom, right = box
                share = (bottom - top) * (right - left) / (size[0] * size[1])
                target = np.zeros(num_classes)
                target[label], target[pasted] = 1 - share, share
                return target
        """,
        "swapped": """
            import numpy as np

            def pasted_target(box, size, label, pasted, num_classes):
                top, left = max(box[0], 0), max(box[1], 0)
                bottom, right = min(box[2], size[0]), min(box[3], size[1])
                share = (bottom - top) * (right - left) / (size[0] * size[1])
                target = np.zeros(num_classes)
                target[label], target[pasted] = share, 1 - share
                return target
        """,
        "its sum is 1": """
            import numpy as np

            def pasted_target(box, size, label, pasted, num_classes):
                top, left = max(box[0], 0), max(box[1], 0)
                bottom, right = min(box[2], size[0]), min(box[3], size[1])
                target = np.zeros(num_classes)
                target[label] = 1
                target[pasted] = (bottom - top) * (right - left) / (size[0] * size[1])
                return target
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def pasted_target(box, size, label, pasted, num_classes):
            classes = np.full(size, label)
            classes[max(box[0], 0) : box[2], max(box[1], 0) : box[3]] = pasted
            return np.bincount(classes.ravel(), minlength=num_classes) / classes.size
        """,
        """
        def pasted_target(box, size, label, pasted, num_classes):
            rows = len(range(max(box[0], 0), min(box[2], size[0])))
            columns = len(range(max(box[1], 0), min(box[3], size[1])))
            share = rows * columns / (size[0] * size[1])
            return [(1 - share) * (k == label) + share * (k == pasted) for k in range(num_classes)]
        """,
    ],
)
