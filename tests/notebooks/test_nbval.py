"""nbval as pyproject.toml sets it up: its kernels are ours, at the profile smoke, without a network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CELLS = [
    f"import os, sys\nassert sys.executable == {sys.executable!r}",
    "assert ('torch' in sys.modules) == (sys.platform == 'linux'), 'forked there, with torch loaded'",
    "assert os.environ['COURSE_PROFILE'] == settings.profile == 'smoke'",
    "assert os.environ['COURSE_DATA'] and os.environ['HF_HUB_OFFLINE'] == '1'",
    "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80))\n"
    "except OSError as error:\n    assert 'without network' in str(error)\nelse:\n    raise AssertionError",
]


@pytest.mark.slow
def test_kernels_get_the_environment_of_the_tests_and_failing_cells_fail(tmp_path, make_notebook):
    paths = [
        make_notebook(tmp_path / "01_x.ipynb", CELLS),
        make_notebook(tmp_path / "02_y.ipynb", ["assert False"]),
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COURSE_", "HF_"))}
    command = [sys.executable, "-m", "pytest", "-p", "conftest", "-c", ROOT / "pyproject.toml", "-q", *paths]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "1 failed, 9 passed" in done.stdout, done.stdout
