"""All tests, also the notebooks that nbval runs: profile smoke, no network, folders of their own.

What stands here is set in the environment, so that it holds in every child process: kernels, workers,
commands.
"""

import importlib.util
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

_NO_NETWORK = Path(__file__).parent / "tests" / "no_network"
_KERNELS = Path(__file__).parent / "tests" / "kernels"
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
# One for all notebooks and test processes, prepared once; xdist's workers have it from the process above.
if "PYTEST_XDIST_WORKER" not in os.environ or "COURSE_DATA" not in os.environ:
    os.environ["COURSE_DATA"] = str(_TEMPORARY / "data")
os.environ["COURSE_RUNS"] = str(_TEMPORARY / "runs")
os.environ["IPYTHONDIR"] = str(_TEMPORARY / "ipython")  # nobody's start-up files or history
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # else every process that the tests start compiles the course
os.environ["PYTHONPATH"] = os.pathsep.join(
    filter(None, [str(_NO_NETWORK), str(_KERNELS), os.environ.get("PYTHONPATH")])
)


def pytest_configure(config: pytest.Config) -> None:
    """Draw without a screen, in this process only: kernels keep the notebook's own way of showing figures."""
    import matplotlib

    matplotlib.use("Agg")
    if sys.platform == "linux":  # a process of macOS may not go on with its frameworks after a fork
        sys.path.insert(0, str(_KERNELS))
        import forked_kernels

        forked_kernels.use()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the folders of this session, and kernels that are left."""
    if "forked_kernels" in sys.modules:
        sys.modules["forked_kernels"].end()
    shutil.rmtree(_TEMPORARY, ignore_errors=True)


# Of what runs for minutes, in this order, before all else: else one process ends long after the other.
_LONG = ("test_commands.py::test_readme", "test_commands.py", "two_other_sets", "test_book.py", ".ipynb::")
_ALONE = ("two_other_sets", "test_walk_through")  # tests that need nothing of others in their file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Deal out whole files, as `--dist loadfile` does, in the order below, and some tests one by one."""
    from xdist.scheduler import LoadFileScheduling

    class LongOnesFirst(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if any(part in nodeid for part in _ALONE) else super()._split_scope(nodeid)

    config.option.loadscopereorder = False  # by the number of tests
    return LongOnesFirst(config, log) if config.option.dist == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """With several processes: the long ones first."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: next((i for i, part in enumerate(_LONG) if part in item.nodeid), 99))


@pytest.fixture(autouse=True, scope="session")
def no_network() -> None:
    """Let this process reach this machine only."""
    spec = importlib.util.spec_from_file_location("no_network", _NO_NETWORK / "sitecustomize.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.forbid()
