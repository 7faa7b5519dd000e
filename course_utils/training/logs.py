"""What a run writes for people after each epoch: metrics.csv, per_class.csv and, if wanted, TensorBoard.

All three repeat what `last.pt` holds, so a run that was killed between two files is put right when resumed.
"""

import csv
import io
import math
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any

from course_utils import files
from course_utils.runs import RunFolder


class RunLog:
    """The log of one run; `per_class` has a row per epoch. Close it, or use it in a `with` block.

    per_class.csv has a row for each epoch and a column for each class: the accuracy in [0, 1] on the
    validation pictures of that class, empty where there are none. Raises ModuleNotFoundError when
    TensorBoard is wanted and not installed.
    """

    def __init__(self, run: RunFolder, class_names: Sequence[str], *, tensorboard: bool = False) -> None:
        self.run = run
        self.class_names = list(class_names)
        self.per_class: list[list[float]] = []
        self._events = _event_writer(run) if tensorboard else None

    def __enter__(self) -> "RunLog":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def write(self, row: Mapping[str, Any]) -> None:
        """Write `row`, of the epoch that has ended, and the last row of `per_class`."""
        self.run.append_metrics_row(row)
        self._write_per_class()
        if self._events is not None:
            for name, value in row.items():
                if name != "epoch" and value is not None:
                    self._events.add_scalar(name, value, row["epoch"])
            self._events.flush()

    def close(self) -> None:
        """Close TensorBoard's file."""
        if self._events is not None:
            self._events.close()

    def _write_per_class(self) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["epoch", *self.class_names])
        for epoch, accuracies in enumerate(self.per_class, start=1):
            writer.writerow([epoch, *("" if math.isnan(value) else repr(value) for value in accuracies)])
        files.write_text(self.run.path / "per_class.csv", text.getvalue())


def _event_writer(run: RunFolder) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise ModuleNotFoundError(
            "tensorboard is True in the configuration, and the package is not installed. Install it (pip "
            "install tensorboard), or leave the option out: metrics.csv holds the same figures."
        ) from error
    return SummaryWriter(log_dir=str(run.path / "tensorboard"))
