"""Record what a notebook's training reaches, over several seeds: the source of RESULTS.md.

    python -m benchmarks.record_notebook 09 --name digits_quick --profile quick --seeds 0 1 2 \\
        [-p epochs=20] [--without 3.2 3.3 3.4 4]

Runs the notebook itself, once for each seed, one after the other, and keeps what its key results say in
`benchmarks/recorded/NAME.json`, with the command, commit, versions and hardware. `--without` leaves out
the code of sections on which the figures do not depend, to save time. Folders of data are named without
where they lie. Run it on a machine that does nothing
else.
"""

import argparse
import re
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import nbformat

from benchmarks.measuring import RECORDED
from benchmarks.provenance import origin, tree_state
from course_utils import files
from course_utils.notebooks import find_notebooks, run_notebooks


def write_without(notebook: Path, sections: list[str], target: Path) -> Path:
    """Write a copy of `notebook` to the folder `target`, without the code of `sections` ("3.2", "4")."""
    nb = nbformat.read(notebook, as_version=4)
    current, kept = "", []
    for cell in nb.cells:
        if cell.cell_type == "markdown":
            headings = re.findall(r"^#{2,3} (\d+(?:\.\d+)?)", cell.source, re.MULTILINE)
            current = headings[-1] if headings else current
        left_out = any(current == section or current.startswith(f"{section}.") for section in sections)
        if cell.cell_type == "markdown" or not left_out:
            kept.append(cell)
    nb.cells = kept
    nbformat.write(nb, target / notebook.name)
    return target / notebook.name


def without_folders(parameter: str) -> str:
    """Give "name=value" with the name alone of a folder or file that the value leads to."""
    name, _, value = parameter.partition("=")
    return f"{name}={Path(value).name}" if Path(value).is_absolute() else parameter


def record(
    notebook: str, *, name: str, profile: str, seeds: list[int], parameters: list[str], without: list[str]
) -> dict[str, Any]:
    """Run `notebook` once per seed and give the record, with mean and spread of every numeric key result."""
    started = tree_state()
    runs = []
    for seed in seeds:
        given = dict(text.split("=", 1) for text in parameters) | {"seed": str(seed)}
        with tempfile.TemporaryDirectory() as folder:  # no earlier run to take up: each seed trains
            environment = {"COURSE_RUNS": folder}
            path = write_without(find_notebooks([notebook])[0], without, Path(folder))
            report = run_notebooks([path], profile=profile, parameters=given, environment=environment)
        if not report.ok:
            sys.exit(f"notebook {notebook} failed with seed {seed}; nothing is recorded")
        runs.append({"seed": seed, **report.notebooks[0].key_results})
    flags = "".join(f" -p {without_folders(text)}" for text in parameters)
    command = f"python -m course_utils run {notebook} --profile {profile}{flags} -p seed=SEED"
    return summary(name, command, runs, started=started)


def summary(
    name: str, command: str, runs: list[dict[str, Any]], *, started: dict[str, Any]
) -> dict[str, Any]:
    """Give the record of `runs`, one for each seed: mean and spread of each figure, the machine.

    `started` is `provenance.tree_state` of before the first run.
    """
    numeric = [key for key, value in runs[0].items() if isinstance(value, int | float) and key != "seed"]
    return {
        "name": name,
        "command": command,
        "seeds": [run["seed"] for run in runs],
        "runs": runs,
        "mean": {key: statistics.mean(run[key] for run in runs) for key in numeric},
        "spread": {key: statistics.stdev([run[key] for run in runs]) for key in numeric if len(runs) > 1},
        **origin(started),
    }


def main() -> None:
    """Read the command line, record, write the file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebook")
    parser.add_argument("--name", required=True, help="name of the record, used in RESULTS.md")
    parser.add_argument("--profile", default="quick")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("-p", dest="parameters", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--without", nargs="+", default=[], metavar="SECTION")
    given = parser.parse_args()
    values = record(
        given.notebook,
        name=given.name,
        profile=given.profile,
        seeds=given.seeds,
        parameters=given.parameters,
        without=given.without,
    )
    RECORDED.mkdir(exist_ok=True)
    files.write_json(RECORDED / f"{given.name}.json", values)
    print(files.to_json({"mean": values["mean"], "spread": values["spread"]}))


if __name__ == "__main__":
    main()
