"""Exercises of notebook 15 on rates: of an input pipe, of processes that talk, and of a whole plan."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from course_utils.checks.assertions import close, same_type
from course_utils.checks.exercise import Exercise, Wrong

NUM_PICTURES = 4750  # the machine and the set that `scaling_plan` plans for
RATE_AT_128 = 45.0  # pictures a second that one process trains on
BYTES_AT_128 = 9.0e6  # that the forward pass keeps for the backward pass, for a picture
MEMORY_BYTES = 1.0e9  # of one process
MOST_PROCESSES = 4
GLOBAL_BATCH = 256
MOST_MINUTES = 15.0


def _verify_pipe_rate(answer: Callable[..., Any]) -> None:
    for made, taken in ((500.0, 100.0), (80.0, 320.0), (60.0, 60.0)):
        got = answer(made, taken, False)
        same_type(got, (int, float), what=f"pipe_rate({made:g}, {taken:g}, False)")
        if abs(got - (made + taken) / 2) < 1e-6 and made != taken:
            raise Wrong("that is the mean of the rates. Per picture the *times* add up, 1 / rate each")
        if abs(got - min(made, taken)) < 1e-6:
            raise Wrong(
                "one after the other is slower than the slower of the two: each waits while the other works"
            )
        close(got, 1 / (1 / made + 1 / taken), 1e-9, what=f"pipe_rate({made:g}, {taken:g}, False)")
        got = answer(made, taken, True)
        if abs(got - 1 / (1 / made + 1 / taken)) < 1e-6:
            raise Wrong(
                "`overlapped` changes nothing in your answer; at the same time, only the slower counts"
            )
        if made != taken and abs(got - max(made, taken)) < 1e-6:
            raise Wrong("nobody can train on pictures that are not there: the slower one sets the pace")
        close(got, min(made, taken), 1e-9, what=f"pipe_rate({made:g}, {taken:g}, True)")


pipe_rate = Exercise(
    name="pipe_rate",
    question=(
        "Write `pipe_rate(input_rate, network_rate, overlapped)`: the pictures a second that training gets "
        "through, if making batches alone runs at `input_rate` and the network alone at `network_rate`. "
        "`overlapped` False: one after the other. True: other processor cores make the next batches "
        "meanwhile."
    ),
    verify=_verify_pipe_rate,
    hint_text="A picture takes `1 / rate` seconds. Which times add up, and which not, if both work at once?",
    solution_source="""
        def pipe_rate(input_rate, network_rate, overlapped):
            if overlapped:
                return min(input_rate, network_rate)
            return 1 / (1 / input_rate + 1 / network_rate)
    """,
    praise="And so a faster network alone helps little where the input is slow, and the other way round.",
    wrong_answers={
        "mean of the rates": """
            def pipe_rate(a, b, overlapped):
                return min(a, b) if overlapped else (a + b) / 2
        """,
        "each waits": "def pipe_rate(a, b, overlapped):\n    return min(a, b)",
        "changes nothing": "def pipe_rate(a, b, overlapped):\n    return a * b / (a + b)",
        "sets the pace": """
            def pipe_rate(a, b, overlapped):
                return max(a, b) if overlapped else a * b / (a + b)
        """,
    },
    other_right_answers=(
        "pipe_rate = lambda made, taken, both: min(made, taken) if both else made * taken / (made + taken)",
        """
        def pipe_rate(input_rate, network_rate, overlapped):
            times = (1 / input_rate, 1 / network_rate)
            return 1 / (max(times) if overlapped else sum(times))
        """,
    ),
)


def _verify_talk_share(answer: Callable[..., Any]) -> None:
    got = answer(1_000_000, 1, 1e8, 0.5)
    same_type(got, (int, float), what="talk_share of one process")
    if got != 0:
        raise Wrong(f"one process has nobody to talk to, and your share is {got:g}")
    for parameters, processes, speed, compute in (
        (1_000_000, 2, 1e8, 0.5),
        (25_000_000, 8, 1.25e8, 0.3),
        (25_000_000, 64, 1.25e9, 0.3),
    ):
        got = answer(parameters, processes, speed, compute)
        values = 2 * (processes - 1) / processes * parameters
        right = 4 * values / speed
        if abs(got - values / speed / (values / speed + compute)) < 1e-9:
            raise Wrong("a gradient is a float32, 4 bytes; `bytes_per_s` counts bytes")
        if abs(got - right / compute) < 1e-9:
            raise Wrong("that is talking over computing; the share is of the whole step, both together")
        once = right / 2
        if abs(got - once / (once + compute)) < 1e-9:
            raise Wrong("every value goes round the ring twice: once to be added up, once to be handed out")
        close(got, right / (right + compute), 1e-9, what=f"the share of {processes} processes")


talk_share = Exercise(
    name="talk_share",
    question=(
        "Write `talk_share(num_parameters, world_size, bytes_per_s, compute_s)`: the share of a step, from 0 "
        "to 1, that `world_size` processes spend on exchanging their gradients, if nothing overlaps. Each "
        "computes for `compute_s` seconds and then sends 2 (n - 1) / n of all its gradients (float32) at "
        "`bytes_per_s`."
    ),
    verify=_verify_talk_share,
    hint_text="Seconds of talking = bytes / `bytes_per_s`. The share is talking / (talking + computing).",
    solution_source="""
        def talk_share(num_parameters, world_size, bytes_per_s, compute_s):
            sent = 2 * (world_size - 1) / world_size * 4 * num_parameters
            talking = sent / bytes_per_s
            return talking / (talking + compute_s)
    """,
    praise="For many processes it hardly grows any more: (n - 1) / n is nearly 1. What counts is the wire.",
    wrong_answers={
        "4 bytes": """
            def talk_share(num_parameters, world_size, bytes_per_s, compute_s):
                talking = 2 * (world_size - 1) / world_size * num_parameters / bytes_per_s
                return talking / (talking + compute_s)
        """,
        "the whole step": """
            def talk_share(num_parameters, world_size, bytes_per_s, compute_s):
                return 8 * (world_size - 1) / world_size * num_parameters / bytes_per_s / compute_s
        """,
        "the ring twice": """
            def talk_share(num_parameters, world_size, bytes_per_s, compute_s):
                talking = 4 * (world_size - 1) / world_size * num_parameters / bytes_per_s
                return talking / (talking + compute_s)
        """,
        "nobody to talk to": """
            def talk_share(num_parameters, world_size, bytes_per_s, compute_s):
                talking = 8 * num_parameters / bytes_per_s
                return talking / (talking + compute_s)
        """,
    },
    other_right_answers=(
        "talk_share = lambda p, n, speed, work: 1 - work / (work + 8 * p * (1 - 1 / n) / speed)",
        """
        def talk_share(num_parameters, world_size, bytes_per_s, compute_s):
            chunk = 4 * num_parameters / world_size  # a ring sends chunks
            talking = 2 * (world_size - 1) * chunk / bytes_per_s
            return talking / (talking + compute_s)
        """,
    ),
)


def _verify_scaling_plan(answer: Any) -> None:
    same_type(answer, dict, what="scaling_plan")
    expected = {"image_size", "batch_size", "accumulation_steps", "num_processes", "epochs"}
    if set(answer) != expected:
        raise Wrong(f"scaling_plan has the keys {sorted(map(str, answer))}, expected {sorted(expected)}")
    for key in sorted(expected):
        same_type(answer[key], int, what=key)
        if answer[key] < 1:
            raise Wrong(f"{key} is {answer[key]}; it is 1 or more")
    if answer["num_processes"] > MOST_PROCESSES:
        raise Wrong(
            f"the machine has {MOST_PROCESSES} accelerators, your plan wants {answer['num_processes']}"
        )
    together = answer["batch_size"] * answer["accumulation_steps"] * answer["num_processes"]
    if together != GLOBAL_BATCH:
        raise Wrong(f"a step sees {together} pictures, not {GLOBAL_BATCH}: the three factors multiply")
    area = (answer["image_size"] / 128) ** 2  # work and memory grow with the number of pixels
    memory = answer["batch_size"] * BYTES_AT_128 * area
    if memory > MEMORY_BYTES:
        raise Wrong(
            f"a batch keeps {memory / 1e9:.2f} GB for its backward pass, more than "
            f"{MEMORY_BYTES / 1e9:g} GB: smaller batches, more of them added up"
        )
    rate = RATE_AT_128 * answer["num_processes"] / area
    minutes = answer["epochs"] * NUM_PICTURES / rate / 60
    if minutes > MOST_MINUTES:
        raise Wrong(f"that takes {minutes:.1f} minutes, more than {MOST_MINUTES:g}")


scaling_plan = Exercise(
    name="scaling_plan",
    question=(
        f"Plan a training on {NUM_PICTURES:,} pictures in at most {MOST_MINUTES:g} minutes: `scaling_plan = "
        "{'image_size': ..., 'batch_size': ..., 'accumulation_steps': ..., 'num_processes': ..., 'epochs': "
        f"...}}`. A step sees {GLOBAL_BATCH} pictures in all. There are up to {MOST_PROCESSES} accelerators, "
        f"each with {MEMORY_BYTES / 1e9:g} GB; one trains on {RATE_AT_128:g} pictures a second at 128 px and "
        f"keeps {BYTES_AT_128 / 1e6:g} MB for each. Both go with the number of pixels. Batches that are "
        "added up take as long as one large one."
    ),
    verify=_verify_scaling_plan,
    hint_text=(
        "batch_size x accumulation_steps x num_processes is fixed. The memory limits the first factor alone, "
        "the minutes limit epochs x pixels / processes."
    ),
    solution_source="""
        scaling_plan = {
            "image_size": 128, "batch_size": 64, "accumulation_steps": 1, "num_processes": 4, "epochs": 30
        }
    """,
    praise="It fits. Whether more pixels or more epochs are worth the minutes is open: measure it.",
    wrong_answers={
        "the three factors multiply": """
            scaling_plan = {
                "image_size": 96, "batch_size": 256, "accumulation_steps": 1, "num_processes": 4, "epochs": 9
            }
        """,
        "for its backward pass": """
            scaling_plan = {
                "image_size": 128, "batch_size": 256, "accumulation_steps": 1, "num_processes": 1, "epochs": 5
            }
        """,
        "minutes, more than": """
            scaling_plan = {
                "image_size": 224, "batch_size": 32, "accumulation_steps": 2, "num_processes": 4, "epochs": 30
            }
        """,
        "4 accelerators": """
            scaling_plan = {
                "image_size": 64, "batch_size": 32, "accumulation_steps": 1, "num_processes": 8, "epochs": 30
            }
        """,
        "expected ['accumulation_steps'": "scaling_plan = {'image_size': 128, 'epochs': 3}",
    },
    other_right_answers=(
        "scaling_plan = dict(image_size=64, batch_size=64, accumulation_steps=4, num_processes=1, epochs=30)",
        """
        scaling_plan = {
            "image_size": 224, "batch_size": 32, "accumulation_steps": 2, "num_processes": 4, "epochs": 11
        }
        """,
    ),
)
