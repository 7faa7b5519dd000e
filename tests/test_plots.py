"""The plots: the numbers drawn, the alt text that tells them, names in any script, how they are shown."""

import re
import subprocess
import sys
import warnings

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from course_utils import plots


@pytest.fixture(autouse=True)
def strict():
    """No warning while drawing (an empty box warns), and no figure left open between tests."""
    plt.close("all")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield
    plt.close("all")


def generator():
    return np.random.default_rng(0)


def history(num_epochs=6):
    return [
        {
            "epoch": i + 1,
            "train_loss": 2.0 / (i + 1),
            "val_loss": 2.5 / (i + 1),
            "val_accuracy": [0.1, 0.5, 0.9, 0.8, 0.7, 0.6][i % 6],
            "learning_rate": 1e-3 * (i + 1),
        }
        for i in range(num_epochs)
    ]


def names(count):
    return [f"class number {i}" for i in range(count)]


def every_plot(count):
    """Each plot function with `count` classes or series, by name."""
    rng = generator()
    images = [rng.integers(0, 256, (8, 8, 3), dtype=np.uint8) for _ in range(count)]
    labels = list(rng.integers(0, count, count))
    matrix = rng.integers(0, 9, (count, count))
    values = rng.uniform(0.2, 0.9, count)
    x = np.arange(5)
    return {
        "image_grid": lambda: plots.image_grid(images, names(count)),
        "predictions_grid": lambda: plots.predictions_grid(
            images, labels, list(range(count)), values, class_names=names(count)
        ),
        "training_curves": lambda: plots.training_curves(history(count))[0],
        "confusion_matrix": lambda: plots.confusion_matrix(matrix, names(count)),
        "class_counts": lambda: plots.class_counts(
            {"train": labels, "val": labels}, class_names=names(count)
        ),
        "bar_with_intervals": lambda: plots.bar_with_intervals(
            names(count), values, values - 0.1, values + 0.1, xlabel="recall"
        ),
        "histogram": lambda: plots.histogram(
            {n: rng.normal(i, 1, 50) for i, n in enumerate(names(count))}, xlabel="v"
        ),
        "pixel_histograms": lambda: plots.pixel_histograms(rng.integers(1, 9, (3, 256))),
        "lines": lambda: plots.lines(
            x, {n: x * i for i, n in enumerate(names(count))}, xlabel="t", ylabel="v"
        ),
        "scatter": lambda: plots.scatter(
            values, values**2, np.arange(count), group_names=names(count), xlabel="a", ylabel="b"
        ),
    }


@pytest.mark.parametrize("count", [2, 50])
@pytest.mark.parametrize("name", every_plot(2))
def test_every_plot_draws_any_number_of_classes_and_tells_it(name, count):
    ax = every_plot(count)[name]()
    assert isinstance(ax, Axes)
    text = plots.alt_text(ax)
    assert len(text) > 40
    assert re.search("[0-9]", text)
    if name not in ("image_grid", "predictions_grid"):
        assert ax.get_xlabel()
        assert ax.get_ylabel() or name in ("class_counts", "bar_with_intervals")
    ax.get_figure(root=True).set_dpi(40)
    ax.get_figure(root=True).canvas.draw()
    width, height = ax.get_figure(root=True).get_size_inches()
    assert (1 <= width <= 14 and 1 <= height <= 14) or name.endswith("grid")


@pytest.mark.parametrize("name", [name for name in every_plot(2) if name != "training_curves"])
def test_given_axes_are_used_and_nothing_else_is_opened(name, monkeypatch):
    figure, ax = plt.subplots()
    monkeypatch.setattr(plt, "subplots", lambda *_, **__: pytest.fail("opened another figure"))
    call = every_plot(3)[name]
    function = getattr(plots, name)
    monkeypatch.setattr(plots, name, lambda *args, **options: function(*args, ax=ax, **options))
    assert call() is ax
    assert plt.get_fignums() == [figure.number]


def test_the_readers_settings_stay_as_they_are():
    before = dict(matplotlib.rcParams)
    for call in every_plot(3).values():
        call()
    assert dict(matplotlib.rcParams) == before


def test_torch_is_not_imported():
    code = "import sys; from course_utils import plots; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# What is drawn.


