"""What a finished run leaves for people: report.json and its page, predictions.csv, and the plots.

The test part is read here, once, with the weights that were kept.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from course_utils import files, plots
from course_utils.evaluation.calibration import Temperature
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
    temperature: Temperature | None = None,
    compare: Mapping[str, Predictions] | None = None,
    ways: Mapping[str, Predictions] | None = None,
) -> dict[str, Any]:
    """Write report.json, report.html, predictions.csv and confusion.png into `folder`; give the report.

    `part` says which pictures these are, `about` what else the head of the report tells; `paths` are their
    files, `facts` columns to slice by. `temperature`, `compare` and `ways` are those of `build_report`. The
    report's figures are those without the temperature and its effect stands beside them; predictions.csv has
    the probabilities with it, and temperature.json the temperature.
    """
    report = build_report(
        predictions,
        name=name,
        images=paths,
        facts=facts,
        about=about,
        temperature=temperature,
        compare=compare,
        ways=ways,
    )
    values = {"part": part, **report.as_dict()}
    folder.mkdir(parents=True, exist_ok=True)
    files.write_json(folder / "report.json", values, nan_as_null=True)
    write_page(report, folder / "report.html")
    if temperature is not None:
        temperature.save(folder / "temperature.json")
        predictions = replace(predictions, logits=temperature.apply(predictions.logits))
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


def further_words(report: Mapping[str, Any]) -> list[str]:
    """Give a line for each other way to predict, for the temperature, and for each comparison."""
    lines = []
    for row in report.get("ways", []):
        line = (
            f"{row['name']}: accuracy {row['accuracy']:.4f} ({row['low']:.3f} to {row['high']:.3f}), "
            f"log loss {row['log_loss']:.4f}, ECE {row['ece']:.4f}"
        )
        if row is not report["ways"][0]:
            line += f"; gains {row['gained']}, loses {row['lost']}, p = {row['p_value']:.2g}"
        lines.append(line)
    scaled = report.get("temperature")
    if scaled is not None:
        limit = "; at the limit of what is tried, so it means little" if scaled["at_limit"] else ""
        lines.append(
            f"temperature {scaled['value']:.3f}, fitted on {scaled['fitted_on']:,} validation pictures: ECE "
            f"{scaled['ece_before']:.4f} to {scaled['ece_after']:.4f}{limit}"
        )
    for row in report.get("comparisons", []):
        low, high = row["difference_interval_95"]
        lines.append(
            f"difference to {row['other']} (accuracy {row['other_accuracy']:.4f}): {row['difference']:+.4f} "
            f"(95 % interval {low:+.4f} to {high:+.4f}), McNemar p = {row['p_value']:.2g}"
        )
    return lines
