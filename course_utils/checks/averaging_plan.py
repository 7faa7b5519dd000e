"""The open exercise of notebook 10: an experiment on averaging weights that could fail."""

from __future__ import annotations

from typing import Any

from course_utils.checks.assertions import same_type
from course_utils.checks.exercise import Exercise, Verdict, Wrong


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
