"""nbval as pyproject.toml sets it up: its kernels are ours, at the profile smoke, without a network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CELLS = [
    f"import os, sys\nassert sys.executable == {sys.executable!r}",
    "assert os.environ['COURSE_PROFILE'] == settings.profile == 'smoke'",
    "assert os.environ['COURSE_DATA'] and os.environ['HF_HUB_OFFLINE'] == '1'",
    "import socket\ntry:\n    socket.create_connection(('192.0.2.1', 80))\n"
    "except OSError as error:\n    assert 'without network' in str(error)\nelse:\n    raise AssertionError",
]


def nbval(notebook):
    environment = {key: value for key, value in os.environ.items() if not key.startswith(("COURSE_", "HF_"))}
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "conftest",
        "-c",
        ROOT / "pyproject.toml",
        notebook,
        "-q",
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    return done.returncode, done.stdout


@pytest.mark.slow
def test_kernels_get_the_environment_of_the_tests(tmp_path, make_notebook):
    code, printed = nbval(make_notebook(tmp_path / "01_x.ipynb", CELLS))
    assert code == 0, printed
    assert "6 passed" in printed


@pytest.mark.slow
def test_a_failing_cell_fails(tmp_path, make_notebook):
    code, printed = nbval(make_notebook(tmp_path / "01_x.ipynb", ["assert False"]))
    assert code == 1 and "1 failed, 2 passed" in printed
