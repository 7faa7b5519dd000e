"""How long the whole course takes at its smallest size, in one command, and by nbconvert, in one run.

    python -m benchmarks.smoke_course [NOTEBOOK ...] [--rounds 1] [--record NAME]

Ours: `python -m course_utils run --profile smoke`, with checked parameters, a page for each notebook, a table
and a status file. The usual way: `jupyter nbconvert --execute` for one notebook after the other. The limit is
nbclient in this process: a kernel for each notebook and its cells, and nothing else. Every run begins with an
empty runs folder, so nothing is taken over; the sample sets are made beforehand.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from benchmarks.measuring import ratio, row, show_or_record, take_turns
from benchmarks.provenance import tree_state
from course_utils import runtime
from course_utils.data import sources
from course_utils.notebooks import find_notebooks

SETS = ("digits", "seedlings", "food11", "satellite")


def finished(command: list[str], runs: Path) -> None:
    """Run a command to its end at the smoke profile, with a runs folder of its own."""
    environment = runtime.child_environment(COURSE_PROFILE="smoke", COURSE_RUNS=str(runs))
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")


class Course:
    """The ways through the notebooks; each run has a folder of its own."""

    def __init__(self, notebooks: list[Path], scratch: Path) -> None:
        self.notebooks, self.scratch = notebooks, scratch

    def folder(self) -> Path:
        """Give a new folder."""
        return Path(tempfile.mkdtemp(dir=self.scratch))

    def ours(self) -> None:
        """Run one command for all."""
        folder, names = self.folder(), [str(path) for path in self.notebooks]
        command = [sys.executable, "-m", "course_utils", "run", *names, "--profile", "smoke"]
        finished([*command, "--output", str(folder / "out")], folder / "runs")

    def nbconvert(self) -> None:
        """Run a command for each."""
        folder = self.folder()
        command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute"]
        for path in self.notebooks:
            finished([*command, "--output-dir", str(folder), str(path)], folder / "runs")

    def kernels_alone(self) -> None:
        """Run the cells of each in a kernel of its own, from this process."""
        environment = runtime.child_environment(COURSE_PROFILE="smoke", COURSE_RUNS=str(self.folder()))
        for path in self.notebooks:
            client = NotebookClient(
                nbformat.read(path, as_version=4),
                timeout=600,
                kernel_name="python3",
                extra_arguments=["--IPKernelApp.log_level=ERROR"],
            )
            client.execute(cwd=str(path.parent), env=environment)


def main() -> None:
    """Run the benchmark and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("notebooks", nargs="*", metavar="NOTEBOOK", help="such as 01; default: all")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--record", metavar="NAME")
    given = parser.parse_args()
    started = tree_state()
    notebooks = find_notebooks(given.notebooks)
    for name in SETS:
        sources.prepare(name)
    with tempfile.TemporaryDirectory() as scratch:
        course = Course(notebooks, Path(scratch))
        ways = {
            "ours": course.ours,
            "nbconvert, one after the other": course.nbconvert,
            "kernels and cells alone": course.kernels_alone,
        }
        seconds = take_turns(ways, given.rounds, warm_up=False)
    ours, usual, alone = seconds.values()
    rows = [row(name, values, "s") for name, values in seconds.items()]
    rows.append(ratio("nbconvert / ours", usual, ours))
    rows.append(ratio("ours / kernels and cells alone", ours, alone))
    names = "".join(f" {name}" for name in given.notebooks)
    show_or_record(
        given.record,
        command=f"python -m benchmarks.smoke_course{names} --rounds {given.rounds}",
        what=f"{len(notebooks)} notebooks at the smoke profile, {runtime.cpu_count()} cores.",
        rows=rows,
        started=started,
    )


if __name__ == "__main__":
    main()
