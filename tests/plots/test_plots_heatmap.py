"""Maps over pictures: colours where the values are, and the place in words."""

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plots
from course_utils.plots.heatmap import heatmap_grid, overlay


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_where_the_map_is_zero_the_picture_is_left_as_it_is():
    picture = np.random.default_rng(0).integers(0, 256, (6, 8), dtype=np.uint8)
    values = np.zeros((6, 8))
    assert np.array_equal(overlay(picture, values), np.repeat(picture[..., None], 3, axis=2))
    values[2, 5] = 0.3
    changed = (overlay(picture, values) != picture[..., None]).any(axis=2)
    assert changed.sum() == 1 and changed[2, 5]


def test_signs_differ_and_a_common_limit_is_kept():
    grey = np.full((2, 2), 0.5)
    both = overlay(grey, np.array([[1.0, -1.0], [0.0, 0.5]])).astype(int)
    assert both[0, 0, 0] > both[0, 0, 2] and both[0, 1, 2] > both[0, 1, 0]  # orange, purple
    assert (np.abs(both[1, 0] - 127.5) < 1).all()
    weak, strong = (overlay(grey, np.full((2, 2), value), limit=1.0).astype(int) for value in (0.1, 1.0))
    assert np.abs(weak - 128).sum() < 0.3 * np.abs(strong - 128).sum()


def test_the_grid_says_where_the_map_is_strongest():
    maps = np.zeros((3, 9, 9))
    maps[0, 1, 8], maps[1, 4, 4] = 1.0, 0.2
    pictures = np.random.default_rng(0).random((3, 9, 9, 3))
    ax = heatmap_grid(pictures, maps, ["cat", "dog", "owl"], title="Why?")
    text = plots.alt_text(ax)
    assert "cat: strongest at the top right; dog: strongest at the middle centre; owl: nothing" in text
    assert len(ax.get_images()) == 3
    assert plots.present(ax).alt == text


def test_what_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="of one size"):
        overlay(np.zeros((4, 4)), np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"expected uint8, or \[0, 1\]"):
        overlay(np.full((4, 4), 3.0), np.zeros((4, 4)))
    with pytest.raises(ValueError, match="2 images and 1 maps"):
        heatmap_grid(np.zeros((2, 4, 4)), np.zeros((1, 4, 4)))
