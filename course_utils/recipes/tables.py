"""Predictions as a table: a row per picture, in the order of the set."""

import csv
import io
from pathlib import Path

from course_utils import files
from course_utils.evaluation.predict import Predictions

COLUMNS = ("image_id", "label", "probability")


def write_predictions(path: Path, predictions: Predictions) -> None:
    """Write image_id, label (the predicted class) and its probability; true_label too where all are known."""
    is_labelled = bool((predictions.targets >= 0).all())
    names = predictions.class_names
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*COLUMNS, "true_label"] if is_labelled else COLUMNS)
    rows = zip(
        predictions.ids,
        predictions.predicted_names,
        predictions.confidence.tolist(),
        predictions.targets.tolist(),
        strict=True,
    )
    for image_id, label, probability, target in rows:
        row = [image_id, label, f"{probability:.6f}"]
        writer.writerow([*row, names[target]] if is_labelled else row)
    files.write_text(path, text.getvalue())
