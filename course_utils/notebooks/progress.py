"""Show, cell by cell, how far a run of the notebooks is."""

import shutil
import sys
import time
from typing import TextIO

_QUARTERS = (0.25, 0.5, 0.75)


class Progress:
    """One line per notebook: rewritten in place on a terminal; in a log, a line at the start, each quarter
    and the end.
    """

    def __init__(self, total: int, stream: TextIO | None = None) -> None:
        self.stream = sys.stderr if stream is None else stream
        self.live = self.stream.isatty()
        self.total = total
        self._number = 0
        self._label = ""
        self._place = ""
        self._start_s = 0.0
        self._next_quarter = 0
        self._width = 0

    def start(self, label: str) -> None:
        """Begin the next notebook."""
        self._number += 1
        self._label = f"[{self._number}/{self.total}] {label}"
        self._place = "starting the kernel"
        self._start_s = time.monotonic()
        self._next_quarter = 0
        if not self.live:
            self.say(f"{self._label} ...")
        self.tick()

    def cell(self, number: int, total: int) -> None:
        """Tell that code cell `number` (from 1) of `total` begins."""
        self._place = f"cell {number} of {total}"
        passed = sum((number - 1) / total >= quarter for quarter in _QUARTERS)
        if not self.live and passed > self._next_quarter:
            self._next_quarter = passed
            self.say(f"{self._label}  {self._place}, {self._elapsed()}")
        self.tick()

    def tick(self) -> None:
        """Refresh the elapsed time on a terminal."""
        if self.live:
            self._rewrite(f"{self._label}  {self._place}  {self._elapsed()}")

    def end(self, outcome: str) -> None:
        """End the notebook's line with what came of it."""
        line = f"{self._label}  {outcome}, {self._elapsed()}"
        if self.live:
            self._rewrite(line)
            self._width = 0
            self.stream.write("\n")
            self.stream.flush()
        else:
            self.say(line)

    def say(self, text: str) -> None:
        """Print a line of its own."""
        if self.live and self._width:
            self._rewrite("")
            self.stream.write("\r")
        self.stream.write(text + "\n")
        self.stream.flush()

    def _rewrite(self, line: str) -> None:
        line = line[: shutil.get_terminal_size().columns - 1]  # a wrapped line could not be rewritten
        self.stream.write("\r" + line.ljust(self._width))
        self.stream.flush()
        self._width = len(line)

    def _elapsed(self) -> str:
        return show_seconds(time.monotonic() - self._start_s)


def show_seconds(seconds: float) -> str:
    """Give a time as `m:ss`."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d}"


def show_bytes(num_bytes: int) -> str:
    """Give a size in MB or GB (powers of ten)."""
    return f"{num_bytes / 1e9:.1f} GB" if num_bytes >= 1e9 else f"{num_bytes / 1e6:.0f} MB"
