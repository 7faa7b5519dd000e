"""What the fault tests share."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from planted import checksums


@pytest.fixture
def nothing_changes(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Call it with a folder (default: `tmp_path`) once the user's files are there: when the test ends, every
    file below it must still have the SHA-256 it had, none may be gone and none be new."""
    before: dict[Path, dict[str, str]] = {}

    def remember(folder: Path = tmp_path) -> None:
        before[folder] = checksums(folder)
        assert before[folder], f"there is nothing in {folder} yet"

    yield remember
    for folder, sums in before.items():
        assert checksums(folder) == sums, f"{folder} was changed"