def test_image_grid_shows_the_pixels_undistorted():
    rng = generator()
    colour = rng.integers(0, 256, (10, 20, 3), dtype=np.uint8)
    unit = rng.random((6, 6))
    ax = plots.image_grid([colour, unit, unit[..., None], colour / 255.0], list("abcd"), columns=3)
    drawn = ax.get_images()
    assert (drawn[0].get_array() == colour).all()
    assert (drawn[1].get_array() == np.round(unit * 255)).all()
    assert (drawn[2].get_array() == drawn[1].get_array()).all()
    assert (drawn[3].get_array() == colour).all()
    for image, shape in zip(drawn, [(10, 20), (6, 6), (6, 6), (10, 20)], strict=True):
        left, right, bottom, top = image.get_extent()
        assert (bottom - top) / (right - left) == pytest.approx(shape[0] / shape[1])
    assert ax.get_aspect() == 1.0
    first, fourth = drawn[0].get_extent(), drawn[3].get_extent()
    assert first[0] == fourth[0] and first[3] < fourth[3]  # the fourth begins the second row, below
    assert [text.get_text() for text in ax.texts] == list("abcd")
    assert "4 pictures, mixed sizes: a, b, c, d" in plots.alt_text(ax)


@pytest.mark.parametrize(
    ("image", "said"),
    [
        (np.zeros((3, 8, 8)), r"permute\(1, 2, 0\)"),
        (np.full((8, 8, 3), 2.0), "Undo the normalisation"),
        (np.full((8, 8), -1.0), "from -1 to -1"),
        (np.full((8, 8), np.nan), "nan"),
        (np.zeros((8, 8, 3), dtype=np.int64), "int64"),
        (np.zeros(8), r"\(8,\)"),
        (np.zeros((0, 8)), r"\(0, 8\)"),
    ],
)
def test_what_is_no_image_is_refused_with_its_place(image, said):
    with pytest.raises(ValueError, match=f"image 1.*{said}"):
        plots.image_grid([np.zeros((8, 8)), image])


def test_predictions_differ_by_more_than_colour():
    images = [np.zeros((8, 8))] * 3
    ax = plots.predictions_grid(images, [0, 1, 1], [0, 0, 1], [0.98, 0.6, 0.5], class_names=["cat", "dog"])
    assert [text.get_text() for text in ax.texts] == ["✓ cat 98 %", "✗ cat 60 %\nis dog", "✓ dog 50 %"]
    frames = [(frame.get_linestyle(), frame.get_linewidth()) for frame in ax.patches]
    assert frames[0] == frames[2] != frames[1]
    assert "2 right, 1 wrong: dog taken for cat (60 %)" in plots.alt_text(ax)
    unknown = plots.predictions_grid(images, None, [0, 0, 1], class_names=["cat", "dog"])
    assert not unknown.patches
    assert "cat, cat, dog" in plots.alt_text(unknown)


def test_training_curves_draw_the_history():
    rows = history()
    axes = plots.training_curves(rows, title="A run")
    assert [ax.get_ylabel() for ax in axes] == ["loss", "accuracy (share of images)", "learning rate"]
    assert (axes[0].get_lines()[1].get_ydata() == [row["val_loss"] for row in rows]).all()
    assert (axes[0].get_lines()[0].get_xdata() == [1, 2, 3, 4, 5, 6]).all()
    best = axes[1].get_lines()[1]
    assert (best.get_xdata(), best.get_ydata()) == ([3], [0.9])
    text = plots.alt_text(axes)
    assert "val accuracy goes from 0.1 to 0.6, highest 0.9 at 3" in text
    assert plots.alt_text(axes[0].figure) == f"A run. {text}"


def test_gaps_and_texts_of_a_csv_are_understood():
    rows = [{"epoch": "1", "val_accuracy": ""}, {"epoch": "2", "val_accuracy": "0.5"}, {"epoch": "3"}]
    (ax,) = plots.training_curves(rows)
    assert np.array_equal(ax.get_lines()[0].get_ydata(), [np.nan, 0.5, np.nan], equal_nan=True)
    (ax,) = plots.training_curves([{"epoch": 1, "val_loss": None}])
    assert "has no values" in plots.alt_text(ax)
    with pytest.raises(ValueError, match="no rows"):
        plots.training_curves([])
    with pytest.raises(ValueError, match="'speed'"):
        plots.training_curves([{"speed": 1}])


