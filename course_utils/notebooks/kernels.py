"""Run the cells of one notebook in a kernel of this very Python, and watch the kernel's memory and end.

A papermill engine. What differs from papermill's own: a user-level kernelspec named python3 cannot lead to
another Python, the peak memory of the kernel and its children is measured, and no child of a killed kernel
stays behind.
"""

import signal
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import papermill
import psutil
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from nbclient.exceptions import DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

from course_utils.notebooks.inspecting import literal_path, quiet_papermill

_ENGINE = "course"
_POLL_S = 0.25
_SAVE_SECONDS = 2.0


class KernelWatch(threading.Thread):
    """Follows a process and its children: the most memory they held together, and who is left when it has
    ended.
    """

    def __init__(self, on_tick: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.peak_bytes = 0
        self._on_tick = on_tick
        self._children: dict[int, psutil.Process] = {}
        self._kernel: psutil.Process | None = None
        self._done = threading.Event()

    def follow(self, pid: int) -> None:
        """Begin to watch the process `pid`."""
        self._kernel = psutil.Process(pid)
        self.start()

    def run(self) -> None:
        """Poll until `end` is called."""
        while not self._done.wait(_POLL_S):
            self._look()
            self._on_tick()

    def end(self) -> None:
        """Stop watching, and kill children that outlived the kernel (data loader workers after a kill)."""
        self._done.set()
        if self.is_alive():
            self.join()
        for child in self._children.values():
            with suppress(
                psutil.Error
            ):  # psutil refuses a process number that another process has taken over
                child.kill()

    def _look(self) -> None:
        assert self._kernel is not None
        with suppress(psutil.Error):
            total = self._kernel.memory_info().rss
            for child in self._kernel.children(recursive=True):
                self._children[child.pid] = child
                with suppress(psutil.Error):
                    memory = child.memory_info()
                    total += memory.rss - getattr(memory, "shared", 0)
            self.peak_bytes = max(self.peak_bytes, total, _high_water_mark(self._kernel.pid))


def execute(
    notebook: Path,
    output: Path,
    *,
    parameters: dict[str, Any],
    environment: dict[str, str],
    watch: KernelWatch,
    log: Path,
    on_cell: Callable[[Any, int], None],
) -> None:
    """Run `notebook` and keep the executed copy, also a partial one, at `output`.

    `on_cell(cell, index)` is called before each cell. What the kernel process itself prints (a crash,
    libraries below Python) goes to the file `log`. Raises PapermillExecutionError when a cell fails,
    nbclient's DeadKernelError, with the cause, when the kernel is gone, and RuntimeError when it does not
    start.
    """
    papermill_engines.register(_ENGINE, _Engine)
    with quiet_papermill(), log.open("wb") as log_file:
        papermill.execute_notebook(
            literal_path(notebook),
            literal_path(output),
            parameters=parameters,
            engine_name=_ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            environment=environment,
            watch=watch,
            log_file=log_file,
            on_cell_start=lambda cell, cell_index: on_cell(cell, cell_index),
        )


class _ThisPython(KernelSpecManager):
    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Give this interpreter's kernel, whatever is installed under the name."""
        command = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        quiet = ["--IPKernelApp.log_level=ERROR"]
        return KernelSpec(argv=command + quiet, display_name="Python 3 (ipykernel)", language="python")


class _Client(PapermillNotebookClient):
    def __init__(self, nb_man: Any, *, start: dict[str, Any], watch: KernelWatch, **options: Any) -> None:
        super().__init__(nb_man, **options)
        self._start = start
        self._watch = watch

    def create_kernel_manager(self) -> Any:
        """Make a manager that knows only this Python."""
        self.km = self.kernel_manager_class(kernel_name="python3", kernel_spec_manager=_ThisPython())
        return self.km

    def start_new_kernel(self, **options: Any) -> None:
        """Start the kernel with our environment and log, and watch it."""
        super().start_new_kernel(**self._start, **options)
        self.provisioner = self.km.provisioner
        self._watch.follow(self.provisioner.pid)

    def execute(self, **options: Any) -> Any:
        """Run all cells; name the cause when the kernel dies."""
        try:
            return super().execute(**options)
        except DeadKernelError as error:
            process = self.provisioner.process
            raise DeadKernelError(_cause(process.poll() if process else None)) from error


class _Engine(NBClientEngine):
    @classmethod
    def execute_managed_notebook(
        cls,
        nb_man: Any,
        kernel_name: str,
        *,
        environment: dict[str, str],
        watch: KernelWatch,
        log_file: IO[bytes],
        on_cell_start: Any,
        **_: Any,
    ) -> None:
        """Run the notebook with our client; papermill's other options do not apply."""
        from papermill.log import logger

        nb_man.save = _now_and_then(nb_man)
        client = _Client(
            nb_man,
            start={"env": environment, "stdout": log_file, "stderr": log_file},
            watch=watch,
            on_cell_start=on_cell_start,
            kernel_name=kernel_name,
            timeout=None,
            startup_timeout=120,
            log=logger,
        )
        client.execute()


def _now_and_then(nb_man: Any) -> Callable[..., None]:
    """Give papermill's `save`, which it calls before and after each cell, at most every few seconds.

    The whole notebook with all its pictures is written each time, and the cells wait for it. What is there
    when the notebook ends, or fails, is always written.
    """
    write = nb_man.save

    def save(**options: Any) -> None:
        age = (nb_man.now() - nb_man.last_save_time).total_seconds()
        if nb_man.end_time is not None or age >= _SAVE_SECONDS:
            write(**options)

    return save


def _cause(exit_code: int | None) -> str:
    if exit_code is None or exit_code == 0:
        return "the kernel ended by itself (exit code 0)" if exit_code == 0 else "the kernel is gone"
    if exit_code > 0:
        return f"the kernel ended by itself (exit code {exit_code})"
    name = signal.Signals(-exit_code).name
    hint = "; the system does this when memory runs out" if name == "SIGKILL" else ""
    return f"the kernel was killed by {name}{hint}"


def _high_water_mark(pid: int) -> int:
    status = Path(f"/proc/{pid}/status")
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)
