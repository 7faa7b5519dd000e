"""Exercises of notebook 11 on networks that append channels: what a stage costs, what fits a budget."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Wrong

MAX_MACS = 45_000_000  # at 64 px; rdnet_mini needs a little less
MAX_PARAMETERS = 1_250_000
_KEYS = ("growth_rates", "blocks", "halves", "gates", "initial_features")


def _stage(
    channels: int, growth_rate: int, num_blocks: int, *, tied: bool = True, grows: bool = True
) -> tuple[int, int]:
    """Multiply-adds per pixel of a stage: (of the depthwise filters, of the 1x1 convolutions)."""
    depthwise, pointwise = 0, 0
    for block in range(num_blocks):
        width = channels + block * growth_rate * grows
        inner = 4 * (width if tied else growth_rate)
        depthwise += 49 * width
        pointwise += width * inner + inner * growth_rate
    return depthwise, pointwise


def _verify_stage_macs(answer: Callable[..., Any]) -> None:
    for sizes in ((64, 16, 1, 7), (64, 32, 3, 14), (120, 24, 6, 5)):
        channels, growth_rate, num_blocks, side = sizes
        got, pixels = answer(*sizes), side * side
        depthwise, pointwise = _stage(channels, growth_rate, num_blocks)
        want = (depthwise + pointwise) * pixels
        what = f"stage_macs{sizes}"
        same_type(got, (int, float), what=what)
        causes = {
            sum(_stage(channels, growth_rate, num_blocks, grows=False)) * pixels: "every block reads all "
            "channels so far: the second one reads `channels + growth_rate`",
            sum(_stage(channels, growth_rate, num_blocks, tied=False)) * pixels: "that is DenseNet's rule; "
            "here the inner width is 4 times the *input's* width, not 4 times the growth rate",
            pointwise * pixels: "the 7x7 depthwise convolution is missing",
            want // pixels: "those are the multiply-adds for one pixel; the map has `side * side`",
            want // side: "the map has `side * side` pixels",
            2 * want: "count a multiplication and its addition as one",
        }
        if got == want:
            continue
        reason = f": {causes[got]}" if got in causes else ""
        raise Wrong(f"{what} is {got:,}, expected {want:,}{reason}")


stage_macs = Exercise(
    name="stage_macs",
    question=(
        "Write `stage_macs(channels, growth_rate, num_blocks, side)`: the multiply-adds of a stage of RDNet "
        "for one picture. `channels` enter, each block appends `growth_rate`, the map is `side * side`, the "
        "expansion is 4. Biases, norms and gates do not count."
    ),
    verify=_verify_stage_macs,
    hint_text=(
        "Go from block to block and keep the width `w` that the block reads. It does three things at every "
        "pixel: a 7x7 filter for each of its `w` channels, a 1x1 convolution from `w` to `4 * w`, and one "
        "from `4 * w` to `growth_rate`. How wide is the next block's input?"
    ),
    solution_source="""
        def stage_macs(channels, growth_rate, num_blocks, side):
            total = 0
            for block in range(num_blocks):
                width = channels + block * growth_rate
                inner = 4 * width
                total += 49 * width + width * inner + inner * growth_rate
            return total * side**2
    """,
    praise="The square of the width is in it, so long stages are dear: three blocks, then a transition.",
    wrong_answers={
        "every block reads all": """
            def stage_macs(channels, growth_rate, num_blocks, side):
                inner = 4 * channels
                block = 49 * channels + channels * inner + inner * growth_rate
                return num_blocks * block * side**2
        """,
        "DenseNet's rule": """
            def stage_macs(channels, growth_rate, num_blocks, side):
                total, inner = 0, 4 * growth_rate
                for width in range(channels, channels + num_blocks * growth_rate, growth_rate):
                    total += 49 * width + width * inner + inner * growth_rate
                return total * side**2
        """,
        "depthwise convolution is missing": """
            def stage_macs(channels, growth_rate, num_blocks, side):
                widths = range(channels, channels + num_blocks * growth_rate, growth_rate)
                return sum(4 * w * w + 4 * w * growth_rate for w in widths) * side**2
        """,
        "for one pixel": """
            def stage_macs(channels, growth_rate, num_blocks, side):
                widths = range(channels, channels + num_blocks * growth_rate, growth_rate)
                return sum(49 * w + 4 * w * w + 4 * w * growth_rate for w in widths)
        """,
        "stage_macs(64, 16, 1, 7) is": """
            def stage_macs(c, g, n, s):
                return sum(9 * w + 4 * w * (w + g) for w in [c] * n)
        """,
    },
    other_right_answers=(
        """
        stage_macs = lambda c, g, n, s: s * s * sum(w * (49 + 4 * (w + g)) for w in range(c, c + n * g, g))
        """,
        """
        from course_utils.models.counting import count_macs
        from course_utils.models.rdnet import DenseStage

        def stage_macs(channels, growth_rate, num_blocks, side):
            stage = DenseStage(
                channels,
                growth_rate,
                expansion=4.0,
                gate=False,
                layer_scale=1.0,
                drop_paths=[0.0] * num_blocks,
            )
            return count_macs(stage, image_size=side, in_channels=channels)
        """,
    ),
)


def _verify_dense_plan(answer: Any) -> None:
    from course_utils.models.counting import count_macs, count_parameters
    from course_utils.models.rdnet import RDNet, Sizes

    same_type(answer, dict, what="dense_plan")
    if set(answer) != set(_KEYS):
        raise Wrong(f"dense_plan has the keys {sorted(map(str, answer))}, expected {sorted(_KEYS)}")
    lists = {key: answer[key] for key in _KEYS[:4]}
    for key, entries in lists.items():
        same_type(entries, (list, tuple), what=key)
        for entry in entries:
            same_type(entry, bool if key in ("halves", "gates") else int, what=f"an entry of {key}")
    lengths = {key: len(entries) for key, entries in lists.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        told = ", ".join(f"{key} {length}" for key, length in lengths.items())
        raise Wrong(f"every list has an entry for each stage, but their lengths are: {told}")
    same_type(answer["initial_features"], int, what="initial_features")
    numbers = [*answer["growth_rates"], *answer["blocks"], answer["initial_features"]]
    if min(numbers) < 1 or max(numbers) > 512 or sum(answer["blocks"]) > 64:
        raise Wrong("take whole numbers from 1 to 512, and at most 64 blocks in all")
    if answer["halves"][0]:
        raise Wrong("halves begins with False: there is no transition before the first stage")
    if 16 >> sum(answer["halves"]) < 1:
        raise Wrong("64 pixels are 16 after the stem; five halvings leave no map")
    model = RDNet(Sizes(**{key: _frozen(answer[key]) for key in _KEYS}), num_classes=12)
    parameters = count_parameters(model)
    if parameters > MAX_PARAMETERS:
        raise Wrong(f"it has {parameters:,} parameters, more than {MAX_PARAMETERS:,}")
    macs = count_macs(model, image_size=64)
    if macs > MAX_MACS:
        raise Wrong(f"it needs {macs:,} multiply-adds for a picture, more than {MAX_MACS:,}")


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


dense_plan = Exercise(
    name="dense_plan",
    question=(
        "Choose `dense_plan = {'growth_rates': [...], 'blocks': [...], 'halves': [...], 'gates': [...], "
        f"'initial_features': ...}}` of an RDNet for twelve classes: at most {MAX_PARAMETERS:,} parameters, "
        f"and {MAX_MACS:,} multiply-adds at 64 pixels. Then train it, over seeds, against `rdnet_mini`."
    ),
    verify=_verify_dense_plan,
    hint_text=(
        "Begin with the sizes of `rdnet_mini` (`course_utils.models.rdnet.MINI`) and change one thing: more "
        "stages of fewer blocks, or a smaller growth rate and more blocks. A transition that does not halve "
        "(`halves` False) costs little and keeps the width down."
    ),
    solution_source="""
        dense_plan = {
            "growth_rates": [24, 32, 40, 40, 64],
            "blocks": [3, 3, 2, 2, 2],
            "halves": [False, True, True, False, True],
            "gates": [False, False, True, True, True],
            "initial_features": 48,
        }
    """,
    praise="It is within the budget. Whether it is better is a question for three seeds, not for a look.",
    wrong_answers={
        "parameters, more than": """
            dense_plan = {"growth_rates": [64, 104, 128, 128], "blocks": [3, 3, 3, 3],
                          "halves": [False, True, True, True], "gates": [False, False, True, True],
                          "initial_features": 64}
        """,
        "multiply-adds for a picture": """
            dense_plan = {"growth_rates": [48], "blocks": [5], "halves": [False], "gates": [True],
                          "initial_features": 64}
        """,
        "an entry for each stage": """
            dense_plan = {"growth_rates": [24, 32], "blocks": [3, 3], "halves": [False, True],
                          "gates": [False], "initial_features": 48}
        """,
        "begins with False": """
            dense_plan = {"growth_rates": [24, 32], "blocks": [3, 3], "halves": [True, True],
                          "gates": [False, True], "initial_features": 48}
        """,
        "expected ['blocks'": "dense_plan = {'growth_rate': 24, 'blocks': [3, 3]}",
    },
    other_right_answers=(
        """
        dense_plan = dict(growth_rates=(24, 32, 48, 64), blocks=(3, 3, 3, 3), initial_features=48,
                          halves=(False, True, True, True), gates=(False, False, True, True))
        """,
        """
        dense_plan = {"growth_rates": [16, 24, 32], "blocks": [4, 4, 4], "halves": [False, True, True],
                      "gates": [False, False, False], "initial_features": 32}
        """,
    ),
)
