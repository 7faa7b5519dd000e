"""The page of an evaluation: figures, tables and the worst errors in one HTML file that needs nothing else.

It is drawn from the plain data of `evaluation.report.build_report` (or of a stored report.json). Every figure
has alt text, every number stands in a table too, and a figure without its uncertainty is not shown.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np

from course_utils import files
from course_utils.plots.classes import confusion_matrix
from course_utils.plots.html_page import page, table, thumbnail
from course_utils.plots.presenting import present
from course_utils.plots.report_comparisons import comparisons_section, ways_section
from course_utils.plots.scores import per_class_bars, reliability_diagram, score_curves, slice_intervals

_NAMES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy (mean recall of the classes)",
    "macro_f1": "F1, mean of the classes",
    "log_loss": "log loss (nats, lower is better)",
}


class ReportLike(Protocol):
    """What a page is made of: plain data, and the pictures of its worst errors in their order."""

    @property
    def pictures(self) -> tuple[np.ndarray, ...]:
        """uint8 (H, W), (H, W, 1) or (H, W, 3) each, or none at all."""
        ...

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and texts."""
        ...


def write_page(report: ReportLike, path: str | Path) -> Path:
    """Write the page of a report as one HTML file, atomically; returns the path."""
    files.write_text(path, report_page(report.as_dict(), pictures=report.pictures))
    return Path(path)


def report_page(values: Mapping[str, Any], *, pictures: Sequence[np.ndarray] = ()) -> str:
    """The page as HTML. values: as in report.json. pictures: those of the worst errors, in their order."""
    if len(pictures) not in (0, len(values["worst_errors"])):
        raise ValueError(
            f"got {len(pictures)} pictures for {len(values['worst_errors'])} worst errors; "
            "expected one for each"
        )
    summary = values["summary"]
    parts = [
        *_head(values, summary),
        *_classes(summary),
        *_confusions(values, summary),
        *_worst(values["worst_errors"], pictures),
        *_calibration(values),
        *_curves(values["curves"]),
        *_slices(values["slices"], summary["accuracy"]),
        *ways_section(values.get("ways", [])),
        *comparisons_section(values.get("comparisons", [])),
    ]
    return page(f"Evaluation of {values['name']}", parts)


