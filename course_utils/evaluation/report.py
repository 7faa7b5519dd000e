"""The report of a run as plain data: every figure with its uncertainty, weak classes, the worst errors.

    report = build_report(predictions, name="digits-resnet", images=pictures.paths,
                          facts=picture_columns(pictures.paths), about={"data": "digits, test split"})
    files.write_json(run.path / "report.json", report.as_dict())
    write_page(report, run.path / "report.html")        # from course_utils.plots.report_page

The page is drawn by `plots.report_page` from this data alone, so anything else can read it too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from course_utils.data.images import read_image
from course_utils.evaluation import metrics
from course_utils.evaluation.calibration import Temperature, calibration
from course_utils.evaluation.comparison import difference_interval, mcnemar, wilson_interval
from course_utils.evaluation.confusions import confused_pairs, confusion_intervals, mean_interval
from course_utils.evaluation.curves import one_vs_rest
from course_utils.evaluation.ensembles import reorder
from course_utils.evaluation.predict import Predictions
from course_utils.evaluation.slices import slices
from course_utils.evaluation.ways import compare_ways

_CURVES_UP_TO = 30  # classes; with more, only the areas are kept


@dataclass(frozen=True)
class Report:
    """`values`: plain data for report.json. `pictures`: the worst errors, uint8 (H, W, C) each, in order."""

    values: dict[str, Any]
    pictures: tuple[np.ndarray, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Plain numbers, lists and texts."""
        return self.values

    def __repr__(self) -> str:
        summary = self.values["summary"]
        low, high = self.values["intervals_95"]["accuracy"]
        return (
            f"{self.values['name']}: accuracy {summary['accuracy']:.4f} ({low:.4f} to {high:.4f}) on "
            f"{summary['num_images']} images"
        )


def build_report(
    predictions: Predictions,
    *,
    name: str = "run",
    images: Sequence[np.ndarray | str | Path] | None = None,
    facts: Mapping[str, Sequence[Any]] | None = None,
    about: Mapping[str, str] | None = None,
    temperature: Temperature | None = None,
    compare: Mapping[str, Predictions] | None = None,
    ways: Mapping[str, Predictions] | None = None,
    k: int = 5,
    num_bins: int = 15,
    num_worst: int = 24,
    resamples: int = 1000,
    seed: int = 0,
) -> Report:
    """Compute the report of labelled predictions.

    images: the picture or its file for each prediction, in their order; only the worst errors are read.
    facts: columns to slice by (see `slices.picture_columns`). about: rows for the head of the page, such as
    the command, the data or the seed. temperature: one fitted on the validation split; its effect is shown.
    compare: other models' predictions of the same pictures, each tested against these (McNemar). ways: other
    ways to predict them, such as a member of an ensemble, for a table; the first is its reference. k: of the
    top-k accuracy. num_bins: of the reliability diagram. ValueError if a picture has no label or a list has
    another length.
    """
    truth = predictions.targets
    unlabelled = int((truth < 0).sum())
    if unlabelled:
        raise ValueError(f"{unlabelled} of {len(truth)} pictures have no label: a report needs the truth")
    if images is not None and len(images) != len(truth):
        raise ValueError(f"got {len(images)} images for {len(truth)} predictions; expected as many of both")
    names = list(predictions.class_names)
    guesses, probabilities = predictions.predicted, predictions.probabilities
    summary = metrics.summary(predictions.logits, truth, names, scores_are="logits", k=k)
    worst = _worst(predictions, num_worst)
    values: dict[str, Any] = {
        "name": name,
        "about": dict(about or {}),
        "class_names": names,
        "summary": summary,
        "intervals_95": _intervals(predictions, summary, seed, resamples),
        "confused_pairs": confused_pairs(summary["confusion_matrix"], names),
        "calibration": calibration(probabilities, truth, num_bins=num_bins).as_dict(),
        "curves": _curves(probabilities, truth, names),
        "worst_errors": [_error(predictions, index) for index in worst],
        "slices": [row._asdict() for row in slices(guesses, truth, facts or {})],
    }
    if temperature is not None:
        values["temperature"] = _with_temperature(predictions, temperature, num_bins)
    if compare:
        values["comparisons"] = [_comparison(predictions, name, other) for name, other in compare.items()]
    if ways:
        values["ways"] = [row._asdict() for row in compare_ways(ways, num_bins=num_bins)]
    pictures = () if images is None else tuple(_picture(images[index]) for index in worst)
    return Report(values, pictures)


