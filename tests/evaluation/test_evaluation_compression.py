"""Latencies with a clock of our own, and the table against figures computed by hand."""

import numpy as np
import pytest
import torch

from course_utils.evaluation.comparison import wilson_interval
from course_utils.evaluation.compression_table import Candidate, compression_table, file_sizes
from course_utils.evaluation.latency import measure_latency


class Clock:
    """A clock that the calls themselves move."""

    def __init__(self):
        self.now, self.log = 0.0, []

    def __call__(self):
        return self.now

    def call(self, name, durations):
        todo = iter(durations)

        def run():
            self.log.append(name)
            self.now += next(todo)

        return run


def test_the_median_counts_and_the_first_rounds_do_not():
    clock = Clock()
    calls = {"a": clock.call("a", [99, 1, 2, 3, 4, 100]), "b": clock.call("b", [50, 7, 7, 7, 7, 7])}
    found = measure_latency(calls, num_rounds=5, num_warmup=1, clock=clock)
    assert (found["a"].median_s, found["a"].low_s, found["a"].high_s) == (3, 2, 4)
    assert (found["b"].median_s, found["b"].num_rounds) == (7, 5)


def test_candidates_take_turns_and_nobody_is_always_first():
    clock = Clock()
    calls = {name: clock.call(name, [1] * 6) for name in "abc"}
    measure_latency(calls, num_rounds=5, num_warmup=1, clock=clock)
    rounds = ["".join(clock.log[start : start + 3]) for start in range(0, 18, 3)]
    assert rounds == ["abc", "bca", "cab"] * 2
    with pytest.raises(ValueError, match="3 rounds or more"):
        measure_latency(calls, num_rounds=2)


def test_the_table_says_what_was_measured(tmp_path):
    images, targets = torch.eye(4)[:, :, None, None], torch.tensor([0, 1, 2, 0])
    zeros, noise = tmp_path / "zeros", tmp_path / "noise"
    zeros.write_bytes(bytes(5000))
    noise.write_bytes(np.random.default_rng(0).bytes(3000))
    seen = []

    def identity(batch):
        seen.append(len(batch))
        return batch[:, :, 0, 0]

    def always_zero(batch):
        return torch.tensor([1.0, 0, 0, 0]).expand(len(batch), 4)

    rows = compression_table(
        [Candidate("identity", identity, zeros), Candidate("zero", always_zero, noise)],
        images,
        targets,
        batch_size=2,
        num_rounds=3,
        calls_in_round=2,
    )
    assert [row.name for row in rows] == ["identity", "zero"]
    assert [row.accuracy for row in rows] == [0.75, 0.5]
    assert (rows[0].low, rows[0].high) == wilson_interval(3, 4)
    assert [row.changed for row in rows] == [0.0, 0.75]
    assert [row.num_bytes for row in rows] == [5000, 3000]
    assert rows[0].num_bytes_zipped < 60 and rows[1].num_bytes_zipped > 2900
    assert rows[0].batch_size == 2 and seen == [4] + [2] * 2 * (3 + 2)
    assert all(0 < row.latency_low_s <= row.latency_s <= row.latency_high_s for row in rows)
    assert file_sizes(zeros)[0] == 5000


def test_what_makes_no_table_is_refused(tmp_path):
    (tmp_path / "w").write_bytes(b"w")
    images, targets = torch.zeros(2, 1, 1, 1), torch.tensor([0, 1])
    same = [Candidate("a", lambda batch: batch[:, :, 0, 0], tmp_path / "w")] * 2
    with pytest.raises(ValueError, match="different names"):
        compression_table(same, images, targets)
    bad = Candidate("bad", lambda batch: torch.full((len(batch), 2), float("nan")), tmp_path / "w")
    with pytest.raises(FloatingPointError, match="bad gives logits"):
        compression_table([bad], images, targets)
