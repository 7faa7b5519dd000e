"""Several ways to predict the same pictures in one table: what each gains, and whether that is chance.

A way is a model, a model with test-time augmentation, an ensemble, a compressed copy. All others are tested
against the first, picture by picture (McNemar), since two intervals that overlap say little about models that
saw the same pictures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from course_utils.evaluation import metrics
from course_utils.evaluation.calibration import calibration
from course_utils.evaluation.comparison import mcnemar, wilson_interval
from course_utils.evaluation.ensembles import reorder
from course_utils.evaluation.predict import Predictions


class Way(NamedTuple):
    """A row of the table: accuracy with its 95 % interval, log loss, ECE, and the test against the first.

    gained, lost: pictures that only this way, and only the first, gets right. p_value: of McNemar's test; 1
    for the first itself.
    """

    name: str
    accuracy: float
    low: float
    high: float
    log_loss: float
    ece: float
    gained: int
    lost: int
    p_value: float


def compare_ways(ways: Mapping[str, Predictions], *, num_bins: int = 15) -> list[Way]:
    """A row for each way, in the order given; the first is the reference.

    Classes are matched by name and pictures by id. ValueError without ways, for other pictures or classes,
    and for pictures without labels.
    """
    if not ways:
        raise ValueError("there are no ways to compare")
    first = next(iter(ways.values()))
    if (first.targets < 0).any():
        raise ValueError("the pictures have no labels, so nothing can be compared; give labelled ones")
    rows = []
    for name, found in ways.items():
        same = reorder(found, class_names=first.class_names, ids=first.ids, where=name)
        if not np.array_equal(same.targets, first.targets):
            raise ValueError(
                f"{name}: some pictures have other labels than in {next(iter(ways))}; "
                "compare on the same labels"
            )
        test = mcnemar(same.predicted, first.predicted, first.targets)
        right = int((same.predicted == first.targets).sum())
        low, high = wilson_interval(right, len(first.targets))
        rows.append(
            Way(
                name=name,
                accuracy=right / len(first.targets),
                low=low,
                high=high,
                log_loss=metrics.log_loss(same.logits, same.targets),
                ece=calibration(same.probabilities, same.targets, num_bins=num_bins).ece,
                gained=test.only_first,
                lost=test.only_second,
                p_value=test.p_value,
            )
        )
    return rows
