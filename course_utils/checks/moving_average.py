"""Exercises of notebook 10 on the moving average of weights: shares, memory, the update, a fair plan."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from course_utils.checks.assertions import close, same_shape, same_type
from course_utils.checks.exercise import Exercise, Verdict, Wrong


def _verify_ema_shares(answer: Callable[..., Any]) -> None:
    for decay, num_steps in ((0.5, 3), (0.9, 20), (0.99, 1), (0.8, 0)):
        want = [decay**num_steps]
        want += [(1 - decay) * decay ** (num_steps - step) for step in range(1, num_steps + 1)]
        got = answer(decay, num_steps)
        what = f"ema_shares({decay}, {num_steps})"
        same_shape(got, (num_steps + 1,), what=what)
        values = np.asarray(got, dtype=float)
        if num_steps > 1 and np.allclose(values, want[::-1]):
            raise Wrong(f"{what} is in reverse order: the start comes first, the newest model last")
        newest_first = [want[0], *want[:0:-1]]
        if num_steps > 1 and np.allclose(values, newest_first):
            raise Wrong(f"{what}: the newest model must count most; yours gives its share to the first step")
        if num_steps > 1 and np.isclose(values[0], (1 - decay) * decay**num_steps):
            raise Wrong(
                f"{what} sums to {values.sum():.3f} instead of 1: the start was never multiplied by "
                "(1 - decay), it was there from the beginning"
            )
        if abs(values.sum() - 1) > 1e-9:
            raise Wrong(f"{what} sums to {values.sum():.4f}; the shares of an average sum to 1")
        close(values, want, 1e-9, what=what)


ema_shares = Exercise(
    name="ema_shares",
    question=(
        "Write `ema_shares(decay, num_steps)`: after `num_steps` updates `average = decay * average + (1 - "
        "decay) * model`, which share of the average belongs to its start, to the model after step 1, ..., "
        "to the model after the last step? A list of `num_steps + 1` numbers."
    ),
    verify=_verify_ema_shares,
    hint_text=(
        "Follow one model. In its own step it enters with the factor 1 - decay; each later step multiplies "
        "it by decay. The start never enters: it is there, and is only multiplied. For two steps write it "
        "out."
    ),
    solution_source="""
        def ema_shares(decay, num_steps):
            shares = [1.0]
            for _ in range(num_steps):
                shares = [decay * share for share in shares] + [1 - decay]
            return shares
    """,
    praise="The start's share is decay ** num_steps. In a short run that is nearly everything.",
    wrong_answers={
        "never multiplied by (1 - decay)": """
            def ema_shares(decay, num_steps):
                return [(1 - decay) * decay ** (num_steps - step) for step in range(num_steps + 1)]
        """,
        "in reverse order": """
            def ema_shares(decay, num_steps):
                return [(1 - decay) * decay**age for age in range(num_steps)] + [decay**num_steps]
        """,
        "the newest model must count most": """
            def ema_shares(decay, num_steps):
                return [decay**num_steps] + [(1 - decay) * decay**age for age in range(num_steps)]
        """,
        "expected (4,)": """
            def ema_shares(decay, num_steps):
                return [(1 - decay) * decay**age for age in range(num_steps)][::-1]
        """,
        "shares of an average sum to 1": """
            def ema_shares(decay, num_steps):
                return [decay ** (num_steps - step) for step in range(num_steps + 1)]
        """,
    },
    other_right_answers=(
        """
        import numpy as np

        def ema_shares(decay, num_steps):
            shares = (1 - decay) * decay ** np.arange(num_steps, -1, -1.0)
            shares[0] /= 1 - decay
            return shares
        """,
        """
        import torch

        def ema_shares(decay, num_steps):
            average = torch.eye(num_steps + 1, dtype=torch.float64)[0]
            for model in torch.eye(num_steps + 1, dtype=torch.float64)[1:]:
                average = decay * average + (1 - decay) * model
            return average
        """,
    ),
)


def _verify_half_life(answer: Callable[..., Any]) -> None:
    for decay in (0.5, 0.9, 0.99, 0.9999):
        got, want = answer(decay), math.log(0.5) / math.log(decay)
        what = f"half_life({decay})"
        same_type(got, (int, float), what=what)
        causes = {
            1 / (1 - decay): "that is the length of its memory; after so many steps a share of 1/e is left, "
            "not a half",
            math.log(0.5) / math.log10(decay): "one logarithm is natural, the other to the base 10",
            0.5 / (1 - decay): "that would be so if every step took away the same amount; each takes the "
            "same *share* of what is left",
        }
        for value, cause in causes.items():
            if math.isclose(got, value, rel_tol=1e-9) and not math.isclose(value, want, rel_tol=1e-6):
                raise Wrong(f"{what} is {got:.6g}, expected {want:.6g}: {cause}")
        close(got, want, 1e-9, what=what)


half_life = Exercise(
    name="half_life",
    question=(
        "Write `half_life(decay)`: after how many steps does a model count half of what it counted at first? "
        "It need not be a whole number."
    ),
    verify=_verify_half_life,
    hint_text="Solve decay ** steps = 1/2 for the steps: take the logarithm on both sides.",
    solution_source="""
        import math

        def half_life(decay):
            return math.log(0.5) / math.log(decay)
    """,
    praise="For decays near 1 it is about 0.69 / (1 - decay).",
    wrong_answers={
        "length of its memory": "half_life = lambda decay: 1 / (1 - decay)",
        "to the base 10": """
            import math
            half_life = lambda decay: math.log(0.5) / math.log10(decay)
        """,
        "the same *share*": """
            def half_life(decay):
                return 1.0 if decay == 0.5 else 0.5 / (1 - decay)
        """,
    },
    other_right_answers=(
        """
        import numpy as np
        half_life = lambda decay: -1 / np.log2(decay)
        """,
        """
        from scipy.optimize import brentq

        def half_life(decay):
            return brentq(lambda steps: decay**steps - 0.5, 0, 1e6, xtol=1e-9, rtol=1e-14)
        """,
    ),
)


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


def _verify_averaging_plan(answer: Any) -> Verdict:
    same_type(answer, dict, what="averaging_plan")
    expected = {"claim", "num_steps", "decay", "warmup", "schedules", "seeds", "baseline"}
    if set(answer) != expected:
        raise Wrong(f"averaging_plan has the keys {sorted(map(str, answer))}, expected {sorted(expected)}")
    for key in ("claim", "baseline"):
        same_type(answer[key], str, what=key)
        if len(answer[key].split()) < 4:
            raise Wrong(f"{key} is {answer[key]!r}: say it in a sentence")
    same_type(answer["num_steps"], int, what="num_steps")
    same_type(answer["warmup"], bool, what="warmup")
    same_type(answer["decay"], float, what="decay")
    steps, decay = answer["num_steps"], answer["decay"]
    if steps < 10 or not 0 < decay < 1:
        raise Wrong(f"{steps} steps with decay {decay}: take ten steps or more, and a decay between 0 and 1")
    if not answer["warmup"] and decay**steps > 0.01:
        raise Wrong(
            f"after {steps} steps the start still counts {decay**steps:.1%}: without warm-up choose a lower "
            "decay, or more steps"
        )
    if 1 / (1 - decay) < 3:
        raise Wrong(f"a decay of {decay} averages over less than three models; nothing can come of that")
    for key, fewest, why in (
        ("schedules", 2, "under a schedule that ends at zero the last models hardly differ any more"),
        ("seeds", 3, "a difference is held against the spread over seeds"),
    ):
        same_type(answer[key], (list, tuple), what=key)
        if len(set(answer[key])) < fewest:
            raise Wrong(f"{key} are {answer[key]}: take {fewest} different ones or more; {why}")
    left = 0.0 if answer["warmup"] else decay**steps
    told = f"a memory of {1 / (1 - decay):.0f} steps in a run of {steps}"
    told += f", {left:.2%} of the start left. A fair plan: carry it out."
    return Verdict("correct", told, "averaging_plan")


averaging_plan = Exercise(
    name="averaging_plan",
    question=(
        "Plan an experiment on averaging that could prove you wrong: `averaging_plan = {'claim': ..., "
        "'num_steps': ..., 'decay': ..., 'warmup': True or False, 'schedules': [...], 'seeds': [...], "
        "'baseline': ...}`. `claim` says in a sentence what you expect; `baseline` what the average is "
        "compared with, at the same cost. Then carry it out with another network or another data set."
    ),
    verify=_verify_averaging_plan,
    hint_text=(
        "How much of the start is left after `num_steps`? Does the average only replace a learning rate that "
        "falls? Then it must be compared with a run whose rate does fall. And one seed is none."
    ),
    solution_source="""
        averaging_plan = {
            "claim": "with a constant rate the average beats the last model, under one-cycle it does not",
            "num_steps": 400,
            "decay": 0.98,
            "warmup": True,
            "schedules": ["constant", "one_cycle"],
            "seeds": [0, 1, 2],
            "baseline": "the last model of a run of the same length under one-cycle",
        }
    """,
    wrong_answers={
        "the start still counts": """
            averaging_plan = {"claim": "the average beats the last model", "num_steps": 300, "decay": 0.999,
                              "warmup": False, "schedules": ["constant", "cosine"], "seeds": [0, 1, 2],
                              "baseline": "the last model of the same run"}
        """,
        "held against the spread": """
            averaging_plan = {"claim": "the average beats the last model", "num_steps": 300, "decay": 0.97,
                              "warmup": True, "schedules": ["constant", "cosine"], "seeds": [0],
                              "baseline": "the last model of the same run"}
        """,
        "hardly differ any more": """
            averaging_plan = {"claim": "the average beats the last model", "num_steps": 300, "decay": 0.97,
                              "warmup": True, "schedules": ["constant"], "seeds": [0, 1, 2],
                              "baseline": "the last model of the same run"}
        """,
        "say it in a sentence": """
            averaging_plan = {"claim": "EMA wins", "num_steps": 300, "decay": 0.97, "warmup": True,
                              "schedules": ["constant", "cosine"], "seeds": [0, 1, 2],
                              "baseline": "the last model of the same run"}
        """,
        "expected ['baseline'": "averaging_plan = {'decay': 0.999}",
    },
    other_right_answers=(
        """
        averaging_plan = dict(claim="averaging needs no warm-up in a long run", num_steps=5000, decay=0.999,
                              warmup=False, schedules=("constant", "one_cycle"), seeds=(3, 4, 5, 6),
                              baseline="the best single checkpoint of the same run")
        """,
        """
        averaging_plan = {"claim": "a longer memory helps as long as the rate stays high", "num_steps": 600,
                          "decay": 0.995, "warmup": True, "schedules": ["constant", "step", "cosine"],
                          "seeds": [0, 1, 2], "baseline": "a run under cosine of the same length"}
        """,
    ),
)
