"""Run one notebook or all, keep what each became, and say so: executed copies, HTML pages, a status file, a
table.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

import nbformat

from course_utils import runtime
from course_utils.notebooks import failures, kernels, rendering
from course_utils.notebooks.finding import find_notebooks
from course_utils.notebooks.inspecting import declared_parameters, plan_parameters
from course_utils.notebooks.progress import Progress
from course_utils.notebooks.report import CourseRun, NotebookRun
from course_utils.params import ParameterError
from course_utils.runs import RESULTS_MIMETYPE, RunFolder


def run_notebooks(
    names: Iterable[str | Path] = (),
    *,
    profile: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    environment: Mapping[str, str] | None = None,
    stream: TextIO | None = None,
) -> CourseRun:
    """Run the notebooks `names` (all if none) and give what became of them; a failing one does not stop the
    others.

    `profile` is smoke, quick or full (None: as `runtime.default_profile`); given, it is a parameter set by
    hand. `environment` are further variables for the kernels. `parameters` go to every notebook that
    declares them; text is read as the declared type. `out` is a new or empty folder (None: a new one below
    the runs folder); it receives the executed notebooks, an HTML page of each, `index.html` and
    `status.json`. Progress goes to `stream` (None: standard error). Raises ValueError, before anything runs,
    for notebooks, parameters or a folder that do not fit.
    """
    notebooks = find_notebooks(names)
    plan = plan_parameters(notebooks, parameters or {})
    if profile is not None and profile not in runtime.PROFILES:
        raise ParameterError(f"profile: got {profile!r}, expected one of {', '.join(runtime.PROFILES)}")
    folder = _new_folder(out)
    variables = {"COURSE_PROFILE": profile or runtime.default_profile(), **(environment or {})}
    course = CourseRun(
        folder, variables["COURSE_PROFILE"], [NotebookRun(notebook.stem) for notebook in notebooks]
    )
    progress = Progress(len(notebooks), stream)
    progress.say(f"Profile {course.profile}; executed copies go to {folder}")
    for notebook in notebooks:
        missing = sorted(set(parameters or {}) - set(plan[notebook]))
        if missing:
            progress.say(f"{notebook.stem} has no parameter {', '.join(missing)} and runs without.")
    try:
        for notebook, run in zip(notebooks, course.notebooks, strict=True):
            run.parameters = plan[notebook]
            if profile is not None and "profile" in declared_parameters(notebook):
                run.parameters["profile"] = profile
            run_one(
                notebook,
                run,
                folder,
                environment=runtime.child_environment(**variables),
                progress=progress,
                changed=course.write_status,
            )
    except (KeyboardInterrupt, SystemExit):
        progress.say(course.table())
        raise
    finally:
        course.write_status()
        rendering.write_index(course.folder / "index.html", course.profile, course.notebooks)
    return course


def run_one(
    notebook: Path,
    run: NotebookRun,
    folder: Path,
    *,
    environment: dict[str, str],
    progress: Progress,
    changed: Callable[[], None],
) -> None:
    """Run one notebook into `folder`, keep `run` up to date, and call `changed` at each step.

    Beside the executed copy and its page, what the kernel process printed is kept if the notebook failed. A
    failing cell or a dead kernel is noted in `run`; Ctrl-C and SystemExit are noted and raised again.
    """
    cells = nbformat.read(notebook, as_version=4).cells
    run.num_code_cells = sum(_runs(cell) for cell in cells) + bool(run.parameters)
    output, log = folder / notebook.name, folder / f"{notebook.stem}.kernel.log"
    watch = kernels.KernelWatch(progress.tick)
    start_s = time.monotonic()

    def on_cell(cell: Any, index: int) -> None:
        if _runs(cell):
            run.code_cell += 1
            run.cell_id = cell.get("id", "")
            run.seconds = round(time.monotonic() - start_s, 2)
            changed()
            progress.cell(run.code_cell, run.num_code_cells)

    run.status = "running"
    changed()
    progress.start(run.name)
    details = ""
    try:
        kernels.execute(
            notebook,
            output,
            parameters=run.parameters,
            environment=environment,
            watch=watch,
            log=log,
            on_cell=on_cell,
        )
        run.status = "ok"
    except failures.EXPECTED as error:
        run.status, run.reason = "failed", failures.reason(error)
        details = failures.note(error, output, log, run)
    except (KeyboardInterrupt, SystemExit):
        run.status, run.reason = "stopped", "stopped by hand"
        raise
    finally:
        watch.end()
        if run.status != "failed" or log.stat().st_size == 0:
            log.unlink(missing_ok=True)
        run.seconds = round(time.monotonic() - start_s, 2)
        run.peak_memory_bytes = watch.peak_bytes
        if output.exists():
            run.key_results = collect_key_results(output)
        progress.end(run.outcome())
        changed()
    if details:
        progress.say(details)
    if output.exists():
        rendering.write_page(output, output.with_suffix(".html"))


def collect_key_results(executed: Path) -> dict[str, Any]:
    """Give the key results that the cells of an executed notebook show, later ones over earlier ones."""
    found: dict[str, Any] = {}
    for cell in nbformat.read(executed, as_version=4).cells:
        for output in cell.get("outputs", []):
            found.update(output.get("data", {}).get(RESULTS_MIMETYPE, {}))
    return found


def _runs(cell: Any) -> bool:
    return cell.cell_type == "code" and bool(cell.source.strip())


def _new_folder(out: str | Path | None) -> Path:
    if out is None:
        return RunFolder.create(f"course-{datetime.now():%Y%m%d-%H%M%S}").path
    folder = Path(out).resolve()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ValueError(f"the output folder {folder} holds something already; give a new or an empty one")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
