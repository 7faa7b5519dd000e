"""Plots of the course: numbers and an `ax` in, axes out, alt text with it.

A cell ends with `plots.present(ax)`, which shows the figure with its alt text. No function calls
`plt.show()`.

What may be changed: a figure is a function more, in the file of its concept: decorated with `style.styled`,
it takes `ax=None`, labels its axes with units and ends with `style.describe`. Others rely on: no import of
torch here, alt text for every figure, and no meaning that is carried by colour alone.
"""

from course_utils.plots.classes import bar_with_intervals, class_counts, confusion_matrix
from course_utils.plots.curves import lines, training_curves
from course_utils.plots.distributions import histogram, pixel_histograms, scatter
from course_utils.plots.images import image_grid, predictions_grid
from course_utils.plots.presenting import Presented, present
from course_utils.plots.report_page import write_page
from course_utils.plots.scores import per_class_bars, reliability_diagram, score_curves, slice_intervals
from course_utils.plots.style import PALETTE, alt_text, describe, drawable, drawable_names

__all__ = [
    "PALETTE",
    "Presented",
    "alt_text",
    "bar_with_intervals",
    "class_counts",
    "confusion_matrix",
    "describe",
    "drawable",
    "drawable_names",
    "histogram",
    "image_grid",
    "lines",
    "per_class_bars",
    "pixel_histograms",
    "predictions_grid",
    "present",
    "reliability_diagram",
    "scatter",
    "score_curves",
    "slice_intervals",
    "training_curves",
    "write_page",
]
