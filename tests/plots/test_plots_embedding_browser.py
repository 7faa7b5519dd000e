"""The page of a feature map as a browser shows it: hover, arrow keys and the legend, wide and narrow."""

import base64
import io
import re

import headless_browser as browser
import numpy as np
import pytest
from PIL import Image

from course_utils.plots.embedding_page import embedding_page

LONG = "a <b>class</b> whose name is long, " + "and-cannot-be-broken-anywhere" * 3
NAMES = ("maize", "繁缕", LONG, *"defghi")
COUNT = 30  # pictures, on a grid of six columns and five rows, far from each other
ASKED = (0, 7, 29)

# What a reader does: points at marks, goes one to the right by keyboard, hides the class of the chosen point.
ACT = """
  const map = page.getElementById("map"), about = page.getElementById("about");
  const picture = page.getElementById("picture"), ring = page.getElementById("ring");
  const marks = [...map.querySelectorAll("path")];
  const shown = () => {
    const style = view.getComputedStyle(picture);
    return { about: about.textContent, label: picture.getAttribute("aria-label"),
      position: style.backgroundPosition, size: style.backgroundSize,
      image: style.backgroundImage.slice(0, 15), width: picture.getBoundingClientRect().width };
  };
  const found = { first: shown(), hover: [] };
  found.colours = marks.slice(0, 9).map(m => view.getComputedStyle(m).fill);
  for (const i of [0, 7, 29]) {
    const box = marks[i].getBoundingClientRect();
    const at = { clientX: box.x + box.width / 2, clientY: box.y + box.height / 2, bubbles: true };
    map.dispatchEvent(new view.PointerEvent("pointermove", at));
    found.hover.push(shown());
  }
  map.dispatchEvent(new view.KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
  found.left = shown();
  found.ring = ring.getAttribute("visibility");
  page.querySelector('button[data-class="1"]').click();
  found.hidden = marks.filter(m => view.getComputedStyle(m).display === "none").length;
  found.ringAfter = ring.getAttribute("visibility");
  found.map = { width: map.getBoundingClientRect().width, height: map.getBoundingClientRect().height };
  return found;
"""
needs_chromium = pytest.mark.skipif(
    browser.chromium() is None, reason="no chromium, chromium-browser or google-chrome here"
)


def colour(index):
    """A colour of its own for each picture."""
    return (8 * index, 255 - 8 * index, 40 + 5 * index)


@pytest.fixture(scope="module")
def page():
    points = np.array([(i % 6, -(i // 6)) for i in range(COUNT)], dtype=float)
    pictures = np.array([np.full((12, 12, 3), colour(i)) for i in range(COUNT)], dtype=np.uint8)
    return embedding_page(
        points,
        np.arange(COUNT) % len(NAMES),
        class_names=NAMES,
        title="Features <of> pictures",
        pictures=pictures,
        ids=[f"图/{i:04d}.png" for i in range(COUNT)],
        predicted=np.zeros(COUNT, dtype=int),
        facts={"5-NN accuracy": 0.9, "a fact with a long name and a long text": "x" * 200},
    )


@pytest.fixture(scope="module")
def seen(page, tmp_path_factory):
    """What Chromium finds at 400 and 1280 pixels, light and dark, and what its console says."""
    folder = tmp_path_factory.mktemp("embedding")
    path = folder / "features.html"
    path.write_text(page, encoding="utf-8")
    views = [(path, width, scheme) for width in (400, 1280) for scheme in ("light", "dark")]
    return browser.look_at(views, folder, ACT)


def contrast(first, second):
    """The contrast of two colours "rgb(r, g, b)" by WCAG 2, from 1 to 21."""

    def light(text):
        parts = [int(value) / 255 for value in re.findall(r"\d+", text)[:3]]
        linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((light(first), light(second)))
    return (high + 0.05) / (low + 0.05)


@needs_chromium
def test_nothing_is_too_wide_nothing_is_asked_for_and_the_console_is_silent(seen):
    views, console = seen
    assert [(one["width"], one["dark"]) for one in views] == [
        (400, False), (400, True), (1280, False), (1280, True),
    ]  # fmt: skip
    for one in views:
        assert one["too_wide"] <= 0
        assert one["broken"] == one["without_alt"] == one["requests"] == []
        assert one["contrast"] > 7
        background = "rgb(22, 24, 27)" if one["dark"] else "rgb(255, 255, 255)"
        assert min(contrast(fill, background) for fill in one["acted"]["colours"]) > 2
    assert not console


@needs_chromium
def test_the_map_is_square_and_fits_into_the_window(seen):
    for one in seen[0]:
        map_ = one["acted"]["map"]
        assert map_["width"] == pytest.approx(map_["height"], abs=1)
        assert map_["height"] <= 900 and map_["width"] >= 320


@needs_chromium
def test_hover_shows_the_picture_of_the_point(page, seen):
    content = re.search(r"background-image:url\(data:image/png;base64,([^)]+)\)", page)[1]
    sheet = Image.open(io.BytesIO(base64.b64decode(content))).convert("RGB")
    side = 12
    columns, rows = sheet.width // side, sheet.height // side
    for one in seen[0]:
        first = one["acted"]["first"]
        assert first["label"] == "no picture chosen" and first["image"] == "none"
        for index, shown in zip(ASKED, one["acted"]["hover"], strict=True):
            name = NAMES[index % len(NAMES)]
            assert all(part in shown["about"] for part in (f"图/{index:04d}.png", f"Class: {name}"))
            assert "Predicted: maize" in shown["about"]
            assert shown["label"] == f"Picture of the class {name}"
            assert shown["image"] == 'url("data:image' and shown["width"] > 100
            # CSS: p % puts the sheet's point at p % on the window's point at p %: cell p (n - 1) of n.
            assert shown["size"] == f"{100 * columns}% {100 * rows}%"
            across, down = (float(value) / 100 for value in re.findall(r"[\d.]+", shown["position"]))
            place = round(across * (columns - 1)), round(down * (rows - 1))
            middle = sheet.getpixel((place[0] * side + side // 2, place[1] * side + side // 2))
            assert np.abs(np.subtract(middle, colour(index))).max() <= 6  # the sheet's colours are reduced


@needs_chromium
def test_the_keyboard_and_the_legend(seen):
    for one in seen[0]:
        acted = one["acted"]
        assert f"图/{ASKED[-1] - 1:04d}.png" in acted["left"]["about"], "the neighbour at the left"
        assert acted["ring"] == "visible"
        assert acted["hidden"] == sum(i % len(NAMES) == 1 for i in range(COUNT))
        assert (ASKED[-1] - 1) % len(NAMES) == 1 and acted["ringAfter"] == "hidden", "its class is hidden now"
