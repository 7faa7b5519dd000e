"""What a finished run leaves for people: report.json and its page, predictions.csv, and the plots.

The test part is read here, once, with the weights that were kept.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from course_utils import files, plots
from course_utils.evaluation.predict import Predictions
from course_utils.evaluation.report import build_report
from course_utils.plots.report_page import write_page
from course_utils.recipes.tables import write_predictions


def write_report(
    folder: Path,
    predictions: Predictions,
    *,
    name: str,
    part: str,
    about: Mapping[str, str],
    paths: Sequence[Path] | None = None,
    facts: Mapping[str, Sequence[Any]] | None = None,
) -> dict[str, Any]:
    """Write report.json, report.html, predictions.csv and confusion.png into `folder`; give the report.

    `part` says which pictures these are, `about` what else the head of the report tells; `paths` are their
    files, `facts` columns to slice by.
    """
    report = build_report(predictions, name=name, images=paths, facts=facts, about=about)
    values = {"part": part, **report.as_dict()}
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "report.json", values, nan_as_null=True)
    write_page(report, folder / "report.html")
    write_predictions(folder / "predictions.csv", predictions)
    drawing = plots.confusion_matrix(
        values["summary"]["confusion_matrix"], predictions.class_names, title=f"{name}: {part}"
    )
    files.write_bytes(folder / "confusion.png", plots.present(drawing).png)
    return values


def write_curves(folder: Path, history: Sequence[Mapping[str, Any]], *, title: str) -> Path:
    """Draw loss, accuracy and learning rate over the epochs into curves.png."""
    panels = plots.training_curves(history, title=title)
    path = folder / "curves.png"
    files.write_bytes(path, plots.present(panels[0].get_figure(root=True)).png)  # type: ignore[arg-type]
    return path


def final_figures(report: Mapping[str, Any]) -> dict[str, float]:
    """Give the figures of a report that go into the run's card, named by the part they are of."""
    part, summary = report["part"], report["summary"]
    return {
        f"{part}_accuracy": summary["accuracy"],
        f"{part}_balanced_accuracy": summary["balanced_accuracy"],
        f"{part}_f1_macro": summary["macro"]["f1"],
        f"{part}_log_loss": summary["log_loss"],
    }


def in_words(report: Mapping[str, Any]) -> str:
    """Give the result as a sentence: accuracy with its interval, on how many pictures of which part."""
    summary = report["summary"]
    low, high = summary["accuracy_interval_95"]
    return (
        f"{report['part']} accuracy {summary['accuracy']:.4f} (95 % interval {low:.3f} to {high:.3f}) on "
        f"{summary['num_images']:,} pictures, balanced {summary['balanced_accuracy']:.4f}, macro F1 "
        f"{summary['macro']['f1']:.4f}"
    )
