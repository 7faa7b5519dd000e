"""Find damaged pictures before training does: decode every file once and list what fails, with its reason.

A damaged file met in the third epoch costs the run; here all of them are found together. Then the caller
stops (`raise_if_bad`) or leaves them out knowingly (`good`, `message`). See `notebooks/01_mean_std`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from course_utils.data.decode import MAX_MEGAPIXELS, ImageError, decode
from course_utils.data.parallel import map_in_processes


@dataclass(frozen=True)
class ScanReport:
    """Which of the scanned files are whole (`good`), and which are not and why (`bad`), in their order."""

    good: list[Path]
    bad: list[tuple[Path, str]]

    def message(self, *, limit: int = 20) -> str:
        """Say how many files are damaged and which, at most `limit` by name."""
        total = len(self.good) + len(self.bad)
        if not self.bad:
            return f"all {total} pictures can be read"
        lines = [f"{len(self.bad)} of {total} pictures cannot be read:"]
        lines += [f"  {path}: {reason}" for path, reason in self.bad[:limit]]
        if len(self.bad) > limit:
            lines.append(f"  ... and {len(self.bad) - limit} more")
        return "\n".join(lines)

    def raise_if_bad(self) -> None:
        """Raise ValueError with the list of damaged files when there are any."""
        if self.bad:
            raise ValueError(
                f"{self.message()}\nReplace or remove them, or go on with the good ones on purpose."
            )

    def __str__(self) -> str:
        return self.message()


def scan(
    paths: Sequence[str | Path],
    *,
    num_workers: int | None = None,
    progress: bool = False,
    max_megapixels: float = MAX_MEGAPIXELS,
) -> ScanReport:
    """Decode every file fully, on all cores (`num_workers`: how many), and report which cannot be read."""

    def check(_start: int, chunk: Sequence[Path]) -> list[str | None]:
        return [_problem(path, max_megapixels) for path in chunk]

    files = [Path(path) for path in paths]
    parts = map_in_processes(
        check, files, num_workers=num_workers, progress=progress, description="checking pictures"
    )
    problems = [problem for part in parts for problem in part]
    good = [path for path, problem in zip(files, problems, strict=True) if problem is None]
    bad = [(path, problem) for path, problem in zip(files, problems, strict=True) if problem is not None]
    return ScanReport(good=good, bad=bad)


def _problem(path: Path, max_megapixels: float) -> str | None:
    try:
        decode(path, max_megapixels=max_megapixels)
    except ImageError as error:
        return error.reason
    return None
