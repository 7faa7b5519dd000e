"""Run the benchmarks: `python -m benchmarks [NAME ...] [--quick] [--list]`.

Each claim is a pair, ours and the usual way, that take turns in one process. Printed are the median and range
of every ratio, and how near the physical limit ours comes. The records are kept as JSON in the runs folder,
or with --record in benchmarks/recorded/, from which `python -m benchmarks.results` makes RESULTS.md. Do
nothing else on the machine meanwhile. Those that need trained runs are started by hand: evaluation_ways,
compression, record_recipe, record_notebook.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.measuring import RECORDED
from benchmarks.registry import BENCHMARKS, Benchmark, Outcome
from course_utils import files, runtime
from course_utils.data import sources
from course_utils.params import did_you_mean


def run(name: str, benchmark: Benchmark, *, quick: bool, folder: Path) -> Outcome:
    """Run one program to its end; what it prints goes to NAME.log in `folder`, its record beside."""
    kept = "_".join(filter(None, (name, benchmark.data)))
    path, log = folder / f"{kept}.json", folder / f"{name}.log"
    path.unlink(missing_ok=True)
    arguments = benchmark.arguments(sources.prepare, quick=quick)
    command = [sys.executable, "-m", f"benchmarks.{benchmark.module}", *arguments, "--record", str(path)]
    start = time.perf_counter()
    with log.open("w", encoding="utf-8") as output:
        done = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False)
    seconds = time.perf_counter() - start
    record = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    error = ""
    if done.returncode or not record:
        lines = [line for line in log.read_text(encoding="utf-8").splitlines() if line.strip()]
        error = f"exit code {done.returncode}: {lines[-1] if lines else 'it printed nothing'} (see {log})"
    return Outcome(name, seconds, record, error)


def is_near(benchmark: Benchmark, row: dict[str, Any]) -> bool:
    """Tell whether a row says how near we are to the limit."""
    return any(text in row["name"] for text in benchmark.near)


def told(benchmark: Benchmark, outcome: Outcome) -> list[str]:
    """Give the lines about one benchmark: its ratios, then how near the limit, then what went wrong."""
    lines = [f"{outcome.name}: {benchmark.compares} ({outcome.seconds:.0f} s)"]
    ratios = [row for row in outcome.record.get("rows", []) if not row["unit"]]
    for row in sorted(ratios, key=lambda row: is_near(benchmark, row)):  # stable
        what = "near the limit" if is_near(benchmark, row) else "ratio"
        lines.append(
            f"  {what:<15} {row['name']:<58} {row['median']:9.4g}  ({row['low']:.4g} to {row['high']:.4g})"
        )
    lines.append(f"  the limit is {benchmark.limit}")
    if outcome.error:
        lines.append(f"  FAILED: {outcome.error}")
    return lines


def main() -> int:
    """Read the command line, run, print; 1 if one failed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all; see --list")
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds, smaller sets: ten minutes for all"
    )
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--record", action="store_true", help="keep the records in benchmarks/recorded/")
    given = parser.parse_args()
    for name in given.names:
        if name not in BENCHMARKS:
            parser.error(f"there is no benchmark {name!r}{did_you_mean(name, list(BENCHMARKS))}")
    if given.list:
        for name, one in BENCHMARKS.items():
            print(f"{name:<20} {one.compares}\n{'':<20} limit: {one.limit}")
        return 0
    folder = runtime.runs_dir() / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    failed, start = [], time.perf_counter()
    for name in given.names or BENCHMARKS:
        outcome = run(name, BENCHMARKS[name], quick=given.quick, folder=folder)
        print("\n".join(told(BENCHMARKS[name], outcome)), flush=True)
        if outcome.error:
            failed.append(name)
        elif given.record:
            files.write_json(RECORDED / f"{outcome.record['name']}.json", outcome.record)
    print(f"{(time.perf_counter() - start) / 60:.1f} minutes; records: {folder}")
    if failed:
        print(f"failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
