"""Contours and paths: what is drawn, what is told, what is refused."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plots
from course_utils.plots.surfaces import surface

X, Y = np.linspace(-2, 2, 41), np.linspace(-1, 1, 21)
HEIGHT = X[None, :] ** 2 + 10 * (Y[:, None] - 0.5) ** 2 + 1
PATH = np.array([[-1.5, 0.5], [-0.5, 0.5], [0.25, 0.5]])


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


def test_alt_text_tells_the_lowest_point_and_the_paths():
    ax = surface(X, Y, HEIGHT, paths={"descent": PATH}, xlabel="first weight", ylabel="second weight")
    text = plots.alt_text(ax)
    assert "lowest 1 at 0, 0.5" in text
    assert "descent goes in 2 steps from -1.5, 0.5 to 0.25, 0.5" in text
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("first weight", "second weight")
    assert plots.present(ax).alt == text


def test_rows_are_y_and_paths_keep_to_the_grid():
    ax = surface(X, Y, HEIGHT, paths={"out": PATH * 100}, xlabel="x", ylabel="y")
    assert ax.get_xlim() == (-2, 2) and ax.get_ylim() == (-1, 1)
    np.testing.assert_array_equal(ax.lines[0].get_xydata(), PATH * 100)


def test_log_levels_grow_by_a_factor():
    ax = surface(X, Y, HEIGHT, log_levels=True, num_levels=5, xlabel="x", ylabel="y")
    levels = ax.collections[0].levels
    assert levels[1:] / levels[:-1] == pytest.approx(np.full(4, levels[1] / levels[0]))


def test_one_axes_of_several_is_used():
    figure, (left, right) = plt.subplots(1, 2)
    assert surface(X, Y, HEIGHT, xlabel="x", ylabel="y", ax=right) is right
    assert not left.collections and len(figure.axes) == 2


@pytest.mark.parametrize(
    ("height", "paths", "message"),
    [
        (HEIGHT.T, None, r"height has the shape \(41, 21\)"),
        (np.ones_like(HEIGHT), None, "nothing to draw"),
        (np.full_like(HEIGHT, np.nan), None, "nothing to draw"),
        (HEIGHT, {"flat": np.zeros(3)}, r"path 'flat' has the shape \(3,\)"),
    ],
)
def test_what_cannot_be_drawn_is_refused(height, paths, message):
    with pytest.raises(ValueError, match=message):
        surface(X, Y, height, paths=paths, xlabel="x", ylabel="y")
