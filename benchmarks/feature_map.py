"""How long a t-SNE map takes: `evaluation.embedding.tsne` and scikit-learn's own call, in one run.

    python -m benchmarks.feature_map [--points 2000] [--width 256] [--rounds 3] [--record NAME]

The features are drawn: ten clouds, so that there is something to map. The ways take turns. Claims: at most
1.2 times scikit-learn's own time, and equal points for equal seeds (checked in the same run, also against
scikit-learn's, so both do the same work).
"""

import argparse

import numpy as np
from sklearn.manifold import TSNE

from benchmarks.measuring import ratio, row, show_or_record, take_turns
from course_utils.evaluation.embedding import tsne


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    rng = np.random.default_rng(0)
    labels = np.arange(given.points) % 10
    centres = rng.normal(0, 2, (10, given.width))
    values = (rng.normal(size=(given.points, given.width)) + centres[labels]).astype(np.float32)
    maps: dict[str, list[np.ndarray]] = {"ours": [], "scikit-learn": []}

    def ours() -> None:
        maps["ours"].append(tsne(values, seed=0).points)

    def theirs() -> None:
        engine = TSNE(init="pca", learning_rate="auto", random_state=0)
        maps["scikit-learn"].append(engine.fit_transform(values))

    seconds = take_turns({"ours": ours, "scikit-learn": theirs}, given.rounds)
    first = maps["ours"][0]
    if not all(np.array_equal(first, other) for other in maps["ours"]):
        raise SystemExit("equal seeds gave different points")
    if not all(np.array_equal(first, other) for other in maps["scikit-learn"]):
        raise SystemExit("scikit-learn gave other points for the seed: the ways do not do the same work")
    rows = [row(name, found, "s") for name, found in seconds.items()]
    rows.append(ratio("ours / scikit-learn", seconds["ours"], seconds["scikit-learn"]))
    what = (
        f"t-SNE of {given.points:,} x {given.width} features in ten drawn clouds, 1,000 steps. All "
        f"{len(maps['ours'])} runs of ours gave equal points for the equal seed, and scikit-learn's the "
        "same. Claim: at most 1.2 times its time."
    )
    command = f"python -m benchmarks.feature_map --points {given.points} --width {given.width}"
    show_or_record(given.record, command=f"{command} --rounds {given.rounds}", what=what, rows=rows)


if __name__ == "__main__":
    main()
