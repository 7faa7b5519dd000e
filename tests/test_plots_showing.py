"""Plots with names in any script, and how they are shown: alt text, size, the same bytes, once."""

import base64
import io
import re

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from matplotlib import font_manager
from nbconvert import HTMLExporter
from PIL import Image
from test_plots import generator, names, strict  # noqa: F401  (strict is a fixture that works by itself)

from course_utils import plots
from course_utils.plots import presenting, style

CHINESE = [
    "繁缕",
    "玉米",
    "甜菜 (beet)",
    "🍕",
    "🍕 pizza",
    "👩‍🌾",
    "a$b$c",
    "_hidden",
    "x" * 80,
    "x" * 79 + "y",
]


@pytest.fixture
def no_extra_fonts(monkeypatch):
    """A computer on which only matplotlib's own fonts are installed."""
    own = [font for font in font_manager.fontManager.ttflist if font.name.startswith("DejaVu")]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    style.forget_fonts()
    yield
    style.forget_fonts()


# Names in any script.


def draw_with(class_names):
    """Draw every kind of text with these names; warnings are errors here, so an empty box fails."""
    count = len(class_names)
    images = [np.zeros((8, 8))] * count
    index = list(range(count))
    axes = [
        plots.confusion_matrix(np.eye(count, dtype=int), class_names, title=class_names[0]),
        plots.class_counts({class_names[0]: index}, class_names=class_names),
        plots.image_grid(images, class_names, title=class_names[1]),
        plots.predictions_grid(images, index, index[::-1], class_names=class_names),
        plots.predictions_grid(images, class_names, class_names[::-1]),
        plots.scatter(index, index, index, group_names=class_names, xlabel=class_names[2], ylabel="y"),
        plots.lines([0], {name: [0] for name in class_names}, xlabel="x", ylabel="y"),
        plots.bar_with_intervals(class_names, index, xlabel="x"),
    ]
    for ax in axes:
        assert class_names[0] in plots.alt_text(ax)  # the true name, whatever is drawn
        ax.get_figure(root=True).set_dpi(40)
        ax.get_figure(root=True).canvas.draw()
    return axes


def test_chinese_and_emoji_without_any_font_for_them(no_extra_fonts):
    assert plots.drawable("繁缕", "class 0") == "class 0"
    assert plots.drawable_names(CHINESE)[:5] == ["class 0", "class 1", "(beet)", "class 3", "pizza"]
    draw_with(CHINESE)


def test_chinese_and_emoji_with_the_fonts_of_this_computer():
    assert len(draw_with(CHINESE)) > 0  # each drawn without a warning, the true names in its alt text


def test_chinese_is_drawn_where_there_is_a_font():
    if not any("CJK" in name or "Hei" in name or "YaHei" in name for name in style.font_families()):
        pytest.skip("no Chinese font on this computer")
    assert plots.drawable_names(["繁缕", "玉米"]) == ["繁缕", "玉米"]
    drawn = [
        Image.open(io.BytesIO(plots.present(plots.image_grid([np.ones((8, 8))], [text])).png))
        for text in "繁玉"
    ]
    assert drawn[0].tobytes() != drawn[1].tobytes()


def test_names_stay_different_from_each_other():
    shown = plots.drawable_names(CHINESE)
    assert len(set(shown)) == len(CHINESE)
    assert max(map(len, shown)) <= 30
    assert plots.drawable_names(["same", "same"]) == ["class 0", "class 1"]
    assert plots.drawable_names(["", " "]) == ["class 0", "class 1"]


def test_dollars_are_no_formula():
    ax = plots.image_grid([np.zeros((4, 4))], [r"$\frac{1}{0$ and $x$"])
    plots.present(ax)
    assert plots.drawable("a$b$c") == r"a\$b\$c"


# Showing.


def test_the_output_holds_the_picture_and_its_alt_text():
    ax = plots.lines([0, 1], {'<b>"loss"</b> & more': [1, 0]}, xlabel="t", ylabel="v")
    text = plots.alt_text(ax)
    picture = plots.present(ax)
    bundle, metadata = picture._repr_mimebundle_()
    assert metadata == {"alt": text}
    assert bundle["text/plain"] == f"Figure: {text}"
    html = bundle["text/html"]
    assert "<b>" not in html
    source = re.search(r'src="data:image/png;base64,([^"]+)"', html)
    assert base64.b64decode(source[1]) == picture.data
    assert Image.open(io.BytesIO(picture.png)).format == "PNG"


def test_nbconvert_shows_the_alt_text():
    """The default (lab) template; with a plain image/png output it would say that there is no description."""
    picture = plots.present(plots.histogram([1, 2, 3], xlabel="<v>"))
    data, metadata = picture._repr_mimebundle_()
    output = nbformat.v4.new_output("execute_result", data=data, metadata=metadata, execution_count=1)
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("x", outputs=[output])])
    page, _ = HTMLExporter().from_notebook_node(notebook)
    images = re.findall(r"<img [^>]*>", page)
    assert len(images) == 1
    assert "Histogram of &lt;v&gt;. 3 values from 1 to 3" in images[0]
    assert "No description" not in page


