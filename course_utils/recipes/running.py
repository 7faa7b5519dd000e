"""Run a recipe: pictures, split, batches, network, training, one look at the test part, the card.

`train` starts a run, `resume` goes on with one that was stopped. Both work in one process or in those that
torchrun started; then only rank 0 writes and speaks. Read `_work` from top to bottom.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from course_utils import runtime
from course_utils.data.eval_transform import EvalTransform
from course_utils.evaluation.predict import Predictions, predict
from course_utils.recipes import reporting, stored
from course_utils.recipes.building import build
from course_utils.recipes.plan import Plan, find_layout, make_plan
from course_utils.recipes.prepared import Prepared, prepare
from course_utils.recipes.recipe import Recipe
from course_utils.runs import RunFolder
from course_utils.training import distributed
from course_utils.training.distributed import Processes
from course_utils.training.loop import FitResult, fit

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainedRun:
    """A run and what came of it. `report` is {} on all ranks but 0, and when `stop_after` ended the run."""

    run: RunFolder
    result: FitResult
    report: dict[str, Any]


@dataclass(frozen=True)
class _Job:
    """All that a run works with."""

    recipe: Recipe
    plan: Plan
    prepared: Prepared
    model: nn.Module
    run: RunFolder
    device: torch.device
    processes: Processes
    say: Say


def train(
    recipe: Recipe,
    *,
    data: str | Path | None = None,
    run_name: str | None = None,
    root: str | Path | None = None,
    device: str = "auto",
    stop_after: int | None = None,
    progress: bool = True,
    say: Say | None = None,
) -> TrainedRun:
    """Train what `recipe` says in a new run folder below `root` (default: the runs folder).

    `data` takes other pictures: a folder, an archive, or a set of the catalog. `run_name` names the folder
    (default: the recipe's name). `stop_after` ends after that many epochs as if the process had been stopped.
    `say` gets what is worth telling, a line at a time. Errors are those of the parts: ValueError for what the
    caller can mend, FloatingPointError when training diverges; the run folder stays and can be resumed.
    """
    recipe = (recipe if data is None else recipe.with_data(data)).resolved()
    chosen = runtime.select_device(device)
    with distributed.session(chosen) as processes:
        speak = _speaker(say, processes)
        plan = distributed.broadcast_object(
            make_plan(recipe.data, progress=progress) if processes.is_main else None
        )
        for remark in plan.remarks:
            speak(f"note: {remark}")
        speak(plan.summary())
        model = build(recipe, num_classes=len(plan.manifest.class_names))  # a wrong name is said at once
        prepared = _prepare(recipe, plan, None, processes, progress)
        path = None
        if processes.is_main:
            run = RunFolder.create(run_name or recipe.name, root)
            run.write_config(recipe.as_dict())
            stored.write_facts(run, plan, prepared.transform)
            path = run.path
        run = RunFolder(distributed.broadcast_object(path))
        speak(f"run folder: {run.path}")
        job = _Job(recipe, plan, prepared, model, run, chosen, processes, speak)
        return _work(job, resuming=False, stop_after=stop_after, progress=progress)


def resume(
    path: str | Path,
    *,
    data: str | Path | None = None,
    device: str = "auto",
    stop_after: int | None = None,
    progress: bool = True,
    say: Say | None = None,
) -> TrainedRun:
    """Go on with the stopped run at `path` as if it had never stopped; its recipe is in the folder.

    `data` is where the same pictures lie now, if they were moved. ValueError when the run is finished, or
    when the pictures are not the ones it started with.
    """
    chosen = runtime.select_device(device)
    with distributed.session(chosen) as processes:
        speak = _speaker(say, processes)
        run = RunFolder(Path(path).resolve())
        told = _begun(run, data, progress) if processes.is_main else None
        recipe, plan, transform, rows = distributed.broadcast_object(told)
        speak(plan.summary())
        model = build(  # pretrained weights would only be replaced
            recipe, num_classes=len(plan.manifest.class_names), pretrained=False if rows else None
        )
        prepared = _prepare(recipe, plan, transform, processes, progress)
        speak(f"run folder: {run.path}, epochs done: {len(rows)} of {recipe.training.epochs}")
        job = _Job(recipe, plan, prepared, model, run, chosen, processes, speak)
        spent = sum(row["seconds"] for row in rows)
        return _work(job, resuming=True, stop_after=stop_after, progress=progress, earlier=spent)


def _work(
    job: _Job, *, resuming: bool, stop_after: int | None, progress: bool, earlier: float = 0.0
) -> TrainedRun:
    """Train, look at the test part once, write what came of it; `earlier` seconds were spent before."""
    recipe, prepared, model, run = job.recipe, job.prepared, job.model, job.run
    processes = job.processes
    started = time.perf_counter()
    train_batches = prepared.train_batches(recipe, processes)
    result = fit(
        model,
        train_batches,
        prepared.plain_batches(prepared.val, recipe, processes),
        config=recipe.training,
        run=run,
        device=job.device,
        resume=resuming,
        progress=progress and processes.is_main,
        stop_after=stop_after,
    )
    train_batches.close()
    if len(result.history) < recipe.training.epochs and not result.stopped_early:
        return TrainedRun(run, result, {})
    epoch = result.best_epoch
    pictures = prepared.val if prepared.test is None else prepared.test
    predictions = predict(model, prepared.plain_batches(pictures, recipe, processes), device=job.device)
    if not processes.is_main:
        return TrainedRun(run, result, {})
    report = _write_results(job, result, epoch, predictions, pictures.paths)
    seconds = time.perf_counter() - started + earlier
    _write_card(job, result, epoch, report, seconds)
    job.say(f"{reporting.in_words(report)}; weights of epoch {epoch}; {seconds:.0f} s")
    job.say(f"report: {run.path / 'report.json'}")
    return TrainedRun(run, result, report)


def _prepare(
    recipe: Recipe, plan: Plan, transform: EvalTransform | None, processes: Processes, progress: bool
) -> Prepared:
    """Let rank 0 decode first; the others find its cache. All normalise by rank 0's figures."""
    prepared = prepare(recipe, plan, transform=transform, progress=progress) if processes.is_main else None
    transform = distributed.broadcast_object(prepared.transform if prepared else None)
    return prepared or prepare(recipe, plan, transform=transform)


def _begun(
    run: RunFolder, data: str | Path | None, progress: bool
) -> tuple[Recipe, Plan, EvalTransform, list[dict[str, Any]]]:
    """Give recipe, pictures and transform that a stopped run began with, and a row for each epoch it did."""
    run = RunFolder.load(run.path)
    if run.is_finished:
        raise ValueError(
            f"{run.path} is finished, nothing is left to resume; `evaluate` and `predict` use it"
        )
    recipe = Recipe.from_dict(run.config(), where=str(run.path / "config.json"))
    transform = EvalTransform.from_dict(stored.read_facts(run)["transform"])
    now = None if data is None else find_layout(recipe.with_data(data).data, progress=progress).root
    return recipe, stored.read_plan(run, root=now), transform, run.read_metrics()


def _write_results(
    job: _Job, result: FitResult, epoch: int, predictions: Predictions, paths: list[Path]
) -> dict[str, Any]:
    recipe, part = job.recipe, "val" if job.prepared.test is None else "test"
    reporting.write_curves(job.run.path, result.history, title=recipe.name)
    about = {
        "recipe": recipe.name,
        "network": f"{recipe.model.name}{', pretrained' if recipe.model.pretrained else ''}",
        "data": f"{recipe.data.name}: {job.plan.summary()}",
        "part": part if part == "test" else "val, by which the epoch was chosen too: optimistic",
        "weights": f"of epoch {epoch} of {recipe.training.epochs}",
        "seed": str(recipe.training.seed),
        "commit": runtime.git_commit() or "unknown",
    }
    return reporting.write_report(
        job.run.path, predictions, name=job.run.path.name, part=part, about=about, paths=paths
    )


def _write_card(job: _Job, result: FitResult, epoch: int, report: dict[str, Any], seconds: float) -> None:
    row = result.history[epoch - 1]
    metrics = {
        "kept_epoch": epoch,
        **({key: row[key] for key in row if "val_" in key} if job.plan.num_images("val") else {}),
        **reporting.final_figures(report),
        "training_s": round(result.training_s, 2),
    }
    job.run.write_card(
        config=job.recipe.as_dict(),
        metrics=metrics,
        data_fingerprint=job.plan.fingerprint,
        seed=job.recipe.training.seed,
        seconds=seconds,
    )


def _speaker(say: Say | None, processes: Processes) -> Say:
    return say if say is not None and processes.is_main else lambda text: None
