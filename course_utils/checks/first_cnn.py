"""Exercises of `notebooks/05_first_cnn` on file names, sizes and averages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close, equal, same_type
from course_utils.checks.exercise import Exercise, Wrong

_GOOD = [("3_127.jpg", 11, 3), ("10_0.jpg", 11, 10), ("0_15.png", 2, 0), ("training/7_12.jpg", 11, 7)]
_BAD = [
    ("0007.jpg", "a name without a label"),
    ("cat_3.jpg", "a name that starts with letters"),
    ("11_4.jpg", "a class that does not exist (there are 11, counted from 0)"),
    ("-1_4.jpg", "a negative class"),
]


def _verify_label_of(answer: Callable[..., Any]) -> None:
    for name, num_classes, want in _GOOD:
        called = f"label_of({name!r}, {num_classes})"
        got = answer(name, num_classes)
        same_type(got, int, what=called)
        if got != want:
            equal(got, want, what=called)
    for name, what in _BAD:
        try:
            got = answer(name, 11)
        except ValueError as error:
            if name.rsplit("/", maxsplit=1)[-1] not in str(error):
                raise Wrong(
                    f"for {name!r} you raise ValueError, but its message {str(error)!r} does not name the "
                    "file; "
                    "among 10,000 files nobody finds it"
                ) from None
            continue
        except (IndexError, KeyError, TypeError, AttributeError) as error:
            raise Wrong(
                f"for {name!r} your code stops with {type(error).__name__}; raise ValueError and name the "
                "file"
            ) from None
        if got == -1:
            raise Wrong(
                f"label_of({name!r}, 11) is -1: that is {what}, and -1 is a valid Python index, the last "
                "class"
            )
        raise Wrong(f"label_of({name!r}, 11) is {got!r}, but that is {what}: raise ValueError")


LABEL_OF = Exercise(
    name="label_of",
    question="Write `label_of(name, num_classes)`: the class number at the start of a file name such as "
    "`3_127.jpg`, which may stand behind folders. For every other name, and for a class that does not exist, "
    "raise `ValueError` with the name in the message.",
    verify=_verify_label_of,
    hint_text="`pathlib.PurePath(name).stem` takes folders and ending away, `re.fullmatch` asks the whole "
    "stem: "
    r"`(\d+)_\d+`. It gives None for names that do not fit. Then compare the number with `num_classes`.",
    solution_source=r"""
        import re
        from pathlib import PurePath

        def label_of(name, num_classes):
            found = re.fullmatch(r"(\d+)_\d+", PurePath(name).stem)
            if found is None or int(found[1]) >= num_classes:
                raise ValueError(f"{name}: expected a class from 0 to {num_classes - 1}, '_' and a number")
            return int(found[1])
    """,
    praise="A wrong label that nobody sees costs more than a run that stops.",
    wrong_answers={
        "-1 is a valid Python index": """
            def label_of(name, num_classes):
                try:
                    return int(name.split("/")[-1].split("_")[0])
                except ValueError:
                    return -1
        """,
        "does not name the file": """
            def label_of(name, num_classes):
                label = int(name.split("/")[-1].split("_")[0])
                if "_" not in name or not 0 <= label < num_classes:
                    raise ValueError("bad label")
                return label
        """,
        "a class that does not exist": r"""
            import re

            def label_of(name, num_classes):
                found = re.match(r"(\d+)_", name.split("/")[-1])
                if not found:
                    raise ValueError(name)
                return int(found[1])
        """,
        "stops with AttributeError": r"""
            import re

            def label_of(name, num_classes):
                return int(re.match(r"(\d+)_", name.split("/")[-1]).group(1))
        """,
    },
    other_right_answers=[
        """
        def label_of(name, num_classes):
            first, line, rest = name.split("/")[-1].partition("_")
            if not line or not first.isdigit() or int(first) not in range(num_classes):
                raise ValueError("cannot read a class from " + name)
            return int(first)
        """,
        r"""
        import os
        import re

        def label_of(name, num_classes):
            base = os.path.basename(name)
            for label in range(num_classes):
                if re.match(rf"{label}_\d+\.", base):
                    return label
            raise ValueError(f"no class in {base!r}")
        """,
    ],
)

_SIZES = [
    ((128, 128), (64, 128, 256, 512, 512)),
    ((64, 64), (16, 32, 64, 128, 128)),
    ((100, 70), (8, 16, 24)),
]


def _verify_num_features(answer: Callable[..., Any]) -> None:
    for (height, width), channels in _SIZES:
        called = f"num_features({height}, {width}, {channels})"
        got = answer(height, width, channels)
        same_type(got, int, what=called)
        halvings = len(channels)
        want = channels[-1] * (height // 2**halvings) * (width // 2**halvings)
        causes = {
            sum(channels)
            * (height // 2**halvings)
            * (width // 2**halvings): "only the last block's channels are left at the end",
            channels[-1] * height * width: "each block halves height and width",
            channels[-1] * (height // 2**halvings): "the map has a height and a width",
            height // 2**halvings * (width // 2**halvings): "every channel has such a map",
            channels[-1]
            * (height // (2 * halvings))
            * (width // (2 * halvings)): "halving five times divides by 2 * 2 * 2 * 2 * 2, not by 2 * 5",
        }
        if got != want and got in causes:
            raise Wrong(f"{called} is {got}, expected {want}: {causes[got]}")
        if got != want and (height, width) == (100, 70):
            raise Wrong(
                f"{called} is {got}, expected {want}: an odd row or column is dropped in every halving"
            )
        equal(got, want, what=called)


NUM_FEATURES = Exercise(
    name="num_features",
    question="Write `num_features(height, width, channels)`: how many numbers leave the convolution blocks "
    "for "
    "each picture, and enter the first linear layer? `channels` holds the output channels of the blocks; "
    "each "
    "block keeps the size (3x3 with padding 1) and then halves it (2x2 max pooling, which drops an odd row "
    "or "
    "column).",
    verify=_verify_num_features,
    hint_text="Halve height and width with `//` once for each block. What is left is a map for each "
    "channel of "
    "the last block.",
    solution_source="""
        def num_features(height, width, channels):
            for _ in channels:
                height, width = height // 2, width // 2
            return channels[-1] * height * width
    """,
    praise="The homework's `512 * 4 * 4` is this number for one picture size only.",
    wrong_answers={
        "an odd row or column is dropped": """
            def num_features(height, width, channels):
                return round(channels[-1] * height * width / 4 ** len(channels))
        """,
        "only the last block's channels": """
            def num_features(height, width, channels):
                factor = 2 ** len(channels)
                return sum(channels) * (height // factor) * (width // factor)
        """,
        "not by 2 * 5": """
            def num_features(height, width, channels):
                factor = 2 * len(channels)
                return channels[-1] * (height // factor) * (width // factor)
        """,
    },
    other_right_answers=[
        """
        def num_features(height, width, channels):
            shift = len(channels)
            return (height >> shift) * (width >> shift) * channels[-1]
        """,
        """
        import torch
        from torch import nn

        def num_features(height, width, channels):
            pools = nn.Sequential(*[nn.MaxPool2d(2) for _ in channels])
            return pools(torch.zeros(1, channels[-1], height, width)).numel()
        """,
    ],
)


def _verify_epoch_loss(answer: Callable[..., Any]) -> None:
    for means, sizes in (([1.0, 3.0], [64, 1]), ([0.5, 0.25, 2.0], [32, 32, 7]), ([2.0], [5])):
        called = f"epoch_loss({means}, {sizes})"
        got = answer(list(means), list(sizes))
        want = sum(mean * size for mean, size in zip(means, sizes, strict=True)) / sum(sizes)
        plain = sum(means) / len(means)
        if isinstance(got, int | float) and abs(got - plain) < 1e-9 < abs(plain - want):
            raise Wrong(
                f"{called} is {got:.4f}, expected {want:.4f}: you take the mean of the means, so a picture "
                "of the "
                "short last batch counts more than the others"
            )
        close(got, want, what=called)


EPOCH_LOSS = Exercise(
    name="epoch_loss",
    question="Write `epoch_loss(batch_means, batch_sizes)`: the mean loss over all pictures of an epoch, "
    "from "
    "the mean loss of each batch and its number of pictures.",
    verify=_verify_epoch_loss,
    hint_text="A batch's mean times its size is the sum of its losses. Add the sums, add the sizes, divide "
    "once.",
    solution_source="""
        def epoch_loss(batch_means, batch_sizes):
            total = sum(mean * size for mean, size in zip(batch_means, batch_sizes))
            return total / sum(batch_sizes)
    """,
    praise="Sums divided once: the rule for every average of this course.",
    wrong_answers={
        "the mean of the means": """
            def epoch_loss(batch_means, batch_sizes):
                return sum(batch_means) / len(batch_means)
        """,
        "expected 1.0": """
            def epoch_loss(batch_means, batch_sizes):
                total = sum(mean * size for mean, size in zip(batch_means, batch_sizes))
                return total / (batch_sizes[0] * len(batch_sizes))
        """,
    },
    other_right_answers=[
        """
        import numpy as np

        def epoch_loss(batch_means, batch_sizes):
            return np.average(batch_means, weights=batch_sizes)
        """,
        """
        import torch

        def epoch_loss(batch_means, batch_sizes):
            sizes = torch.tensor(batch_sizes, dtype=torch.float64)
            return torch.tensor(batch_means, dtype=torch.float64) @ sizes / sizes.sum()
        """,
    ],
)
