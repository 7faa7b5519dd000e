"""What every benchmark needs: let ways take turns, compare them round by round, keep the figures."""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.provenance import origin
from course_utils import files

RECORDED = Path(__file__).parent / "recorded"


def take_turns(
    ways: dict[str, Callable[[], object]],
    rounds: int,
    *,
    after: Callable[[], object] | None = None,
    warm_up: bool = True,
) -> dict[str, list[float]]:
    """Give the seconds of each way in each round, after a `warm_up` round that is thrown away.

    The ways take turns, and who comes first moves on from round to round. `after` is called after each way,
    outside of the time: to remove what it made.
    """
    names = list(ways)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(0 if warm_up else 1, rounds + 1):
        shift = turn % len(names)
        for name in names[shift:] + names[:shift]:
            start = time.perf_counter()
            ways[name]()
            elapsed = time.perf_counter() - start
            if after is not None:
                after()
            if turn:
                seconds[name].append(elapsed)
    return seconds


def row(name: str, values: Sequence[float], unit: str = "") -> dict[str, Any]:
    """Give median and range of `values` as a row of a record."""
    return {
        "name": name,
        "median": statistics.median(values),
        "low": min(values),
        "high": max(values),
        "unit": unit,
    }


def ratio(name: str, above: Sequence[float], below: Sequence[float]) -> dict[str, Any]:
    """Give the row of the ratios above / below, round by round."""
    return row(name, [a / b for a, b in zip(above, below, strict=True)])


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> dict[str, Any]:
    """Give a table for a record, for what does not fit into rows of median and range."""
    if any(len(one) != len(header) for one in rows):
        raise ValueError(f"a row has another length than the header {list(header)}")
    return {"header": list(header), "rows": [list(one) for one in rows]}


def show_or_record(
    record: str | None,
    *,
    command: str,
    what: str,
    rows: Sequence[dict[str, Any]],
    tables: Sequence[dict[str, Any]] = (),
    started: dict[str, Any] | None = None,
) -> None:
    """Print the rows; with a name, keep them in `recorded/NAME.json`, from which RESULTS.md is made.

    A name that ends in .json is a path of its own. `tables` are those of `table`; `started` is
    `provenance.tree_state` of before the measurement, for measurements that take long.
    """
    for one in rows:
        print(
            f"{one['name']:<44} {one['median']:9.4g} {one['unit']:<2} ({one['low']:.4g} to {one['high']:.4g})"
        )
    for one in tables:
        print()
        for line in [one["header"], *one["rows"]]:
            print("  ".join(f"{value:.4g}" if isinstance(value, float) else str(value) for value in line))
    if record is None:
        return
    path = Path(record) if record.endswith(".json") else RECORDED / f"{record}.json"
    values = {
        "name": path.stem,
        "command": command,
        "what": what,
        "rows": list(rows),
        **({"tables": list(tables)} if tables else {}),
        **origin(started),
    }
    files.write_json(path, values)
