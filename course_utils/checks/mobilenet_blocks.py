"""Exercises of notebook 09 on what a small network costs: multiply-adds, map sizes, a budget."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close, equal, same_type
from course_utils.checks.exercise import Exercise, Wrong

MAX_MACS = 1_000_000
MAX_PARAMETERS = 500_000


def _verify_separable_macs(answer: Callable[..., Any]) -> None:
    for sizes in ((3, 16, 3, 10, 12), (40, 96, 5, 4, 4), (96, 96, 1, 7, 7)):
        in_channels, out_channels, kernel, height, width = sizes
        got, pixels = answer(*sizes), height * width
        depthwise, pointwise = in_channels * kernel**2, in_channels * out_channels
        what = f"separable_macs{sizes}"
        same_type(got, (int, float), what=what)
        causes = {
            in_channels * out_channels * kernel**2 * pixels: "that is the ordinary convolution",
            depthwise * pixels: "that is the depthwise part alone; the 1x1 convolution is missing",
            pointwise * pixels: "that is the 1x1 convolution alone; the depthwise part is missing",
            depthwise + pointwise: "those are the weights; each is used once per pixel of the map",
            2 * (depthwise + pointwise) * pixels: "count a multiplication and its addition as one",
            (out_channels * kernel**2 + pointwise) * pixels: "the depthwise filters come first, one for each "
            "input channel",
        }
        if got != (depthwise + pointwise) * pixels and got in causes:
            raise Wrong(f"{what} is {got:,}: {causes[got]}")
        close(got, (depthwise + pointwise) * pixels, what=what)


separable_macs = Exercise(
    name="separable_macs",
    question=(
        "Write `separable_macs(in_channels, out_channels, kernel, height, width)`: the multiply-adds of a "
        "depthwise convolution (stride 1, map size kept) followed by a 1x1 convolution."
    ),
    verify=_verify_separable_macs,
    hint_text=(
        "Two sums. Depthwise: every value of the map is made from `kernel * kernel` neighbours, in each of "
        "the input channels. 1x1: every output channel reads every input channel once. Both happen at each "
        "of the `height * width` places."
    ),
    solution_source="""
        def separable_macs(in_channels, out_channels, kernel, height, width):
            depthwise = in_channels * kernel * kernel
            pointwise = in_channels * out_channels
            return (depthwise + pointwise) * height * width
    """,
    praise="Divided by the ordinary count this is 1 / out_channels + 1 / kernel².",
    wrong_answers={
        "ordinary convolution": "def separable_macs(i, o, k, h, w):\n    return i * o * k * k * h * w",
        "depthwise part alone": "def separable_macs(i, o, k, h, w):\n    return i * k * k * h * w",
        "those are the weights": "def separable_macs(i, o, k, h, w):\n    return i * k * k + i * o",
        "as one": "def separable_macs(i, o, k, h, w):\n    return 2 * h * w * (i * k * k + i * o)",
        "one for each": "def separable_macs(i, o, k, h, w):\n    return h * w * (o * k * k + i * o)",
        "is 6840, expected 9000": "def separable_macs(i, o, k, h, w):\n    return h * w * (i * k + i * o)",
    },
    other_right_answers=(
        "separable_macs = lambda i, o, k, h, w: i * h * w * (k**2 + o)",
        """
        from course_utils.models.counting import count_macs
        from torch import nn

        def separable_macs(in_channels, out_channels, kernel, height, width):
            depthwise = nn.Conv2d(in_channels, in_channels, kernel, padding="same", groups=in_channels)
            layers = nn.Sequential(depthwise, nn.Conv2d(in_channels, out_channels, 1))
            return count_macs(layers, image_size=(height, width), in_channels=in_channels)
        """,
    ),
)


def _verify_map_sizes(answer: Callable[..., Any]) -> None:
    cases: tuple[tuple[int, list[int]], ...] = ((224, [2, 2, 1, 2]), (28, [2, 2, 2, 1, 2]), (7, [1, 2, 2, 2]))
    for image_size, strides in cases:
        sizes, floored, size, low = [], [], image_size, image_size
        for stride in strides:
            size, low = -(-size // stride), low // stride
            sizes.append(size)
            floored.append(low)
        got = answer(image_size, strides)
        what = f"map_sizes({image_size}, {strides})"
        same_type(got, (list, tuple), what=what)
        got = list(got)
        if got != sizes and got == floored:
            raise Wrong(
                f"{what} is {got}, expected {sizes}: an odd side is rounded up. With the padding, a filter "
                "still fits on the last pixel"
            )
        if got == [image_size, *sizes]:
            raise Wrong(f"{what} begins with the picture itself; give the size after each stride")
        if got == sizes[-1:] and len(strides) > 1:
            raise Wrong(f"{what} is {got}: give a size for each stride, not the last one only")
        equal(got, sizes, what=what)


map_sizes = Exercise(
    name="map_sizes",
    question=(
        "Write `map_sizes(image_size, strides)`: the list of the map's side after each of the convolutions, "
        "given their strides. All are padded so that stride 1 keeps the size."
    ),
    verify=_verify_map_sizes,
    hint_text=(
        "A stride of 2 computes the result at every second pixel, the first one included. Of 7 pixels these "
        "are the pixels 0, 2, 4, 6. How many is that, and how do you divide so that it comes out?"
    ),
    solution_source="""
        import math

        def map_sizes(image_size, strides):
            sizes = []
            for stride in strides:
                image_size = math.ceil(image_size / stride)
                sizes.append(image_size)
            return sizes
    """,
    praise="So 28 pixels end as 1 after five strides of 2, just as 32 do.",
    wrong_answers={
        "rounded up": """
            def map_sizes(image_size, strides):
                sizes = []
                for stride in strides:
                    image_size //= stride
                    sizes.append(image_size)
                return sizes
        """,
        "begins with the picture": """
            def map_sizes(image_size, strides):
                sizes = [image_size]
                for stride in strides:
                    sizes.append(-(-sizes[-1] // stride))
                return sizes
        """,
        "not the last one only": """
            def map_sizes(image_size, strides):
                for stride in strides:
                    image_size = -(-image_size // stride)
                return [image_size]
        """,
        "item 1 is": "def map_sizes(image_size, strides):\n    return [-(-image_size // s) for s in strides]",
    },
    other_right_answers=(
        """
        from itertools import accumulate

        def map_sizes(image_size, strides):
            sides = accumulate(strides, lambda side, stride: (side - 1) // stride + 1, initial=image_size)
            return list(sides)[1:]
        """,
        """
        import torch
        import torch.nn.functional as F

        def map_sizes(image_size, strides):
            sizes, map_ = [], torch.zeros(1, 1, image_size, image_size)
            for stride in strides:
                map_ = F.conv2d(map_, torch.zeros(1, 1, 3, 3), stride=stride, padding=1)
                sizes.append(map_.shape[-1])
            return tuple(sizes)
        """,
    ),
)


def _verify_lean_network(answer: Any) -> None:
    from course_utils.models.counting import count_macs, count_parameters
    from course_utils.models.mobilenet_v3 import mobilenet_v3_small

    same_type(answer, dict, what="lean_network")
    expected = {"image_size", "keep_resolution", "width_factor"}
    if set(answer) != expected:
        raise Wrong(f"lean_network has the keys {sorted(map(str, answer))}, expected {sorted(expected)}")
    image_size, keep = answer["image_size"], answer["keep_resolution"]
    same_type(image_size, int, what="image_size")
    same_type(keep, int, what="keep_resolution")
    same_type(answer["width_factor"], float, what="width_factor")
    if not 8 <= image_size <= 64 or not 0.05 <= answer["width_factor"] <= 2:
        raise Wrong("take an image_size from 8 to 64 and a width_factor from 0.05 to 2")
    model = mobilenet_v3_small(
        num_classes=10, in_channels=1, keep_resolution=keep, width_factor=float(answer["width_factor"])
    )
    macs, parameters = count_macs(model, image_size=image_size, in_channels=1), count_parameters(model)
    side = math.ceil(image_size / 2 ** (5 - keep))
    if macs > MAX_MACS:
        raise Wrong(f"it needs {macs:,} multiply-adds for a picture, more than {MAX_MACS:,}")
    if parameters > MAX_PARAMETERS:
        raise Wrong(f"it has {parameters:,} parameters, more than {MAX_PARAMETERS:,}")
    if side < 2:
        raise Wrong(f"the last map is {side} x {side}: no place is left to say where a stroke was")


lean_network = Exercise(
    name="lean_network",
    question=(
        f"Choose `lean_network = {{'width_factor': ..., 'keep_resolution': ..., 'image_size': ...}}` of a "
        f"MobileNetV3 small for one-channel digits: at most {MAX_MACS:,} multiply-adds and "
        f"{MAX_PARAMETERS:,} parameters, and a last map of at least 2 x 2. Then train it, and make it good."
    ),
    verify=_verify_lean_network,
    hint_text=(
        "The width counts twice (channels in and channels out), the side of the map too. Begin with "
        "`width_factor` 0.35 and see which of the limits you hit; `count_macs` and `count_parameters` tell."
    ),
    solution_source="""
        lean_network = {"width_factor": 0.35, "keep_resolution": 1, "image_size": 20}
    """,
    praise="It is within the limits. How accurate it can be is open: train it and compare.",
    wrong_answers={
        "multiply-adds for a picture": """
            lean_network = {"width_factor": 1.0, "keep_resolution": 1, "image_size": 32}
        """,
        "parameters, more than": """
            lean_network = {"width_factor": 0.75, "keep_resolution": 1, "image_size": 8}
        """,
        "the last map is 1 x 1": """
            lean_network = {"width_factor": 0.35, "keep_resolution": 0, "image_size": 32}
        """,
        "expected ['image_size'": "lean_network = {'width': 0.5, 'keep_resolution': 1, 'image_size': 20}",
    },
    other_right_answers=(
        "lean_network = {'width_factor': 0.25, 'keep_resolution': 1, 'image_size': 24}",
        "lean_network = dict(image_size=16, keep_resolution=2, width_factor=0.3)",
    ),
)
