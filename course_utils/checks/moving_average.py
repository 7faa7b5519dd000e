"""Exercise of notebook 10: one step of the moving average of a network's weights and buffers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close
from course_utils.checks.exercise import Exercise, Wrong


def _states() -> tuple[dict[str, Any], dict[str, Any]]:
    import torch

    generator = torch.Generator().manual_seed(0)

    def state(counter: int) -> dict[str, Any]:
        return {
            "conv.weight": torch.randn(3, 1, 3, 3, generator=generator),
            "bn.running_var": torch.rand(3, generator=generator) + 0.5,
            "bn.num_batches_tracked": torch.tensor(counter),
        }

    return state(3), state(17)


def _verify_update_average(answer: Callable[..., Any]) -> None:
    import torch

    average, model = _states()
    tensors, before = dict(average), {name: value.clone() for name, value in average.items()}
    model_before = {name: value.clone() for name, value in model.items()}
    answer(average, model, 0.9)
    if any(not torch.equal(model[name], value) for name, value in model_before.items()):
        raise Wrong("the trained model has changed; the average follows it, never the other way round")
    if any(average.get(name) is not tensor for name, tensor in tensors.items()):
        raise Wrong(
            "the dict holds new tensors now, and the averaged network still has its old ones: change the "
            "values in place (`copy_`, `lerp_`)"
        )
    weight = average["conv.weight"]
    if torch.allclose(weight, 0.1 * before["conv.weight"] + 0.9 * model["conv.weight"], atol=1e-6):
        raise Wrong("decay is what the average *keeps*; yours takes 90 % of the model in one step")
    for name in ("conv.weight", "bn.running_var"):
        if name.startswith("bn") and torch.equal(average[name], before[name]):
            raise Wrong(f"{name} has not moved: buffers belong to the network as much as its weights")
        close(average[name], 0.9 * before[name] + 0.1 * model[name], 1e-6, what=name)
    counter = average["bn.num_batches_tracked"]
    if counter.item() != 17:
        raise Wrong(
            f"num_batches_tracked is {counter.item()}, expected 17: a counter of whole numbers is copied. "
            "0.9 * 3 + 0.1 * 17 is 4.4, which is no number of batches"
        )


update_average = Exercise(
    name="update_average",
    question=(
        "Write `update_average(average, model, decay)` for two `state_dict()`s: one step of the average, "
        "in place in the tensors of `average`. Floating-point tensors are averaged, whole numbers copied."
    ),
    verify=_verify_update_average,
    hint_text=(
        "`tensor.is_floating_point()` tells the two kinds apart. `a.lerp_(b, share)` moves `a` by this share "
        "of the way to `b`; which share is it? `a.copy_(b)` copies."
    ),
    solution_source="""
        def update_average(average, model, decay):
            for name, value in average.items():
                if value.is_floating_point():
                    value.lerp_(model[name], 1 - decay)
                else:
                    value.copy_(model[name])
    """,
    praise="That is the heart of `training/ema.py`, which does all floats at once (`torch._foreach_lerp_`).",
    wrong_answers={
        "is copied": """
            def update_average(average, model, decay):
                for name, value in average.items():
                    value.copy_(decay * value + (1 - decay) * model[name])
        """,
        "buffers belong to the network": """
            def update_average(average, model, decay):
                for name, value in average.items():
                    if name.endswith(("weight", "bias")):
                        value.lerp_(model[name], 1 - decay)
        """,
        "is what the average *keeps*": """
            def update_average(average, model, decay):
                for name, value in average.items():
                    if value.is_floating_point():
                        value.lerp_(model[name], decay)
                    else:
                        value.copy_(model[name])
        """,
        "holds new tensors": """
            def update_average(average, model, decay):
                for name in average:
                    average[name] = decay * average[name] + (1 - decay) * model[name]
        """,
        "your code stopped with RuntimeError": """
            def update_average(average, model, decay):
                for name, value in average.items():
                    value.mul_(decay).add_(model[name], alpha=1 - decay)
        """,
        "the trained model has changed": """
            def update_average(average, model, decay):
                for name, value in model.items():
                    if value.is_floating_point():
                        average[name].lerp_(value, 1 - decay)
                        value.copy_(average[name])
        """,
    },
    other_right_answers=(
        """
        import torch

        def update_average(average, model, decay):
            with torch.no_grad():
                for mine, theirs in zip(average.values(), model.values()):
                    is_float = torch.is_floating_point(mine)
                    mine.copy_(decay * mine + (1 - decay) * theirs if is_float else theirs)
        """,
        """
        def update_average(average, model, decay):
            for name, value in average.items():
                if "num_batches" in name:
                    value.fill_(model[name].item())
                else:
                    value.add_(model[name] - value, alpha=1 - decay)
        """,
    ),
)
