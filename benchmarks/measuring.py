"""What every benchmark needs: let ways take turns, compare them round by round, keep the figures."""

import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course_utils import files, runtime

RECORDED = Path(__file__).parent / "recorded"


def take_turns(
    ways: dict[str, Callable[[], object]], rounds: int, *, after: Callable[[], object] | None = None
) -> dict[str, list[float]]:
    """Give the seconds of each way in each round, the ways taking turns; the first round is thrown away.

    `after` is called after each way, outside of the time: to remove what it made.
    """
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds + 1):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
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


def show_or_record(record: str | None, *, command: str, what: str, rows: Sequence[dict[str, Any]]) -> None:
    """Print the rows; with a name, keep them in `recorded/NAME.json`, from which RESULTS.md is made."""
    for one in rows:
        print(
            f"{one['name']:<40} {one['median']:8.3f} {one['unit']:<2} ({one['low']:.3f} to {one['high']:.3f})"
        )
    if record is None:
        return
    values = {
        "name": record,
        "command": command,
        "what": what,
        "rows": list(rows),
        "date": datetime.now(UTC).date().isoformat(),
        "commit": runtime.git_commit(),
        "hardware": runtime.hardware(),
        "versions": runtime.library_versions(),
    }
    files.write_json(RECORDED / f"{record}.json", values)
