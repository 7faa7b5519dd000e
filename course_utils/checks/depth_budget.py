"""The open exercise of notebook 07: a deep network at the price of a shallow one."""

from __future__ import annotations

from typing import Any

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Verdict, Wrong

MAX_MACS = 5_000_000  # the plain CNN of notebook 05, a quarter as wide, needs about as many at 32 pixels
MIN_LAYERS = 20
MIN_CHANNELS = 8  # a 1x1 convolution of stride 2 with fewer corrupts memory, channels_last on a CPU
_KEYS = {"block", "blocks", "width", "keep_resolution", "image_size"}
_CONVOLUTIONS = {"basic": 2, "bottleneck": 3}


def _verify_deep_budget(answer: Any) -> Verdict:
    import torch

    from course_utils.models.counting import count_macs, count_parameters
    from course_utils.models.resnet import BasicBlock, Bottleneck, ResNet

    same_type(answer, dict, what="deep_budget")
    if set(answer) != _KEYS:
        raise Wrong(f"deep_budget has the keys {sorted(map(str, answer))}, expected {sorted(_KEYS)}")
    if answer["block"] not in _CONVOLUTIONS:
        raise Wrong(f"block is {answer['block']!r}; expected 'basic' or 'bottleneck'")
    same_type(answer["blocks"], (list, tuple), what="blocks")
    for number in answer["blocks"]:
        same_type(number, int, what="a number in blocks")
    if not answer["blocks"] or min(answer["blocks"]) < 1:
        raise Wrong(f"blocks is {answer['blocks']}: give the number of blocks in each stage, at least 1 each")
    for key in ("width", "keep_resolution", "image_size"):
        same_type(answer[key], int, what=key)
    if not 1 <= answer["width"] <= 1024 or not 16 <= answer["image_size"] <= 256:
        raise Wrong("width goes from 1 to 1024, image_size from 16 to 256")
    layers = 2 + _CONVOLUTIONS[answer["block"]] * sum(answer["blocks"])
    if layers < MIN_LAYERS:
        raise Wrong(
            f"that network has {layers} layers with weights; {MIN_LAYERS} or more are asked for. Count the "
            "stem, the convolutions of the blocks and the linear layer; projections do not count"
        )
    if layers > 400:
        raise Wrong(f"{layers} layers are more than anybody can train here; stay below 400")
    kind = BasicBlock if answer["block"] == "basic" else Bottleneck
    if answer["width"] * kind.expansion < MIN_CHANNELS:
        raise Wrong(
            f"the first stage has {answer['width'] * kind.expansion} channels; give it {MIN_CHANNELS} or "
            "more. With fewer, the shortcuts' convolutions crash in PyTorch 2.14 (channels_last, CPU)"
        )
    with torch.device("meta"):
        model = ResNet(
            kind,
            answer["blocks"],
            num_classes=11,
            width=answer["width"],
            keep_resolution=answer["keep_resolution"],
        )
    macs = count_macs(model, image_size=answer["image_size"])
    if macs > MAX_MACS:
        raise Wrong(
            f"it costs {macs:,} multiply-adds a picture; at most {MAX_MACS:,} are allowed. Halving the width "
            "makes it about four times cheaper, and so does halving the side of the maps"
        )
    return Verdict(
        "correct",
        f"{layers} layers, {macs:,} multiply-adds, {count_parameters(model):,} parameters: within the "
        "budget. Now train it with the same recipe and seeds as the two networks of section 4, and compare.",
        "deep_budget",
    )


deep_budget = Exercise(
    name="deep_budget",
    question=(
        "Design a ResNet for the eleven foods with at least 20 layers with weights that costs no more than "
        "the CNN does at 32 pixels: `deep_budget = {'block': 'basic' or 'bottleneck', 'blocks': (...), "
        "'width': ..., 'keep_resolution': 0, 1 or 2, 'image_size': ...}`, at most 5 million multiply-adds. "
        "Then train it. Is the depth worth the width that it costs?"
    ),
    verify=_verify_deep_budget,
    hint_text=(
        "Layers: 2 + 2 * sum(blocks) with basic blocks, 2 + 3 * sum(blocks) with bottlenecks. All stages "
        "cost about the same, since the width doubles where the side halves. Begin with width 8 and three "
        "stages, and ask `count_macs`."
    ),
    solution_source="""
        deep_budget = {
            "block": "basic",
            "blocks": (3, 3, 3),
            "width": 8,
            "keep_resolution": 1,
            "image_size": 32,
        }
    """,
    wrong_answers={
        "20 or more are asked for": """
            deep_budget = {"block": "basic", "blocks": (2, 2, 2, 2), "width": 8, "keep_resolution": 1,
                           "image_size": 32}
        """,
        "multiply-adds a picture": """
            deep_budget = {"block": "basic", "blocks": (3, 3, 3), "width": 16, "keep_resolution": 2,
                           "image_size": 32}
        """,
        "expected 'basic' or 'bottleneck'": """
            deep_budget = {"block": "plain", "blocks": (3, 3, 3), "width": 8, "keep_resolution": 1,
                           "image_size": 32}
        """,
        "expected ['block'": "deep_budget = {'depth': 34}",
        "the first stage has 4 channels": """
            deep_budget = {"block": "basic", "blocks": (4, 4, 4), "width": 4, "keep_resolution": 1,
                           "image_size": 32}
        """,
        "at least 1 each": """
            deep_budget = {"block": "basic", "blocks": (9, 0, 3), "width": 8, "keep_resolution": 1,
                           "image_size": 32}
        """,
    },
    other_right_answers=(
        """
        deep_budget = {"block": "bottleneck", "blocks": [2, 2, 2], "width": 4, "keep_resolution": 1,
                       "image_size": 32}
        """,
        """
        deep_budget = dict(block="basic", blocks=(8, 8, 8, 8), width=8, keep_resolution=0, image_size=32)
        """,
    ),
)
