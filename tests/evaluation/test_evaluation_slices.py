"""Accuracy by parts of a set: the parts add up to the whole, and a planted weakness is found."""

import numpy as np
import pytest
from PIL import Image

from course_utils.evaluation.comparison import wilson_interval
from course_utils.evaluation.slices import picture_columns, slices


def test_a_planted_weakness_is_found_and_the_parts_add_up():
    generator = np.random.default_rng(0)
    brightness = generator.random(800)
    targets = generator.integers(0, 3, 800)
    guesses = np.where((brightness < 0.25) & (generator.random(800) < 0.6), (targets + 1) % 3, targets)
    found = slices(guesses, targets, {"brightness": brightness, "camera": ["old", "new"] * 400})
    dark, *rest = [one for one in found if one.column == "brightness"]
    assert dark.below and dark.accuracy < 0.6
    assert not any(one.below for one in rest)
    for column in ("brightness", "camera"):
        parts = [one for one in found if one.column == column]
        assert sum(one.num_images for one in parts) == 800
        right = sum(round(one.accuracy * one.num_images) for one in parts)
        assert right == (guesses == targets).sum()
    assert (dark.low, dark.high) == wilson_interval(round(dark.accuracy * dark.num_images), dark.num_images)


@pytest.mark.parametrize(
    ("values", "groups"),
    [
        ([64, 256, 64, 256], [("64", 2), ("256", 2)]),
        ([1, 2, 3, 4, 5, 6, 7, 8], [("1 to 2", 2), ("3 to 4", 2), ("5 to 6", 2), ("7 to 8", 2)]),
        ([1, 1, 1, 1, 1, 2, 3, 4, 5], [("1", 5), ("2 to 3", 2), ("4 to 5", 2)]),
        ([0, 0, 0, 0, 0, 0, 1, 2, 3, 4], [("0", 6), ("1 to 2", 2), ("3 to 4", 2)]),
        ([0.25, 0.5, 0.25, 0.5], [("0.25", 2), ("0.5", 2)]),
        (["b", "a", "b", "b"], [("b", 3), ("a", 1)]),
        ([True, False, True, True], [("True", 3), ("False", 1)]),
        ([7, 7, 7, 7], []),  # says nothing
    ],
)
def test_groups(values, groups):
    labels = [0] * len(values)
    assert [(one.group, one.num_images) for one in slices(labels, labels, {"x": values})] == groups


def test_rare_texts_go_together():
    values = [f"site {i}" for i in range(30)] + ["site 0"] * 3
    found = slices([0] * 33, [0] * 33, {"source": values})
    assert len(found) == 12
    assert (found[0].group, found[0].num_images) == ("site 0", 4)
    assert (found[-1].group, found[-1].num_images) == ("other", 19)


@pytest.mark.parametrize(
    ("guesses", "columns", "said"),
    [
        ([0, 1], {"x": [1]}, "'x' has 1 values for 2"),
        ([0, 1], {"x": [1.0, np.nan]}, "picture 1 is nan"),
        ([0], {}, "expected a class per picture"),
    ],
)
def test_what_does_not_fit_is_refused(guesses, columns, said):
    with pytest.raises(ValueError, match=said):
        slices(guesses, [0, 1], columns)


def test_columns_are_read_off_the_files(tmp_path):
    sizes = [(40, 30), (30, 50), (20, 20)]
    greys = [0, 102, 255]
    for index, (size, grey) in enumerate(zip(sizes, greys, strict=True)):
        Image.new("RGB", size, (grey,) * 3).save(tmp_path / f"{index}.{'png' if index else 'JPG'}")
    found = picture_columns(sorted(tmp_path.iterdir()), num_workers=1)
    assert found["shorter side (pixels)"] == [30, 30, 20]
    assert found["brightness"] == pytest.approx([0.0, 0.4, 1.0], abs=0.005)
    assert found["file type"] == ["jpg", "png", "png"]
