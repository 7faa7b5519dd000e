"""What test-time augmentation, ensembles and temperature scaling gain for trained runs, whatever it is.

    python -m benchmarks.evaluation_ways RUN [RUN ...] [--views five_crops] [--record NAME]

The runs are folders that `python -m course_utils train` made, of one recipe with other seeds, and with the
same split. Everything is chosen and fitted without the test part: the temperature comes from the validation
part, the views from the command line.
"""

import argparse
from dataclasses import replace
from pathlib import Path

from benchmarks.measuring import show_or_record
from course_utils.evaluation.calibration import Temperature, fit_temperature
from course_utils.evaluation.ensembles import ensemble
from course_utils.evaluation.predict import Predictions
from course_utils.evaluation.tta import predict_views
from course_utils.evaluation.ways import Way, compare_ways
from course_utils.recipes import OpenedRun, open_run


def predictions(opened: OpenedRun, part: str, views: str = "identity") -> Predictions:
    """Predict the pictures of a part, averaged over views."""
    return predict_views(opened.model, opened.batches(opened.pictures(part)), views=views)


def ways_of(runs: list[OpenedRun], views: str) -> tuple[dict[str, Predictions], Temperature]:
    """Give the ways by name, the plain first run first, and the temperature of that run."""
    plain = [predictions(run, "test") for run in runs]
    held_out = predictions(runs[0], "val")
    temperature = fit_temperature(held_out.logits, held_out.targets)
    viewed = [predictions(run, "test", views) for run in runs]
    ways = {
        "one run": plain[0],
        "with temperature": replace(plain[0], logits=temperature.apply(plain[0].logits)),
        f"with views ({views})": viewed[0],
    }
    if len(runs) > 1:
        ways[f"ensemble of {len(runs)}"] = ensemble(plain)
        ways[f"ensemble of {len(runs)}, with views"] = ensemble(viewed)
    return ways, temperature


def figures(found: list[Way]) -> list[dict[str, object]]:
    """Give rows for the record: accuracy with its 95 % interval, then log loss and ECE, of each way."""
    rows: list[dict[str, object]] = []
    for way in found:
        name = f"{way.name}: accuracy"
        if way is not found[0]:
            name += f" (gains {way.gained}, loses {way.lost}, p = {way.p_value:.2g})"
        rows.append({"name": name, "median": way.accuracy, "low": way.low, "high": way.high, "unit": ""})
        for what in ("log_loss", "ece"):
            value = getattr(way, what)
            words = {"log_loss": "log loss", "ece": "ECE"}[what]
            rows.append(
                {"name": f"{way.name}: {words}", "median": value, "low": value, "high": value, "unit": ""}
            )
    return rows


def main() -> None:
    """Read the command line, predict, show or record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--views", default="five_crops")
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    runs = [open_run(path) for path in given.runs]
    ways, temperature = ways_of(runs, given.views)
    count = len(next(iter(ways.values())).ids)
    show_or_record(
        given.record,
        command=f"python -m benchmarks.evaluation_ways {' '.join(path.name for path in given.runs)} "
        f"--views {given.views}",
        what=f"Recipe {runs[0].recipe.name}, {count} test pictures; accuracies with their 95 % Wilson "
        f"interval, the rest without one. Temperature {temperature.value:.3f}, fitted on "
        f"{temperature.num_images} validation pictures. p: McNemar's test against the first line.",
        rows=figures(compare_ways(ways)),
    )


if __name__ == "__main__":
    main()