def test_confusion_matrix_cells_and_words():
    counts = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    ax = plots.confusion_matrix(counts, ["cat", "dog", "owl"])
    assert {text.get_text() for text in ax.texts} == {"8", "2", "1", "9"}
    by_row = plots.confusion_matrix(counts, ["cat", "dog", "owl"], normalise="true")
    assert [text.get_text() for text in by_row.texts] == ["80", "20", "10", "90", "–", "–", "–"]
    by_column = plots.confusion_matrix(counts, ["cat", "dog", "owl"], normalise="predicted")
    assert [text.get_text() for text in by_column.texts] == ["89", "18", "–", "11", "82", "–", "–"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("predicted class", "true class")
    text = plots.alt_text(ax)
    assert "20 images in 3 classes, accuracy 0.850" in text
    assert "Weakest class: cat, 8 of 10" in text
    assert "cat taken for dog 2 times; dog taken for cat 1 times" in text
    assert "No confusions" in plots.alt_text(plots.confusion_matrix(np.eye(2, dtype=int), ["a", "b"]))
    assert "0 images" in plots.alt_text(plots.confusion_matrix(np.zeros((2, 2), dtype=int), ["a", "b"]))
    with pytest.raises(ValueError, match="2 x 2"):
        plots.confusion_matrix(counts, ["a", "b"])


def test_class_counts_draw_a_bar_per_split():
    ax = plots.class_counts({"train": {"cat": 70, "dog": 30}, "val": {"cat": 5}})
    assert [patch.get_width() for patch in ax.patches] == [70, 30, 5, 0]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["cat", "dog"]
    assert ax.yaxis.get_inverted()
    assert len({patch.get_hatch() for patch in ax.patches}) == 2
    assert "val: 5 images, fewest 0 (dog), most 5 (cat)" in plots.alt_text(ax)
    with pytest.raises(ValueError, match="bird"):
        plots.class_counts({"train": {"bird": 1}}, class_names=["cat"])
    with pytest.raises(ValueError, match="3 counts for 2"):
        plots.class_counts({"train": [1, 2, 3]}, class_names=["cat", "dog"])


def test_bars_reach_from_zero_and_intervals_are_ends():
    ax = plots.bar_with_intervals(["raw", "EMA"], [0.5, 0.75], [0.4, 0.7], [0.7, 0.8], xlabel="accuracy")
    assert [(bar.get_x(), bar.get_width()) for bar in ax.patches] == [(0, 0.5), (0, 0.75)]
    segments = ax.collections[0].get_segments()
    assert np.allclose([segment[:, 0] for segment in segments], [[0.4, 0.7], [0.7, 0.8]])
    assert "raw 0.5 (0.4 to 0.7), EMA 0.75 (0.7 to 0.8)" in plots.alt_text(ax)
    with pytest.raises(ValueError, match="not distances"):
        plots.bar_with_intervals(["a"], [0.5], [0.1], [0.1], xlabel="x")
    with pytest.raises(ValueError, match="neither"):
        plots.bar_with_intervals(["a"], [0.5], [0.1], xlabel="x")


def test_lines_keep_gaps_and_draw_bands():
    x = [0.0, 1.0, 2.0]
    ax = plots.lines(
        x,
        {"a": [1, np.nan, 3], "b": [0, 5, 1]},
        bands={"b": ([0, 4, 0], [1, 6, 2])},
        xlabel="t (s)",
        ylabel="v",
    )
    assert len(ax.get_lines()) == 2 and len(ax.collections) == 1
    assert ax.get_lines()[0].get_linestyle() != ax.get_lines()[1].get_linestyle()
    assert ax.get_lines()[0].get_marker() != ax.get_lines()[1].get_marker()
    assert "a goes from 1 to 3; b goes from 0 to 1, highest 5 at 1" in plots.alt_text(ax)
    with pytest.raises(ValueError, match="'a'"):
        plots.lines(x, {"a": [1, 2]}, xlabel="t", ylabel="v")


def test_histograms_count_everything():
    ax = plots.histogram([0, 0, 1, np.nan], bins=2, xlabel="v")
    assert list(ax.patches[0].get_data().values) == [2, 1]
    assert "3 values from 0 to 1" in plots.alt_text(ax)
    with pytest.raises(ValueError, match="no finite"):
        plots.histogram([np.nan], xlabel="v")


def test_pixel_histograms_give_the_mean_and_deviation_of_the_pixels():
    pixels = generator().integers(0, 256, (3, 1000))
    pixels[0] //= 2
    counts = np.stack([np.bincount(channel, minlength=256) for channel in pixels])
    ax = plots.pixel_histograms(counts)
    for channel, name in enumerate(("red", "green", "blue")):
        mean, deviation = pixels[channel].mean() / 255, pixels[channel].std() / 255
        assert f"{name} has mean {mean:.3f} and standard deviation {deviation:.3f}" in plots.alt_text(ax)
    verticals = [line.get_xdata()[0] for line in ax.get_lines()[1::2]]
    assert verticals == pytest.approx(pixels.mean(axis=1) / 255)
    assert "grey" in plots.alt_text(plots.pixel_histograms(counts[0]))
    with pytest.raises(ValueError, match=r"\(channels, 256\)"):
        plots.pixel_histograms(np.zeros((3, 10)))


def test_scatter_gives_each_group_its_points():
    ax = plots.scatter([0, 1, 2], [3, 4, 5], [0, 2, 0], group_names=["a", "b", "c"], xlabel="x", ylabel="y")
    assert [len(group.get_offsets()) for group in ax.collections] == [2, 1]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "c"]
    assert "a (2) around 1, 4; c (1) around 1, 4" in plots.alt_text(ax)
    with pytest.raises(ValueError, match="no name"):
        plots.scatter([0], [0], [1], group_names=["a"], xlabel="x", ylabel="y")
