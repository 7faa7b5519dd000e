"""Kernels for the tests that run whole notebooks: forked from a process that has the large libraries loaded.

A kernel spends seconds on importing them, and the suite starts a hundred. A forked one is an ordinary
ipykernel in a process of its own, with the environment, folder and connection file that the test asked for;
that a kernel of a fresh Python works is shown by the tests of the runner and of the commands, which are not
touched: only what nbval and plain papermill start is.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

PRELOADED = (
    "ipykernel.kernelapp",
    "torch",
    "torch._dynamo",  # imported by the first optimiser
    "torchvision",
    "timm",
    "matplotlib.pyplot",
    "pandas",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.manifold",
    "sklearn.metrics",
    "safetensors.torch",
)
_CONTEXT: Any = None
_KERNELS: list["ForkedKernel"] = []


class ForkedKernel:
    """What jupyter_client expects of a kernel's process: the part of `subprocess.Popen` that it uses."""

    stdin = stdout = stderr = None

    def __init__(self, process: Any) -> None:
        self._process = process
        self.pid: int = process.pid

    @property
    def returncode(self) -> int | None:
        """Give the exit code, negative for a signal; None while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def use() -> None:
    """From now on, in this process, start plain kernels of this Python by forking."""
    global _CONTEXT
    from jupyter_client.provisioning import local_provisioner

    _CONTEXT = multiprocessing.get_context("forkserver")
    _CONTEXT.set_forkserver_preload(list(PRELOADED))
    usual = local_provisioner.launch_kernel

    def launch(cmd: list[str], **options: Any) -> "ForkedKernel | subprocess.Popen[bytes]":
        is_plain = cmd[:-1] == [sys.executable, "-m", "ipykernel_launcher", "-f"]
        if not is_plain or options.get("stdout") or options.get("stderr"):
            return usual(cmd, **options)
        return _fork(cmd[-1], options.get("cwd"), options.get("env"))

    local_provisioner.launch_kernel = launch


def end() -> None:
    """Kill what is left, so that nothing waits for it."""
    for kernel in _KERNELS:
        kernel.kill()


def _fork(connection_file: str, folder: str | None, environment: dict[str, str] | None) -> ForkedKernel:
    arguments = (connection_file, folder or str(Path.cwd()), dict(environment or os.environ))
    process = _CONTEXT.Process(target=_run, args=arguments)
    process.start()
    kernel = ForkedKernel(process)
    _KERNELS.append(kernel)
    return kernel


def _run(connection_file: str, folder: str, environment: dict[str, str]) -> None:
    """Be a kernel, as `python -m ipykernel_launcher -f FILE` is; ends with the process that forked it."""
    import matplotlib
    from ipykernel.kernelapp import launch_new_instance

    matplotlib.rcParams["backend"] = environment.get("MPLBACKEND", "inline")  # as if it were imported now
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment, JPY_PARENT_PID=str(os.getppid()))
    sys.argv = ["ipykernel_launcher.py", "-f", connection_file]
    launch_new_instance(argv=sys.argv[1:])
