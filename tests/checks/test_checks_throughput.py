"""What the exercises of notebook 15 hold for right, against computing it another way.

Stubs, wrong and other right answers are tested with those of all exercises, in test_checks_all.py.
"""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import checks
from course_utils.checks import throughput
from course_utils.checks.big_batches import STEP


def solution(name):
    return checks.run_solution(checks.get(name))


@pytest.mark.parametrize("overlapped", [False, True])
@pytest.mark.parametrize(("made", "taken"), [(200.0, 50.0), (40.0, 160.0)])
def test_the_pipe_rate_is_that_of_a_simulated_pipe(made, taken, overlapped):
    """Two machines, a picture at a time; with overlap the first works ahead."""
    ready = done = 0.0
    count = 2000
    for _ in range(count):
        ready = (ready if overlapped else done) + 1 / made
        done = max(done, ready) + 1 / taken
    assert count / done == pytest.approx(solution("pipe_rate")(made, taken, overlapped), rel=2e-3)


def test_the_talk_share_counts_the_bytes_of_a_ring():
    """Every process sends a chunk to its neighbour, n - 1 times to add up and n - 1 times to hand out."""
    processes, size = 4, 8
    parts = np.random.default_rng(0).normal(size=(processes, size))
    held = [list(np.split(row.copy(), processes)) for row in parts]
    sent = 0
    for adding in (True, False):
        for turn in range(processes - 1):
            shift = 0 if adding else 1
            moves = [(rank, (rank + shift - turn) % processes) for rank in range(processes)]
            packets = [held[rank][chunk].copy() for rank, chunk in moves]
            for (rank, chunk), packet in zip(moves, packets, strict=True):
                after = held[(rank + 1) % processes]
                after[chunk] = after[chunk] + packet if adding else packet
                sent += packet.size if rank == 0 else 0
    for row in held:
        np.testing.assert_allclose(np.concatenate(row), parts.sum(axis=0))
    talking = 4 * sent / 100.0
    share = solution("talk_share")(size, processes, 100.0, 1.0)
    assert share == pytest.approx(talking / (talking + 1.0))


def test_the_big_gradient_is_that_of_all_pictures_at_once():
    torch.manual_seed(0)
    model = nn.Linear(5, 3).double()
    images, targets = torch.randn(61, 5).double(), torch.randint(3, (61,))

    def gradient(rows):
        model.zero_grad()
        nn.functional.cross_entropy(model(images[rows]), targets[rows]).backward()
        return model.weight.grad.flatten().numpy().copy()

    parts = torch.arange(61).tensor_split(4)
    means, sizes = np.stack([gradient(rows) for rows in parts]), [len(rows) for rows in parts]
    assert sizes == [16, 15, 15, 15]
    got = solution("big_gradient")(means, sizes)
    np.testing.assert_allclose(got, gradient(torch.arange(61)), rtol=1e-12, atol=1e-15)
    assert not np.allclose(means.mean(axis=0), got, rtol=1e-3)


def test_the_right_order_takes_the_step_of_float32():
    """Each operation as torch has it; clipping before unscaling takes another step."""

    def weights_after(order):
        torch.manual_seed(0)
        model = nn.Linear(4, 2)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        scaler = torch.amp.GradScaler("cpu", enabled=order is not None)
        loss = nn.functional.mse_loss(model(torch.randn(8, 4)), torch.randn(8, 2))
        box = [loss]
        actions = {
            "scale": lambda: box.append(scaler.scale(box[-1])),
            "backward": lambda: box[-1].backward(),
            "unscale": lambda: scaler.unscale_(optimizer),
            "clip": lambda: nn.utils.clip_grad_norm_(model.parameters(), 0.5),
            "step": lambda: scaler.step(optimizer),
            "update": scaler.update,
        }
        for name in order or ("backward", "clip", "step"):
            actions[name]()
        return model.weight.detach()

    plain, right = weights_after(None), weights_after(solution("step_order"))
    torch.testing.assert_close(right, plain)
    swapped = ["scale", "backward", "clip", "unscale", "step", "update"]
    assert sorted(swapped) == sorted(STEP)
    assert not torch.allclose(weights_after(swapped), plain, atol=1e-3)


def test_the_plan_leaves_a_choice():
    """More pixels with fewer epochs, or fewer with more: both fit, and neither may grow much further."""
    exercise = checks.get("scaling_plan")
    for size, epochs in ((128, 34), (64, 136), (224, 11)):
        plan = {"image_size": size, "batch_size": 32, "accumulation_steps": 2, "num_processes": 4}
        assert exercise.check({**plan, "epochs": epochs}).status == "correct"
        assert "minutes" in exercise.check({**plan, "epochs": epochs + 1}).reason
    assert throughput.GLOBAL_BATCH == 32 * 2 * 4
