"""The interval of a difference: its formula, its coverage, and what it refuses."""

import math

import numpy as np
import pytest
from scipy import stats

from course_utils.evaluation.comparison import difference_interval


def test_it_is_the_formula_of_bonett_and_price():
    low, high = difference_interval(1, 7, 21)  # (2 - 8) / 23, spread (2 + 8) / 23 - difference squared
    difference = -6 / 23
    half = 1.959964 * math.sqrt((10 / 23 - difference**2) / 23)
    assert (low, high) == pytest.approx((difference - half, difference + half), abs=1e-6)


@pytest.mark.parametrize(("first", "second", "count"), [(0.05, 0.05, 60), (0.15, 0.05, 60), (0.1, 0.02, 80)])
def test_it_covers_the_truth_about_95_times_of_100(first, second, count):
    """Exactly: over all counts that could be drawn, weighed by how likely they are."""
    covered = 0.0
    for ones in range(count + 1):
        for twos in range(count + 1 - ones):
            chance = stats.multinomial.pmf(
                [ones, twos, count - ones - twos], count, [first, second, 1 - first - second]
            )
            if chance > 1e-9:
                low, high = difference_interval(ones, twos, count)
                covered += chance * (low <= first - second <= high)
    assert 0.93 < covered < 0.995


def test_it_turns_round_with_the_models_and_narrows_with_the_images():
    low, high = difference_interval(3, 11, 200)
    assert difference_interval(11, 3, 200) == pytest.approx((-high, -low))
    widths = [np.diff(difference_interval(n // 50, n // 20, n))[0] for n in (100, 1000, 10_000)]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]
    assert difference_interval(0, 0, 1000)[0] < 0 < difference_interval(0, 0, 1000)[1]
    assert difference_interval(5, 0, 5)[1] <= 1


@pytest.mark.parametrize("counts", [(0, 0, 0), (-1, 0, 5), (3, 3, 5)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="expected counts of at least 0"):
        difference_interval(*counts)
