"""What became of a run of notebooks: kept in a status file, shown as a table."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from course_utils import files
from course_utils.notebooks.progress import show_bytes, show_seconds
from course_utils.runs import show_value


@dataclass
class NotebookRun:
    """What became of one notebook: `status` is waiting, running, ok, failed or stopped."""

    name: str
    status: str = "waiting"
    code_cell: int = 0  # number, from 1, of the code cell that runs or ran last
    num_code_cells: int = 0
    cell_id: str = ""
    reason: str = ""
    seconds: float = 0.0
    peak_memory_bytes: int = 0
    parameters: dict[str, Any] = field(default_factory=dict)
    key_results: dict[str, Any] = field(default_factory=dict)

    def outcome(self) -> str:
        """Give the status in words."""
        if self.status in ("failed", "stopped"):
            return f"{self.status} in cell {self.code_cell} of {self.num_code_cells}"
        return self.status

    def results_text(self) -> str:
        """Give the key results, or the reason of a failure, in a line."""
        if self.reason:
            return self.reason.splitlines()[0]
        return ", ".join(f"{name} {show_value(value)}" for name, value in self.key_results.items())


@dataclass
class CourseRun:
    """A run of several notebooks: its folder and what became of each."""

    folder: Path
    profile: str
    notebooks: list[NotebookRun]

    @property
    def ok(self) -> bool:
        """Tell whether every notebook ran to its end."""
        return all(notebook.status == "ok" for notebook in self.notebooks)

    def write_status(self) -> None:
        """Write status.json, atomically."""
        values = {
            "profile": self.profile,
            "ok": self.ok,
            "notebooks": [asdict(notebook) for notebook in self.notebooks],
        }
        files.write_json(self.folder / "status.json", values, nan_as_null=True)

    def table(self) -> str:
        """Give the table: notebook, status, time, peak memory, key results."""
        rows = [("notebook", "status", "time", "peak memory", "key results")]
        for run in self.notebooks:
            memory = show_bytes(run.peak_memory_bytes) if run.peak_memory_bytes else ""
            rows.append((run.name, run.outcome(), show_seconds(run.seconds), memory, run.results_text()))
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        right = (2, 3)
        lines = []
        for row in rows:
            cells = [row[i].rjust(widths[i]) if i in right else row[i].ljust(widths[i]) for i in range(4)]
            lines.append("  ".join([*cells, row[4]]).rstrip())
        return "\n".join(lines)