def test_a_shown_figure_is_closed_so_that_it_does_not_appear_twice():
    ax = plots.histogram([1, 2, 3], xlabel="v")
    assert len(plt.get_fignums()) == 1
    plots.present(ax)
    assert plt.get_fignums() == []


def test_a_description_of_ones_own():
    figure, (left, right) = plt.subplots(1, 2)
    left.plot([1, 2])
    with pytest.raises(ValueError, match="no description"):
        plots.present(figure)
    assert plots.present(figure, alt="A line.").alt == "A line."
    plots.describe(left, "Left.")
    plots.describe(figure, "Both.")
    plots.describe(right, "Right.")
    plots.describe(right, "Right,\n  again.")
    assert plots.alt_text(figure) == "Both. Left. Right, again."
    assert plots.present([left, right]).alt == "Both. Left. Right, again."
    assert plots.present(left, width=300).width == 300
    with pytest.raises(ValueError, match="axes of one figure"):
        plots.present([])
    with pytest.raises(ValueError, match="axes of one figure"):
        plots.present([left, plots.histogram([1], xlabel="v")])


def test_the_same_numbers_give_the_same_bytes():
    first, second = (plots.present(plots.confusion_matrix(np.eye(3, dtype=int), "abc")) for _ in range(2))
    assert first == second


def test_a_drawn_figure_is_a_small_png_that_looks_the_same():
    ax = plots.lines(
        np.arange(9), {n: np.arange(9) ** i for i, n in enumerate(names(3))}, xlabel="t", ylabel="v"
    )
    buffer = io.BytesIO()
    ax.figure.savefig(buffer, dpi=144, bbox_inches="tight", facecolor="white")
    picture = plots.present(ax)
    true = np.asarray(Image.open(buffer).convert("RGB"), dtype=int)
    shown = np.asarray(Image.open(io.BytesIO(picture.data)).convert("RGB"), dtype=int)
    assert picture.mime == "image/png"
    assert shown.shape == true.shape
    assert np.abs(shown - true).mean() < 0.5
    assert len(picture.data) < min(60_000, 0.8 * buffer.getbuffer().nbytes)


def photograph(size=160):
    """Smooth colours with noise: what 256 colours cannot hold."""
    y, x = np.mgrid[0:size, 0:size] / size
    smooth = np.stack([x, y, (x + y) / 2], axis=-1)
    return (255 * np.clip(smooth + generator().normal(0, 0.05, (size, size, 1)), 0, 1)).astype(np.uint8)


def test_photographs_stay_small_and_true():
    image = Image.fromarray(np.tile(photograph(), (3, 3, 1)))
    data, mime = presenting.encode(image)
    buffer = io.BytesIO()
    image.save(buffer, format="PNG")
    assert mime == "image/jpeg"
    assert len(data) < 0.6 * buffer.getbuffer().nbytes
    shown = np.asarray(Image.open(io.BytesIO(data)), dtype=int)
    assert np.abs(shown - np.asarray(image, dtype=int)).mean() < 8
    picture = plots.present(plots.image_grid([photograph(64)] * 24, columns=8))
    assert len(picture.data) < 130_000
    assert Image.open(io.BytesIO(picture.png)).format == "PNG"


def test_the_background_is_white_and_opaque():
    picture = plots.present(plots.histogram([1, 2, 3], xlabel="v"))
    image = Image.open(io.BytesIO(picture.png))
    assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)


@pytest.mark.slow
def test_in_a_notebook_the_figure_appears_once_and_as_it_is_stored():
    from nbclient import NotebookClient

    source = (
        "%matplotlib inline\nfrom course_utils import plots\n"
        "ax = plots.histogram([1, 2, 3], xlabel='v')\nplots.present(ax)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    NotebookClient(notebook, timeout=120).execute()
    (output,) = notebook.cells[0].outputs
    assert set(output["data"]) == {"text/html", "text/plain"}
    assert 'alt="Histogram of v.' in output["data"]["text/html"]
    assert output["metadata"]["alt"].startswith("Histogram of v.")


@pytest.mark.parametrize(
    ("title", "alt"),
    [
        ("Loss", "Loss. Two lines."),
        ("Is it right?", "Is it right? Two lines."),
        ("By hand, with ...", "By hand, with ... Two lines."),
        ("", "Two lines."),
    ],
)
def test_a_title_and_its_text_are_sentences_of_their_own(title, alt):
    _, ax = plt.subplots()
    plots.describe(ax, "Two lines.", title=title)
    assert plots.alt_text(ax) == alt


def photographs():
    pixels = generator().integers(0, 256, size=(64, 64, 3), dtype=np.uint8)
    return plots.image_grid([pixels] * 4, columns=4, size=1.3).figure


@pytest.fixture(scope="module")
def drawn_at_each_step():
    return [presenting.encode(presenting._draw(photographs(), dpi))[0] for dpi in presenting._DPI_STEPS]


@pytest.mark.parametrize("share", [2.0, 1.0, 0.99, 0.5, 0.3, 0.01])
def test_the_first_dots_per_inch_that_are_small_enough_are_taken(drawn_at_each_step, share):
    most_bytes = int(share * len(drawn_at_each_step[0]))
    fine = [data for data in drawn_at_each_step if len(data) <= most_bytes] or drawn_at_each_step[-1:]
    assert plots.present(photographs(), most_bytes=most_bytes).data == fine[0]
