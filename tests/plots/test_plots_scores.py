"""Figures of an evaluation: what they draw, what their alt text says, and what they refuse."""

import warnings

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plots
from course_utils.evaluation.calibration import calibration
from course_utils.evaluation.curves import one_vs_rest
from course_utils.evaluation.slices import slices


@pytest.fixture(autouse=True)
def no_warnings():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")


def draw(num=300, classes=3):
    generator = np.random.default_rng(0)
    targets = generator.integers(0, classes, num)
    chances = generator.dirichlet(np.ones(classes), num)
    chances[np.arange(num), targets] += 0.4
    return chances / chances.sum(axis=1, keepdims=True), targets


def test_reliability_diagram():
    found = calibration(*draw(), num_bins=10)
    bins = found.as_dict()["bins"]
    ax = plots.reliability_diagram(bins)
    line = ax.get_lines()[1]
    assert line.get_xdata().tolist() == [one["confidence"] for one in bins]
    assert line.get_ydata().tolist() == [one["accuracy"] for one in bins]
    assert len(ax.patches) == len(bins)
    assert f"300 images in {len(bins)} bins" in plots.alt_text(ax)
    assert f"expected calibration error {found.ece:.3f}" in plots.alt_text(ax)
    both = plots.reliability_diagram(bins, after=bins[:2])
    assert [text.get_text() for text in both.get_legend().get_texts()] == [
        "perfectly calibrated",
        "as trained",
        "after temperature scaling",
    ]
    for wrong in ({"bins": []}, {"bins": bins, "after": []}):
        with pytest.raises(ValueError, match="no bins"):
            plots.reliability_diagram(**wrong)


@pytest.mark.parametrize(("kind", "what"), [("roc", "roc_auc"), ("precision_recall", "average_precision")])
def test_score_curves(kind, what):
    names = ["猫", "a_very_long_class_name_that_is_cut", "$x$"]
    found = one_vs_rest(*draw(), names)
    curves = {name: both[kind] for name, both in found["curves"].items()}
    areas = {name: area[what] for name, area in found["per_class"].items()}
    ax = plots.score_curves(curves, areas, kind=kind, title="T")
    for line, points in zip(ax.get_lines(), curves.values(), strict=False):
        assert np.array_equal(np.column_stack([line.get_xdata(), line.get_ydata()]), np.array(points))
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert all(f"({areas[name]:.3f})" in text for name, text in zip(names, legend, strict=True))
    alt = plots.alt_text(ax)
    assert all(f"{name} {areas[name]:.3f}" in alt for name in names)
    assert plots.present(ax).png
    with pytest.raises(ValueError, match="an area for each"):
        plots.score_curves(curves, {}, kind=kind)
    with pytest.raises(ValueError, match="'rok'"):
        plots.score_curves(curves, areas, kind="rok")


def test_of_many_classes_the_lowest_are_drawn():
    names = [f"c{i}" for i in range(20)]
    found = one_vs_rest(*draw(600, 20), names)
    curves = {name: both["roc"] for name, both in found["curves"].items()}
    areas = {name: area["roc_auc"] for name, area in found["per_class"].items()}
    ax = plots.score_curves(curves, areas, kind="roc")
    lowest = sorted(areas, key=lambda name: areas[name])[:8]
    shown = {text.get_text().split(" (")[0] for text in ax.get_legend().get_texts()}
    assert shown == set(lowest)
    assert "20 classes" in plots.alt_text(ax) and "the 8 with the lowest" in plots.alt_text(ax)


def test_per_class_bars():
    series = {"Precision": [0.5, 1.0], "Recall": [0.25, 0.75], "F1": [0.0, 0.8]}
    ax = plots.per_class_bars(["猫", "b"], series)
    assert [bar.get_width() for bars in ax.containers for bar in bars] == [0.5, 1.0, 0.25, 0.75, 0.0, 0.8]
    assert len({bars[0].get_hatch() for bars in ax.containers}) == 3  # told apart without colour
    assert "Recall from 0.250 (猫) to 0.750 (b), mean 0.500" in plots.alt_text(ax)
    for wrong in ({"x": [0.1]}, {"x": [0.1, 1.2]}, {"x": [0.1, np.nan]}, {}):
        with pytest.raises(ValueError, match="expected"):
            plots.per_class_bars(["a", "b"], wrong)


def test_slice_intervals():
    brightness = np.arange(200)
    targets = np.zeros(200, dtype=int)
    guesses = np.where(brightness < 50, 1, 0)
    rows = [row._asdict() for row in slices(guesses, targets, {"brightness": brightness})]
    ax = plots.slice_intervals(rows, overall=0.75)
    marks = [line for line in ax.get_lines() if line.get_marker() in ("s", "o")]
    assert [line.get_marker() for line in marks] == ["s", "o", "o", "o"]  # the dark quarter stands out
    assert [float(np.ravel(line.get_xdata())[0]) for line in marks] == [row["accuracy"] for row in rows]
    alt = plots.alt_text(ax)
    assert "over all pictures 0.75. 1 lie below" in alt and "brightness 0 to 49 0.000 (50 images)" in alt
    with pytest.raises(ValueError, match="no slices"):
        plots.slice_intervals([], overall=0.5)
