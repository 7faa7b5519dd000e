"""Exercise of notebook 07: how many weights a bottleneck block has, its shortcut included."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong


def _verify_bottleneck_weights(answer: Callable[..., Any]) -> None:
    for in_channels, width, stride in ((256, 64, 1), (64, 64, 1), (256, 128, 2), (512, 128, 2)):
        out_channels = 4 * width
        branch = in_channels * width + 9 * width * width + width * out_channels
        projection = in_channels * out_channels
        needed = stride != 1 or in_channels != out_channels
        got, want = answer(in_channels, width, stride), branch + projection * needed
        what = f"bottleneck_weights({in_channels}, {width}, {stride})"
        same_type(got, (int, float), what=what)
        causes = {
            branch: "the 1x1 convolution of the shortcut is missing. It is needed where the block's output "
            "differs from its input in channels *or* in size",
            branch + projection: "here input and output have the same shape, so the shortcut has no weights",
            want + 2 * width + out_channels: "a convolution before a batch norm has no bias",
            in_channels * width + 10 * width * width + projection * needed: "the last convolution widens to "
            "4 times the width",
            2 * 9 * in_channels * in_channels: "those are two 3x3 convolutions on all channels; the "
            "bottleneck is what avoids them",
        }
        if got != want and got in causes:
            raise Wrong(f"{what} is {got:,}, expected {want:,}: {causes[got]}")
        close(got, want, what=what)


bottleneck_weights = Exercise(
    name="bottleneck_weights",
    question=(
        "Write `bottleneck_weights(in_channels, width, stride)`: the number of weights in all convolutions "
        "of a bottleneck block, those of its shortcut included where it needs one."
    ),
    verify=_verify_bottleneck_weights,
    hint_text=(
        "1x1 to `width`, 3x3 at `width`, 1x1 to `4 * width`; no biases. When do the block's input and its "
        "output have the same shape? There are two ways for them to differ."
    ),
    solution_source="""
        def bottleneck_weights(in_channels, width, stride):
            out_channels = 4 * width
            branch = in_channels * width + 9 * width * width + width * out_channels
            if stride == 1 and in_channels == out_channels:
                return branch
            return branch + in_channels * out_channels
    """,
    praise="The first block of a stage often has more weights in its shortcut than in the 3x3 convolution.",
    wrong_answers={
        "of the shortcut is missing": """
            def bottleneck_weights(in_channels, width, stride):
                return in_channels * width + 9 * width**2 + 4 * width**2
        """,
        "in channels *or* in size": """
            def bottleneck_weights(in_channels, width, stride):
                weights = in_channels * width + 9 * width**2 + 4 * width**2
                return weights + (in_channels * 4 * width if in_channels != 4 * width else 0)
        """,
        "has no weights": """
            def bottleneck_weights(in_channels, width, stride):
                return in_channels * width + 9 * width**2 + 4 * width**2 + in_channels * 4 * width
        """,
        "has no bias": """
            def bottleneck_weights(in_channels, width, stride):
                weights = (in_channels + 1) * width + (9 * width + 1) * width + (width + 1) * 4 * width
                same = stride == 1 and in_channels == 4 * width
                return weights + (0 if same else in_channels * 4 * width)
        """,
        "widens to 4 times": """
            def bottleneck_weights(in_channels, width, stride):
                weights = in_channels * width + 9 * width**2 + width**2
                same = stride == 1 and in_channels == 4 * width
                return weights + (0 if same else in_channels * 4 * width)
        """,
        "on all channels": "bottleneck_weights = lambda c, width, stride: 2 * 9 * c * c",
    },
    other_right_answers=(
        """
        def bottleneck_weights(in_channels, width, stride):
            projected = (in_channels, 1) != (4 * width, stride)
            return width * (in_channels + 9 * width + 4 * width) + projected * 4 * width * in_channels
        """,
        """
        from course_utils.models.resnet import Bottleneck

        def bottleneck_weights(in_channels, width, stride):
            block = Bottleneck(in_channels, width, stride=stride)
            return sum(p.numel() for p in block.parameters() if p.ndim == 4)
        """,
    ),
)