def _head(values: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[str]:
    yield f"<p>{summary['num_images']:,} pictures in {summary['num_classes']} classes.</p>"
    if values["about"]:
        yield table(["about this run", ""], values["about"].items(), label="About this run", break_words=True)
    yield "<h2>Figures</h2>"
    intervals = values["intervals_95"]
    top = next(key for key in summary if key.startswith("top_"))
    names = {**_NAMES, top: top.replace("_", " ").replace("top ", "top-")}
    flat = {**summary, "macro_f1": summary["macro"]["f1"]}
    rows = [[names[key], flat[key], *intervals[key]] for key in ("accuracy", top, *list(_NAMES)[1:])]
    yield table(["figure", "value", "low", "high"], rows, label="Figures with their 95 % intervals", digits=4)
    yield (
        '<p class="quiet">Low and high are the ends of a 95 % interval: Wilson for accuracies, bootstrap for '
        "the rest. It says what another test set of this size might give, not what another training would."
        "</p>"
    )
    averages = [[name, *summary[name].values()] for name in ("macro", "weighted", "micro")]
    yield table(["average", "precision", "recall", "F1"], averages, label="Precision, recall and F1")


def _classes(summary: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Classes</h2>"
    rows = summary["per_class"]
    names = [row["class"] for row in rows]
    series = {what: [row[what.lower()] for row in rows] for what in ("Precision", "Recall", "F1")}
    if len(names) <= 40:
        yield present(per_class_bars(names, series)).html()
    header = ["class", "precision", "recall", "F1", "pictures", "predicted"]
    yield table(header, [list(row.values()) for row in rows], label="Scores of each class")
    absent = summary["classes_without_images"]
    if absent:
        yield f"<p>No picture here shows {html.escape(', '.join(absent))}: their recall counts as 0.</p>"


def _confusions(values: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Confusions</h2>"
    names = values["class_names"]
    if len(names) <= 60:
        axes = confusion_matrix(summary["confusion_matrix"], names, normalise="true")
        yield present(axes).html()
    pairs = values["confused_pairs"]
    if not pairs:
        yield "<p>No picture is taken for another class.</p>"
        return
    rows = [[pair["true"], pair["predicted"], pair["count"], pair["share"]] for pair in pairs]
    yield table(["is", "taken for", "pictures", "share of the class"], rows, label="Most confused pairs")


def _worst(errors: Sequence[Mapping[str, Any]], pictures: Sequence[np.ndarray]) -> Iterator[str]:
    if not errors:
        return
    yield "<h2>Worst errors</h2>"
    yield (
        "<p>The wrong predictions that cost most log loss. Look for wrong labels, pictures that show two "
        "classes, and pictures nobody could tell.</p>"
    )
    if pictures:
        yield '<div class="pictures">'
        for error, pixels in zip(errors, pictures, strict=True):
            says = f"{error['predicted']} ({100 * error['confidence']:.0f} %)"
            alt = f"Picture {error['id']}: {error['true']}, taken for {says}."
            caption = (
                f"<b>{html.escape(error['true'])}</b>, taken for {html.escape(says)}<br>"
                f'<span class="quiet">{html.escape(error["id"])}</span>'
            )
            yield f"<figure>{thumbnail(pixels, alt)}<figcaption>{caption}</figcaption></figure>"
        yield "</div>"
        return
    rows = [list(error.values()) for error in errors]
    header = ["picture", "is", "taken for", "confidence", "confidence in the truth"]
    yield table(header, rows, label="Worst errors")


def _calibration(values: Mapping[str, Any]) -> Iterator[str]:
    yield "<h2>Calibration</h2>"
    found, scaled = values["calibration"], values.get("temperature")
    after = None if scaled is None else scaled["bins_after"]
    yield present(reliability_diagram(found["bins"], after=after)).html()
    yield (
        f"<p>Mean confidence {found['confidence']:.3f}, accuracy {found['accuracy']:.3f}, expected "
        f"calibration error {found['ece']:.4f}, widest gap {found['mce']:.3f}. Grey bars: how the "
        "pictures spread over the confidence.</p>"
    )
    if scaled is not None:
        rows = [
            ["expected calibration error", scaled["ece_before"], scaled["ece_after"]],
            ["log loss", scaled["log_loss_before"], scaled["log_loss_after"]],
        ]
        yield table(["", "as trained", "after"], rows, label="Temperature scaling", digits=4)
        limit = " It lies at the limit of what is tried, so it means little." if scaled["at_limit"] else ""
        yield (
            f"<p>Temperature {scaled['value']:.3f}, fitted on {scaled['fitted_on']:,} other pictures."
            f"{limit}</p>"
        )
    rows = [[f"{b['low']:.2f} to {b['high']:.2f}", *list(b.values())[2:]] for b in found["bins"]]
    yield table(["confidence", "pictures", "mean confidence", "accuracy"], rows, label="Reliability bins")


def _curves(curves: Mapping[str, Any]) -> Iterator[str]:
    areas = curves["per_class"]
    if not areas:
        return
    yield "<h2>Thresholds</h2>"
    kinds: dict[Literal["roc", "precision_recall"], str] = {
        "roc": "roc_auc",
        "precision_recall": "average_precision",
    }
    for kind, what in kinds.items():
        points = {name: both[kind] for name, both in curves["curves"].items()}
        if points:
            of_kind = {name: area[what] for name, area in areas.items()}
            yield present(score_curves(points, of_kind, kind=kind)).html()
    rows = [[name, area["roc_auc"], area["average_precision"]] for name, area in areas.items()]
    rows.append(["mean", curves["macro_roc_auc"], curves["macro_average_precision"]])
    header = ["class against the rest", "area under the ROC curve", "average precision"]
    yield table(header, rows, label="Areas under the curves", digits=4)
    if curves["undefined"]:
        left_out = html.escape(", ".join(curves["undefined"]))
        yield f"<p>Not defined, and left out of the mean, for want of pictures of both kinds: {left_out}.</p>"


def _slices(rows: Sequence[Mapping[str, Any]], overall: float) -> Iterator[str]:
    if not rows:
        return
    yield "<h2>Parts of the set</h2>"
    yield present(slice_intervals(rows, overall=overall)).html()
    cells = [
        [
            row["column"],
            row["group"],
            row["num_images"],
            row["accuracy"],
            row["low"],
            row["high"],
            "below the mean" if row["below"] else "",
        ]
        for row in rows
    ]
    header = ["column", "part", "pictures", "accuracy", "low", "high", "note"]
    yield table(header, cells, label="Accuracy of parts of the set")
    yield (f'<p class="quiet">Of {len(rows)} parts about one in forty lies so far below by chance alone.</p>')
