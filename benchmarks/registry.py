"""The benchmarks that `python -m benchmarks` runs: what each compares, what limits it, how to start it.

A benchmark is a program of this package that takes `--record FILE.json`. Its rows without a unit are ratios;
those whose name contains one of `near` say how near we are to the limit, the others how far ahead of the
usual way.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Benchmark:
    """A program: `module` runs with the arguments `full`, or in quick runs with `quick`; `data` names the
    sample set whose folder (or `part` of it) is the first argument.
    """

    module: str
    compares: str
    limit: str
    near: tuple[str, ...]
    full: tuple[str, ...] = ()
    quick: tuple[str, ...] = ()
    data: str = ""
    part: str = ""

    def arguments(self, prepare: Callable[[str], Path], *, quick: bool) -> list[str]:
        """Give the arguments; `prepare` gives the folder of a sample set, made where it is missing."""
        folder = [str(prepare(self.data) / self.part)] if self.data else []
        return [*folder, *(self.quick if quick else self.full)]


@dataclass(frozen=True)
class Outcome:
    """What came of one benchmark: `seconds` for all of it, and the record, or what went wrong."""

    name: str
    seconds: float
    record: dict = field(default_factory=dict)
    error: str = ""


BENCHMARKS = {
    "startup": Benchmark(
        "startup",
        "importing the package, --help, naming one picture cold and warm; against torch's import and the "
        "script of tutorials",
        "starting Python alone, with argparse, with torch; the network alone",
        near=("/ Python alone", "/ Python with", "/ the network alone"),
        full=("--rounds", "7"),
        quick=("--rounds", "3"),
    ),
    "channel_statistics": Benchmark(
        "channel_statistics",
        "mean and standard deviation per channel, against the loop of tutorials",
        "decoding every file on all cores",
        near=("/ decoding alone",),
        full=("--rounds", "5"),
        quick=("--rounds", "3"),
        data="seedlings",
    ),
    "splits": Benchmark(
        "splits",
        "a split by link and by copy, against the script of tutorials",
        "reading every file once, then a link or a write",
        near=("/ hash and",),
        full=("--rounds", "5"),
        quick=("--rounds", "3"),
        data="seedlings",
        part="train",
    ),
    "input_epoch": Benchmark(
        "input_epoch",
        "one epoch of input from the cache, against a DataLoader on files",
        "taking the bytes out of memory as floats",
        near=("/ gathering the bytes alone",),
        full=("--rounds", "5"),
        quick=("--rounds", "3"),
        data="seedlings",
    ),
    "training_rates": Benchmark(
        "training_rates",
        "one epoch of training of each track, against the loop of tutorials",
        "the network's own pace on tensors in memory",
        near=("/ pure",),
        full=("--rounds", "5"),
        quick=("--rounds", "3", "--share", "0.125"),
    ),
    "time_to_accuracy": Benchmark(
        "time_to_accuracy",
        "the time to 0.97 on the digits, against the loop of tutorials",
        "the network's own pace on tensors in memory",
        near=("own pace",),
        quick=("--seeds", "0", "--at-most", "1.5"),
    ),
    "feature_map": Benchmark(
        "feature_map",
        "t-SNE of 2,000 x 256 features, against scikit-learn's own call",
        "scikit-learn's own time, since it is the same algorithm",
        near=("/ scikit-learn",),
        full=("--rounds", "5"),
        quick=("--rounds", "1"),
    ),
    "smoke_course": Benchmark(
        "smoke_course",
        "the whole course at the smoke profile (quick: one notebook), against nbconvert",
        "a kernel for each notebook and its cells",
        near=("/ kernels and cells",),
        quick=("02",),
    ),
    "grading": Benchmark(
        "grading",
        "30 submissions, hostile ones among them, in one command; good ones against a kernel for each",
        "the answers and tests alone, on all cores",
        near=("/ the cells alone",),
        quick=("--rounds", "1", "--seconds", "10"),
    ),
    "growth": Benchmark(
        "growth",
        "statistics, split, audit, cache, epoch and prediction with 1x and 10x the pictures",
        "linear growth: a picture costs the same",
        near=("time per picture",),
        quick=("--quick",),
    ),
}
