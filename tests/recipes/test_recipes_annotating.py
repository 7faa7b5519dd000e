"""The answer drawn on a copy: sizes, scripts, long names, endings."""

import numpy as np
import pytest
from PIL import Image

from course_utils.recipes import annotating


def picture(path, width, height):
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(path)
    return path


@pytest.mark.parametrize(("width", "height"), [(8, 8), (300, 100), (100, 300), (3000, 2000)])
def test_the_picture_keeps_its_shape_above_the_answer(tmp_path, width, height):
    source = picture(tmp_path / "in.png", width, height)
    drawn = annotating.annotate(source, [("cat", 0.9), ("dog", 0.1)], tmp_path / "out.png")
    side = min(max(width, height, 240), 1600)
    assert drawn.width == pytest.approx(width * side / max(width, height), abs=1)
    pixels = np.asarray(drawn)
    top = round(height * side / max(width, height))
    assert (pixels[:top] == 90).all() and (pixels[top:] != 90).any()
    with Image.open(tmp_path / "out.png") as written:
        assert written.size == drawn.size


def test_the_bar_is_as_long_as_the_probability(tmp_path):
    source = picture(tmp_path / "in.png", 400, 100)
    pixels = np.asarray(annotating.annotate(source, [("a", 0.25)], tmp_path / "out.png"))
    assert (pixels[-9] == annotating._BAR).all(axis=1).sum() == pytest.approx(100, abs=1)


@pytest.mark.parametrize("name", ["蓝", "naïve", "x" * 200, "$^_{", "", "🌱"])
def test_any_name_can_be_drawn(tmp_path, name):
    source = picture(tmp_path / "in.png", 240, 100)
    drawn = annotating.annotate(source, [(name, 0.5)], tmp_path / "out.jpg")
    assert np.asarray(drawn)[100:, :100].min(axis=2).max() > 200 or not name  # letters, in white


@pytest.mark.parametrize("ending", ["txt", "csv", ""])
def test_another_ending_is_refused(tmp_path, ending):
    source = picture(tmp_path / "in.png", 24, 24)
    with pytest.raises(ValueError, match=r"use \.png or \.jpg"):
        annotating.annotate(source, [("a", 1.0)], tmp_path / f"out.{ending}")