def _intervals(
    predictions: Predictions, summary: Mapping[str, Any], seed: int, resamples: int
) -> dict[str, list[float]]:
    """95 % intervals: Wilson for the accuracies, bootstrap for the rest."""
    found = confusion_intervals(summary["confusion_matrix"], seed=seed, resamples=resamples)
    found["accuracy"] = list(summary["accuracy_interval_95"])
    top = next(key for key in summary if key.startswith("top_"))
    count = summary["num_images"]
    found[top] = list(wilson_interval(round(summary[top] * count), count))
    found["log_loss"] = mean_interval(_losses(predictions), seed=seed, resamples=resamples)
    return found


def _losses(predictions: Predictions) -> np.ndarray:
    rows = predictions.logits[np.arange(len(predictions.targets)), predictions.targets].astype(np.float64)
    return np.logaddexp.reduce(predictions.logits.astype(np.float64), axis=1) - rows  # (N,)


def _curves(probabilities: np.ndarray, truth: np.ndarray, names: list[str]) -> dict[str, Any]:
    found = one_vs_rest(probabilities, truth, names)
    if len(names) > _CURVES_UP_TO:
        found["curves"] = {}
    return found


def _worst(predictions: Predictions, limit: int) -> list[int]:
    """Places of the wrong predictions with the highest log loss, the worst first."""
    wrong = np.flatnonzero(predictions.predicted != predictions.targets)
    order = np.argsort(-_losses(predictions)[wrong], kind="stable")[:limit]
    return wrong[order].tolist()


def _error(predictions: Predictions, index: int) -> dict[str, Any]:
    chances = predictions.probabilities[index]
    truth, guess = int(predictions.targets[index]), int(predictions.predicted[index])
    return {
        "id": predictions.ids[index],
        "true": predictions.class_names[truth],
        "predicted": predictions.class_names[guess],
        "confidence": float(chances[guess]),
        "confidence_in_truth": float(chances[truth]),
    }


def _picture(image: np.ndarray | str | Path) -> np.ndarray:
    if isinstance(image, str | Path):
        return read_image(image)
    array = np.asarray(image)
    if array.dtype != np.uint8 or array.ndim not in (2, 3):
        raise ValueError(
            f"an image is {array.dtype} {array.shape}; expected a file, or uint8 (H, W) or (H, W, C)"
        )
    return array


def _with_temperature(predictions: Predictions, temperature: Temperature, num_bins: int) -> dict[str, Any]:
    """Log loss and ECE of these predictions before and after the temperature, and where it was fitted."""
    scaled = temperature.apply(predictions.logits.astype(np.float64))
    shifted = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    after = calibration(shifted / shifted.sum(axis=1, keepdims=True), predictions.targets, num_bins=num_bins)
    before = calibration(predictions.probabilities, predictions.targets, num_bins=num_bins)
    return {
        "value": temperature.value,
        "fitted_on": temperature.num_images,
        "at_limit": temperature.at_limit,
        "ece_before": before.ece,
        "ece_after": after.ece,
        "log_loss_before": metrics.log_loss(predictions.logits, predictions.targets),
        "log_loss_after": metrics.log_loss(scaled, predictions.targets),
        "bins_after": [one._asdict() for one in after.bins],
    }


def _comparison(predictions: Predictions, name: str, other: Predictions) -> dict[str, Any]:
    same = reorder(other, class_names=predictions.class_names, ids=predictions.ids, where=name)
    if not np.array_equal(same.targets, predictions.targets):
        raise ValueError(f"{name}: some pictures have other labels than here; compare on the same labels")
    test = mcnemar(predictions.predicted, same.predicted, predictions.targets)
    count = len(predictions.targets)
    return {
        "other": name,
        "other_accuracy": metrics.accuracy(same.predicted, predictions.targets),
        "difference": (test.only_first - test.only_second) / count,
        "difference_interval_95": list(difference_interval(test.only_first, test.only_second, count)),
        "only_this_right": test.only_first,
        "only_other_right": test.only_second,
        "p_value": test.p_value,
        "method": test.method,
    }
