"""A fresh clone of the course, in which commands run as a reader types them, with the Python of the tests."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from course_utils import runtime

ROOT = runtime.project_root()
BIN = Path(sys.executable).parent
MOST_SECONDS = 900


class Clone:
    """A clone below `folder`, with what has been changed since the last commit, and its environment."""

    def __init__(self, folder: Path) -> None:
        self.root, self.home = folder / "course", folder / "home"
        for path in (self.home, self.home / "jupyter", self.home / "runtime"):
            path.mkdir()
        _git(folder, "clone", "--quiet", str(ROOT), str(self.root))
        for name in _git(ROOT, "ls-files", "-z", "--modified", "--others", "--exclude-standard").split("\0"):
            if name and (ROOT / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / name, self.root / name)
            elif name:
                (self.root / name).unlink(missing_ok=True)
        self._commit()
        # What make takes for a finished installation: nothing is installed, the tests' environment is used.
        (self.root / ".venv").mkdir()
        (self.root / ".venv" / ".requirements-installed").touch()
        settings = {"ServerApp": {"open_browser": False, "allow_root": True, "port": 0, "ip": "127.0.0.1"}}
        (self.home / "jupyter" / "jupyter_server_config.json").write_text(json.dumps(settings))
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("COURSE_", "PYTEST_", "MAKE"))}
        self.environment = {
            **kept,
            "PATH": os.pathsep.join([str(BIN), os.environ["PATH"]]),
            "HOME": str(self.home),
            "PYTHONPATH": os.pathsep.join([str(self.root), os.environ.get("PYTHONPATH", "")]),
            "MAKEFLAGS": f"-- BIN={BIN}",
            "MYPY_CACHE_DIR": str(ROOT / ".mypy_cache"),  # else mypy reads torch and all the rest anew
            "COURSE_PROFILE": "smoke",
            "JUPYTER_CONFIG_DIR": str(self.home / "jupyter"),
            "JUPYTER_RUNTIME_DIR": str(self.home / "runtime"),
        }

    def run(self, command: str, **environment: str) -> str:
        """Run a command to its end and give what it printed; AssertionError if it fails."""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.root,
            env={**self.environment, **environment},
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        return done.stdout + done.stderr

    def serve(self, command: str) -> None:
        """Start JupyterLab, without a window, ask it for its state, and stop it."""
        log = self.home / "lab.log"
        with log.open("w") as stream:
            server = subprocess.Popen(
                ["bash", "-c", command],
                cwd=self.root,
                env=self.environment,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + 120
            while not (found := list((self.home / "runtime").glob("jpserver-*.json"))):
                assert server.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.2)
            facts = json.loads(found[0].read_text())
            address = f"{facts['url']}api/contents?token={facts['token']}"
            with urllib.request.urlopen(address, timeout=60) as answer:
                names = {entry["name"] for entry in json.load(answer)["content"]}
            assert "00_start_here.ipynb" in names
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait(60)
            for path in (self.home / "runtime").glob("jpserver-*"):
                path.unlink()

    def changed(self) -> set[str]:
        """Give the files that differ from the clone's first state."""
        status = _git(self.root, "status", "--porcelain", "-z", "--untracked-files=all").split("\0")
        return {entry[3:] for entry in status if entry}

    def _commit(self) -> None:
        _git(self.root, "add", "--all")
        who = ("-c", "user.name=test", "-c", "user.email=test@example.org")
        _git(self.root, *who, "commit", "--quiet", "--allow-empty", "--message", "as it lies there")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
    return done.stdout
