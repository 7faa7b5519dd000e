"""Make, fill, open and find again the folder of a run."""

import csv
import io
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course_utils import files, runtime

_MAX_SAME_NAME = 10_000


class RunFolder:
    """The folder of one run. Make a new one with `create`, open one with `load`, find a finished one with
    `find_finished`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def __repr__(self) -> str:
        return f"RunFolder({self.path.name!r}, {'finished' if self.is_finished else 'not finished'})"

    @classmethod
    def create(cls, name: str, root: str | Path | None = None) -> "RunFolder":
        """Make a folder that no other run has: `name`, or `name-2`, `name-3` ... below `root` (default: the
        runs folder).

        Safe when several processes do it at once. Raises ValueError for a name that is no plain file name.
        """
        if not re.fullmatch(r"\w[\w.+-]*", name):
            raise ValueError(
                f"the run name {name!r} is no plain name; use letters, digits, '_', '-', '.' and '+'"
            )
        base = _root(root)
        base.mkdir(parents=True, exist_ok=True)
        for number in range(1, _MAX_SAME_NAME):
            path = base / (name if number == 1 else f"{name}-{number}")
            try:
                path.mkdir(exist_ok=False)
            except FileExistsError:
                continue
            return cls(path)
        raise ValueError(f"{base} has {_MAX_SAME_NAME} runs named {name}; remove some or choose another name")

    @classmethod
    def load(cls, path: str | Path) -> "RunFolder":
        """Open the folder of an earlier run; raises FileNotFoundError or ValueError saying what is missing
        or damaged.
        """
        path = Path(path).resolve()
        if not path.is_dir():
            raise FileNotFoundError(f"there is no run folder {path}. Give the folder that holds config.json.")
        run = cls(path)
        run.config()
        if run.is_finished:
            run.card()
        return run

    @property
    def is_finished(self) -> bool:
        """Tell whether the card, which is written last, is there."""
        return (self.path / "card.json").is_file()

    def config(self) -> dict[str, Any]:
        """Give config.json; raises ValueError when it is missing or damaged."""
        return self._read_json("config.json")

    def card(self) -> dict[str, Any]:
        """Give card.json; raises ValueError when it is missing (the run did not finish) or damaged."""
        return self._read_json("card.json")

    def write_json(self, name: str, value: object) -> Path:
        """Write `value` to the file `name` in the folder, atomically; NaN becomes null. Gives the path."""
        path = self.path / name
        files.write_json(path, value, nan_as_null=True)
        return path

    def write_config(self, config: Mapping[str, Any]) -> Path:
        """Write config.json; call it before the work starts."""
        return self.write_json("config.json", dict(config))

    def write_card(
        self,
        *,
        config: Mapping[str, Any],
        metrics: Mapping[str, Any],
        data_fingerprint: str,
        seed: int,
        seconds: float,
    ) -> Path:
        """Write config.json and then card.json, which marks the run as finished.

        `metrics` are the final figures, `data_fingerprint` a hash of the data that was used, `seconds` the
        time of the work.
        """
        self.write_config(config)
        card = {
            "name": self.path.name,
            "finished": datetime.now(UTC).isoformat(timespec="seconds"),
            "metrics": dict(metrics),
            "seed": seed,
            "seconds": round(seconds, 2),
            "peak_memory_bytes": runtime.peak_memory_bytes(),
            "data_fingerprint": data_fingerprint,
            "git_commit": runtime.git_commit(),
            "versions": runtime.library_versions(),
            "hardware": runtime.hardware(),
        }
        return self.write_json("card.json", card)

    def append_metrics_row(self, row: Mapping[str, Any]) -> None:
        """Add a row to metrics.csv; the first row fixes the columns, another set of columns is a ValueError.

        A row whose `epoch` is there already replaces it and all later ones, so a resumed run leaves no epoch
        twice.
        """
        rows = self._read_rows()
        if rows and list(rows[0]) != list(row):
            raise ValueError(
                f"{self.path / 'metrics.csv'} has the columns {list(rows[0])}, "
                f"the new row {list(row)}; keep them equal"
            )
        if "epoch" in row:
            rows = [old for old in rows if float(old["epoch"]) < float(row["epoch"])]
        rows.append({key: _cell_text(value) for key, value in row.items()})
        text = io.StringIO()
        writer = csv.DictWriter(text, fieldnames=list(row), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        files.write_text(self.path / "metrics.csv", text.getvalue())

    def read_metrics(self) -> list[dict[str, Any]]:
        """Give the rows of metrics.csv with numbers as numbers and empty cells as None; [] if there is none
        yet.
        """
        return [{key: _cell_value(text) for key, text in row.items()} for row in self._read_rows()]

    def _read_rows(self) -> list[dict[str, str]]:
        path = self.path / "metrics.csv"
        if not path.exists():
            return []
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    def _read_json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            value = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            there = ", ".join(sorted(entry.name for entry in self.path.iterdir())) or "nothing"
            raise ValueError(f"{self.path} has no {name}; it holds: {there}") from None
        except ValueError as error:
            raise ValueError(f"{path} is damaged: {error}. Remove the run folder and run again.") from None
        if not isinstance(value, dict):
            raise ValueError(f"{path} is damaged: expected an object. Remove the run folder and run again.")
        return value


def find_finished(
    config: Mapping[str, Any],
    name: str,
    root: str | Path | None = None,
    *,
    data_fingerprint: str | None = None,
) -> RunFolder | None:
    """Give the newest finished run made by `create(name)` whose config equals `config`, or None.

    With `data_fingerprint`, its card must name the same data. So a notebook can take up a model that another
    one trained. Damaged run folders are passed over.
    """
    wanted = json.loads(files.to_json(dict(config), nan_as_null=True))
    pattern = re.compile(re.escape(name) + r"(-\d+)?")
    found: list[tuple[int, RunFolder]] = []
    base = _root(root)
    for path in sorted(base.iterdir()) if base.is_dir() else []:
        if not pattern.fullmatch(path.name) or not (path / "card.json").is_file():
            continue
        try:
            run = RunFolder.load(path)
        except ValueError:
            continue
        if run.config() == wanted and data_fingerprint in (None, run.card().get("data_fingerprint")):
            found.append(((path / "card.json").stat().st_mtime_ns, run))
    return max(found, key=lambda item: item[0])[1] if found else None


def _root(root: str | Path | None) -> Path:
    return runtime.runs_dir() if root is None else Path(root)


def _cell_text(value: object) -> str:
    return "" if value is None else repr(float(value)) if isinstance(value, float) else str(value)


def _cell_value(text: str | None) -> Any:
    for kind in (int, float):
        try:
            return kind(text or "")
        except ValueError:
            continue
    return text or None
