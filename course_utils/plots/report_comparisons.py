"""Two sections of an evaluation's page: other ways to predict the same pictures, and other models.

Drawn from the plain rows of `evaluation.ways.compare_ways` and of the report's `comparisons`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from course_utils.plots.html_page import table

_P = (
    '<p class="quiet">p: how likely a difference at least as large would be if both were equally good '
    "(McNemar's test). Above 0.05 this test set does not tell them apart.</p>"
)


def ways_section(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Views, ensembles and temperature in one table; the first row is what the others are tested against."""
    if not rows:
        return
    yield "<h2>Ways to predict</h2>"
    header = ["way", "accuracy", "low", "high", "log loss", "ECE", "gains", "loses", "p"]
    keys = ("name", "accuracy", "low", "high", "log_loss", "ece", "gained", "lost", "p_value")
    cells = [[row[key] for key in keys] for row in rows]
    yield table(header, cells, label="Ways to predict the same pictures", digits=4)
    yield (
        '<p class="quiet">Low and high: 95 % Wilson interval of the accuracy. ECE: expected calibration '
        "error. Gains and loses: pictures that only this way, and only the first, gets right.</p>"
    )
    yield _P


def comparisons_section(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Other models on the same pictures: the difference with its interval, and the paired test."""
    if not rows:
        return
    yield "<h2>Compared with other models</h2>"
    header = [
        "other model", "its accuracy", "this one is better by", "low", "high",
        "only this one right", "only the other right", "p",
    ]  # fmt: skip
    cells = [
        [
            row["other"],
            row["other_accuracy"],
            row["difference"],
            *row["difference_interval_95"],
            row["only_this_right"],
            row["only_other_right"],
            row["p_value"],
        ]
        for row in rows
    ]
    yield table(header, cells, label="Comparison with other models", digits=4)
    yield (
        '<p class="quiet">Low and high: 95 % interval of the difference of the two accuracies on the same '
        "pictures (Bonett and Price).</p>"
    )
    yield _P
