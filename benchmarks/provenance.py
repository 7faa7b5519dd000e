"""What a record needs to be believed: date, commit, whether the tree was clean, hardware, versions.

A commit names the code only if nothing was changed beside it, so a record says so (`clean_tree`).
"""

import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from course_utils import runtime

MADE_FROM_RECORDS = (":(exclude)benchmarks/recorded", ":(exclude)RESULTS.md")  # they change no figure


def tree_state(root: Path | None = None) -> dict[str, Any]:
    """Give `commit`, and `clean_tree`: whether no file differs from it, new files included.

    Records and RESULTS.md do not count. Both are None outside a checkout or without git. Take it before the
    measurement: what runs is the code of that moment.
    """
    folder = runtime.project_root() if root is None else root
    if not (folder / ".git").exists():  # a folder inside somebody else's repository is not that repository
        return {"commit": None, "clean_tree": None}
    try:
        commit = _git(folder, "rev-parse", "HEAD").strip()
        changed = _git(folder, "status", "--porcelain", "--", ".", *MADE_FROM_RECORDS)
    except (OSError, subprocess.SubprocessError):  # no git, no commit yet, or git refuses the folder
        return {"commit": None, "clean_tree": None}
    return {"commit": commit, "clean_tree": not changed.strip()}


def origin(started: dict[str, Any] | None = None) -> dict[str, Any]:
    """Give date, commit, clean_tree, hardware and versions; `started` is `tree_state` before the measurement.

    A tree that is no longer clean, or at another commit, at the end was not clean: nobody knows when it
    changed.
    """
    now = tree_state()
    first = now if started is None else started
    clean = first["clean_tree"] if now == first else False
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": first["commit"],
        "clean_tree": clean,
        "hardware": runtime.hardware(),
        "versions": runtime.library_versions(),
    }


def said_of_tree(record: dict[str, Any]) -> str:
    """Give the commit for a reader, with a warning where the tree was not clean; old records say "-dirty"."""
    commit = str(record["commit"])
    clean = record.get("clean_tree", not commit.endswith("-dirty"))
    if clean is None:
        return "a commit that is not known"
    short = commit.removesuffix("-dirty")[:10]
    return f"commit {short}" if clean else f"commit {short} (**the tree was not clean**)"


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout
