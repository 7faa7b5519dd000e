"""What test-time augmentation, ensembles and temperature scaling gain for trained runs, whatever it is.

    python -m benchmarks.evaluation_ways RUN [RUN ...] [--views five_crops] [--record NAME]

The runs are folders that `python -m course_utils train` made, of one recipe with other seeds, and with the
same split. Everything is chosen and fitted without the test part: the temperature comes from the validation
part, the views from the command line. Claim: the temperature lowers the expected calibration error of the
first run on the test part; the rest is reported as it comes out. It is what `evaluate RUN [RUN ...] --views
--temperature` shows, with the temperature of the single run beside.
"""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measuring import show_or_record, table
from benchmarks.provenance import tree_state
from course_utils.evaluation.calibration import Temperature, calibration
from course_utils.evaluation.predict import Predictions
from course_utils.evaluation.ways import Way, compare_ways
from course_utils.recipes.evaluating import Members, open_named, ways_of

HEADER = ["way", "accuracy", "95 % interval", "log loss", "ECE", "gains", "loses", "p (McNemar)"]


def figures(found: list[Way]) -> list[list[object]]:
    """Give a line of the table for each way; all are tested against the first."""
    return [
        [
            way.name,
            way.accuracy,
            f"{way.low:.4f} to {way.high:.4f}",
            way.log_loss,
            way.ece,
            way.gained,
            way.lost,
            way.p_value if way is not found[0] else "",
        ]
        for way in found
    ]


def change_of_ece(
    before: Predictions, after: Predictions, *, resamples: int = 1000, seed: int = 0
) -> dict[str, Any]:
    """Give ECE after minus before, with its 95 % interval: the bootstrap over pictures, both on the same."""
    generator = np.random.default_rng(seed)
    tables, targets = (before.probabilities, after.probabilities), before.targets

    def change(chosen: np.ndarray) -> float:
        first, second = (calibration(one[chosen], targets[chosen]).ece for one in tables)
        return second - first

    everything = np.arange(len(targets))
    drawn = [change(generator.choice(everything, len(everything))) for _ in range(resamples)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "name": "ECE with temperature minus without",
        "median": change(everything),
        "low": float(low),
        "high": float(high),
        "unit": "",
    }


def scaled(plain: Predictions, temperature: Temperature) -> Predictions:
    """Give the predictions with the temperature."""
    return replace(plain, logits=temperature.apply(plain.logits))


def main() -> None:
    """Read the command line, predict, show or record."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN")
    parser.add_argument("--views", default="five_crops")
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    started = tree_state()
    opened = open_named(given.runs)
    members = Members(opened)
    if members.part != "test":
        raise SystemExit("these runs hold out no test part: nothing here can be claimed")
    first = Members({members.first: opened[members.first]}) if len(opened) > 1 else members
    temperature = first.temperature()
    plain = first.together()
    calibrated = scaled(plain, temperature)
    ways = {
        members.first: plain,
        f"{members.first}, temperature {temperature.value:.3f}": calibrated,
        f"{members.first}, views {given.views}": first.together(given.views),
        **ways_of(members, views=given.views, temperature=members.temperature(given.views)),
    }
    change = change_of_ece(plain, calibrated)
    show_or_record(
        given.record,
        command=f"python -m benchmarks.evaluation_ways {' '.join(opened)} --views {given.views}",
        what=f"Recipe {opened[members.first].recipe.name}, {len(plain.ids)} test pictures. Accuracies with "
        "their 95 % Wilson interval; gains, loses and p against the first line. Temperatures are fitted on "
        f"{temperature.num_images} validation pictures. The row is the ECE of the first run with its "
        "temperature minus without, with its 95 % bootstrap interval; the claim is that it is below 0.",
        rows=[change],
        tables=[table(HEADER, figures(compare_ways(ways)))],
        started=started,
    )
    if change["median"] >= 0:
        raise SystemExit("the temperature does not lower the ECE on the test part")


if __name__ == "__main__":
    main()
