"""Maps of features: panels with alt text, and a page that needs nothing but itself."""

import json
import re
from html.parser import HTMLParser

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_utils import plots
from course_utils.plots.embedding import embedding_panels
from course_utils.plots.embedding_page import embedding_page

NAMES = ("maize", "繁缕", "</script><b>beet")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def points(count=30):
    labels = np.arange(count) % 3
    centres = np.array([[0.0, 0.0], [1.0, 0.0], [10.0, 0.0]])
    return np.random.default_rng(0).normal(0, 0.01, (count, 2)) + centres[labels], labels


def test_panels_tell_which_classes_are_near():
    table, labels = points()
    axes = embedding_panels(
        {"before": table, "after": 2 * table}, labels, class_names=("a", "b", "c"), title="Maps"
    )
    assert len(axes) == 2
    text = plots.alt_text(axes[0].get_figure(root=True))
    assert "before: 30 points in 3 classes" in text and "nearest are a and b, farthest a and c" in text
    assert text.startswith("Maps.")
    assert [t.get_text() for t in axes[0].texts] == ["a", "b", "c"]
    drawn = np.concatenate([c.get_offsets() for c in axes[1].collections])
    assert len(drawn) == 30 and np.isclose(np.sort(drawn[:, 0]), np.sort(2 * table[:, 0])).all()
    assert plots.present(axes[0].get_figure(root=True)).alt == text


def test_panels_without_labels_and_with_fifty_classes():
    (ax,) = embedding_panels({"noise": points()[0]})
    assert plots.alt_text(ax) == "noise: 30 points." and not ax.texts
    many = np.random.default_rng(0).random((100, 2))
    names = [f"class number {i}" for i in range(50)]
    assert len(embedding_panels({"many": many}, np.arange(100) % 50, class_names=names)[0].collections) == 50
    with pytest.raises(ValueError, match="expected one number"):
        embedding_panels({"a": many, "b": many[:5]})
    with pytest.raises(ValueError, match=r"expected finite numbers \(N, 2\)"):
        embedding_panels({"a": np.zeros((3, 3))})
    with pytest.raises(ValueError, match="there are 2 class names"):
        embedding_panels({"a": many}, np.arange(100) % 3, class_names=("x", "y"))


class Page(HTMLParser):
    """Every tag with its attributes, and the text of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.scripts, self._script = [], [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._script = tag == "script"
        if self._script:
            self.scripts.append("")

    def handle_endtag(self, tag):
        self._script = self._script and tag != "script"

    def handle_data(self, data):
        if self._script:
            self.scripts[-1] += data


def page(**options):
    table, labels = points()
    pictures = np.random.default_rng(0).integers(0, 256, (30, 12, 12), dtype=np.uint8)
    options = {
        "class_names": NAMES,
        "title": "Features <of> digits %%DATA%%",
        "pictures": pictures,
        **options,
    }
    return embedding_page(table, labels, ids=[f"{i:04d}.png" for i in range(30)], **options)


def test_the_page_asks_nobody_for_anything_and_says_what_it_shows():
    text = page(facts={"kNN accuracy (k = 5)": 0.98765, "layer": "fc.1"}, predicted=np.zeros(30, dtype=int))
    found = Page(text)
    for tag, attributes in found.tags:
        assert "src" not in attributes and attributes.get("href", "data:,") == "data:,", tag
    assert not re.findall(r"url\((?!data:)", text) and "@import" not in text
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)
    (map_,) = [attributes for _, attributes in found.tags if attributes.get("id") == "map"]
    assert (
        map_["role"] == "img"
        and "30 pictures in 3 classes" in map_["aria-label"]
        and "0.988" in map_["aria-label"]
    )
    assert "color-scheme: light dark" in text and 'rel="icon"' in text, "else a server is asked for one"
    assert "Features &lt;of&gt; digits %%DATA%%" in text
    assert not re.findall(r"%%(?!DATA%%<)[A-Z]+%%", text), "every place is filled in"
    assert "classified wrongly" in text and "classified wrongly" not in page()


def test_the_data_of_the_page_are_the_points():
    found = Page(page())
    assert len(found.scripts) == 2, "a class name cannot end the script"
    data = json.loads(found.scripts[0])
    table, labels = points()
    assert data["label"] == labels.tolist() and data["names"] == list(NAMES) and data["ids"][7] == "0007.png"
    scale = 1000 / np.ptp(table, axis=0).max()
    np.testing.assert_allclose(np.diff(data["x"]), scale * np.diff(table[:, 0]), atol=0.11)
    np.testing.assert_allclose(np.diff(data["y"]), -scale * np.diff(table[:, 1]), atol=0.11)
    assert min(data["x"]) >= 0 and max(data["x"]) <= 1000 and 0 <= min(data["y"]) <= max(data["y"]) <= 1000
    assert data["sprite"] == {"columns": 6, "side": 12}


def test_a_page_without_pictures_and_mistakes():
    table, labels = points()
    assert "display:none" in embedding_page(table, labels, class_names=NAMES, title="t")
    with pytest.raises(ValueError, match="29 labels"):
        embedding_page(table, labels[:29], class_names=NAMES, title="t")
    with pytest.raises(ValueError, match="there are 2 class names"):
        embedding_page(table, labels, class_names=NAMES[:2], title="t")
    with pytest.raises(ValueError, match="expected uint8"):
        embedding_page(table, labels, class_names=NAMES, title="t", pictures=np.zeros((30, 4, 4)))
    with pytest.raises(ValueError, match="not finite"):
        embedding_page(np.full((30, 2), np.inf), labels, class_names=NAMES, title="t")
