"""Make RESULTS.md from what was recorded: `python -m benchmarks.results`.

Each file in `benchmarks/recorded/` is one claim: a command, its runs with their seeds, mean and spread.
Nothing in RESULTS.md is typed by hand; what was not run here is said in `NOT_RUN`.
"""

import json
from typing import Any

from benchmarks.measuring import RECORDED
from benchmarks.provenance import said_of_tree
from course_utils import files, runtime
from course_utils.runs import show_value

INTRODUCTION = """# Results

Every accuracy and speed that this course claims, with the command that gives it. Made by
`python -m benchmarks.results` from the records in `benchmarks/recorded/`; do not edit by hand. Spread is the
standard deviation over the seeds. Times are of the machine named, which shares its processor with others:
compare ratios, not seconds.
"""
NOT_RUN = """## Not run here

- No GPU was at hand: the same code is written for it (`select_device("auto")`, float16 with a gradient
  scaler), and none of the figures above comes from one.
- The full Kaggle and MNIST sets (profile `full`) have not been run.
"""


def accuracy_section(record: dict[str, Any]) -> str:
    """Give the section of a record made by `benchmarks.record_notebook` or `record_recipe`."""
    keys = list(record["mean"])
    kind = record.get("kind", "seed")
    lines = [
        f"## {record['name']}",
        "",
        f"`{record['command']}`",
        "",
        f"| | {' | '.join(f'{kind} {seed}' for seed in record['seeds'])} | mean | spread |",
        "|---|" + "---|" * (len(record["seeds"]) + 2),
    ]
    for key in keys:
        values = " | ".join(show_value(run[key]) for run in record["runs"])
        spread = show_value(record["spread"][key]) if key in record["spread"] else ""
        lines.append(f"| {key} | {values} | {show_value(float(record['mean'][key]))} | {spread} |")
    return "\n".join([*lines, "", origin(record), ""])


def ratio_section(record: dict[str, Any]) -> str:
    """Give the section of a benchmark: rows of named figures, as the benchmark wrote them."""
    lines = [f"## {record['name']}", "", f"`{record['command']}`", "", record["what"], ""]
    lines += ["| | median | range |", "|---|---|---|"]
    for row in record["rows"]:
        low, high = show_value(row["low"]), show_value(row["high"])
        lines.append(f"| {row['name']} | {show_value(row['median'])} {row['unit']} | {low} to {high} |")
    for table in record.get("tables", []):
        lines += ["", f"| {' | '.join(table['header'])} |", "|" + "---|" * len(table["header"])]
        lines += [f"| {' | '.join(show_value(value) for value in row)} |" for row in table["rows"]]
    return "\n".join([*lines, "", origin(record), ""])


def origin(record: dict[str, Any]) -> str:
    """Say when, from which commit, on what and with which versions a record was made."""
    hardware, versions = record["hardware"], record["versions"]
    libraries = ", ".join(f"{name} {versions[name]}" for name in ("python", "torch", "torchvision"))
    processor = f"{hardware['cpu_cores']} cores of {hardware['processor']}"
    if record.get("threads", "all") != "all":
        processor += f" ({record['threads']} thread)"
    return f"Recorded {record['date']} at {said_of_tree(record)}, on {processor}, {libraries}."


def main() -> None:
    """Write RESULTS.md in the project's root."""
    records = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(RECORDED.glob("*.json"))]
    sections = [accuracy_section(r) if "runs" in r else ratio_section(r) for r in records]
    text = "\n".join([INTRODUCTION, *sections, NOT_RUN])
    files.write_text(runtime.project_root() / "RESULTS.md", text)
    print(f"RESULTS.md: {len(records)} records")


if __name__ == "__main__":
    main()
