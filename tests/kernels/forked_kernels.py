"""Kernels for the tests that run whole notebooks: forked from a process that has the large libraries loaded.

A kernel spends seconds on importing them, and the suite starts a hundred. A forked one is an ordinary
ipykernel in a process of its own, with the environment, folder and connection file that the test asked for;
that a kernel of a fresh Python works is shown by the tests of the runner and of the commands, which are not
touched: only what nbval and plain papermill start is. Those also draw figures as they are seen; forked
kernels draw them coarsely, without looking for the best places.
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
    "nbformat",
    "pandas",
    "pytorch_optimizer",
    "scipy.stats",
    "sklearn.linear_model",
    "sklearn.manifold",
    "sklearn.metrics",
    "safetensors.torch",
)
_LAUNCHER = [sys.executable, "-m", "ipykernel_launcher"]
_COARSE_DPI = 50
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
        is_plain = cmd[: len(_LAUNCHER)] == _LAUNCHER
        output = options.get("stdout"), options.get("stderr")
        if not is_plain or not all(_is_nowhere(file) for file in output):
            return usual(cmd, **options)
        return _fork(cmd[len(_LAUNCHER) :], options.get("cwd"), options.get("env"))

    local_provisioner.launch_kernel = launch


def _is_nowhere(file: Any) -> bool:
    """Whether output is not asked for, as papermill does not, or thrown away, as nbval does."""
    return file is None or getattr(file, "name", None) == os.devnull


def end() -> None:
    """Kill what is left, so that nothing waits for it."""
    for kernel in _KERNELS:
        kernel.kill()


def _fork(options: list[str], folder: str | None, environment: dict[str, str] | None) -> ForkedKernel:
    ready, to_say = _CONTEXT.Pipe(duplex=False)
    arguments = (options, folder or str(Path.cwd()), dict(environment or os.environ), to_say)
    process = _CONTEXT.Process(target=_run, args=arguments)
    process.start()
    to_say.close()
    ready.recv()  # before it has a group of its own, an interrupt for the kernel would hit the tests
    ready.close()
    kernel = ForkedKernel(process)
    _KERNELS.append(kernel)
    return kernel


def _run(options: list[str], folder: str, environment: dict[str, str], ready: Any) -> None:
    """Be a kernel, as `python -m ipykernel_launcher OPTIONS` is; ends with the process that forked it."""
    os.setsid()
    ready.send(True)
    ready.close()
    from ipykernel.kernelapp import launch_new_instance

    _decide_anew(environment)
    sys.dont_write_bytecode = False  # else each kernel compiles the course
    multiprocessing.set_start_method(None, force=True)  # else workers are started as this process was
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    _draw_quickly()
    sys.argv = ["ipykernel_launcher.py", *options]
    launch_new_instance(argv=[*options, f"--IPKernelApp.parent_handle={os.getppid()}"])


def _decide_anew(environment: dict[str, str]) -> None:
    """Undo what libraries decided at their import, when there was no notebook around them."""
    import matplotlib
    import pandas

    matplotlib.rcParams["backend"] = environment.get("MPLBACKEND", "inline")
    pandas.set_option("display.max_columns", 20)  # in a terminal: as many as fit
    for name in ("tqdm.auto", "tqdm.autonotebook"):  # bars of text, or widgets
        sys.modules.pop(name, None)


def _draw_quickly() -> None:
    """Draw figures, at which nobody looks here, coarsely, and move nothing in them to where it fits best."""
    import numpy as np
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from PIL import Image

    from course_utils.plots import presenting

    def draw(figure: Any, dpi: int) -> Image.Image:
        figure.set_layout_engine("none")
        figure.set_dpi(_COARSE_DPI)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        return Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")

    presenting._draw = draw
