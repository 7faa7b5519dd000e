"""All tests, also the notebooks that nbval runs: profile smoke, no network, folders of their own.

What stands here is set in the environment, so that it holds in every child process: kernels, workers,
commands.
"""

import importlib.util
import os
import shutil
import signal
import tempfile
from pathlib import Path

import pytest

_NO_NETWORK = Path(__file__).parent / "tests" / "no_network"
_TEMPORARY = Path(tempfile.mkdtemp(prefix="course-tests-"))

if (
    signal.getsignal(signal.SIGINT) == signal.SIG_IGN
):  # started in the background: Ctrl-C is tested all the same
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("COURSE_PROFILE", "smoke")
_THREADS = min(os.cpu_count() or 1, 4)
if "PYTEST_XDIST_WORKER_COUNT" in os.environ:  # test processes side by side share the cores
    os.environ["OMP_NUM_THREADS"] = str(max(1, _THREADS // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])))
os.environ.setdefault("OMP_NUM_THREADS", str(_THREADS))
os.environ["COURSE_DATA"] = str(_TEMPORARY / "data")  # one for all notebooks: data is prepared once
os.environ["COURSE_RUNS"] = str(_TEMPORARY / "runs")
os.environ["IPYTHONDIR"] = str(_TEMPORARY / "ipython")  # nobody's start-up files or history
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(_NO_NETWORK), os.environ.get("PYTHONPATH")]))


def pytest_configure(config: pytest.Config) -> None:
    """Draw without a screen, in this process only: kernels keep the notebook's own way of showing figures."""
    import matplotlib

    matplotlib.use("Agg")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folders of this session."""
    shutil.rmtree(_TEMPORARY, ignore_errors=True)


@pytest.fixture(autouse=True, scope="session")
def no_network() -> None:
    """Let this process reach this machine only."""
    spec = importlib.util.spec_from_file_location("no_network", _NO_NETWORK / "sitecustomize.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.forbid()
