"""Training that is stopped, diverges, starts twice or gets odd sizes. F19 to F21, F25 to F27, F34."""

import io
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from killing import run_in_child
from tiny_run import (
    ALL_FILES,
    Network,
    assert_same_end,
    last_of,
    make_batches,
    names_in,
    needs_fork,
    one_thread,  # noqa: F401  for each test here
    settings,
    train,
)
from torch import nn

from course_utils import files
from course_utils.evaluation.predict import predict
from course_utils.models import weights
from course_utils.notebooks import run_notebooks
from course_utils.runs import RunFolder
from course_utils.training.interrupts import Terminated, exit_code
from course_utils.training.loop import fit

pytestmark = pytest.mark.slow  # it starts processes


@pytest.fixture(autouse=True)
def ctrl_c_is_heard() -> Iterator[None]:
    """A shell starts programs in the background with Ctrl-C ignored; these tests mean a program in front."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@needs_fork
@pytest.mark.parametrize(("workers", "epochs_before"), [(0, [0, 1, 0, 1]), (2, [1])])
def test_F19_killed_in_mid_epoch_and_resumed(tmp_path: Path, workers: int, epochs_before: list[int]) -> None:
    """F19: killed at random batches, again and again; the run ends with the bits of one that never was."""
    run = RunFolder.create("run", root=tmp_path)
    generator = random.Random(19)
    passing: list[Callable[[], None]] = []  # filled in the child
    for whole_epochs in epochs_before:
        run_in_child(
            lambda: train(run, Network(at_forward=lambda: passing[0]()), workers=workers, resume=True),
            kill_at=6 * whole_epochs + generator.randint(2, 6),  # 6 batches make an epoch
            watch=passing.append,
        )
    assert len(last_of(run)["history"]) == sum(epochs_before)
    train(run, Network(seed=99), workers=workers, resume=True)
    assert_same_end(run)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("workers", [0, 2])
def test_F20_stopped_by_a_signal(tmp_path: Path, number: int, code: int, workers: int) -> None:
    """The epoch before is on disk, no worker is left, handlers are put back, and the next cell runs."""
    run = RunFolder.create("run", root=tmp_path)
    handlers = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    batches_seen, stopped = [], []

    def stop() -> None:
        batches_seen.append(None)
        if len(batches_seen) == 8:  # the second one of epoch 2
            stopped.append(time.monotonic())
            signal.raise_signal(number)

    data, val = make_batches(workers=workers), make_batches(9, train=False)
    options = {"config": settings(), "run": run, "progress": False}
    with pytest.raises(KeyboardInterrupt) as caught:
        fit(Network(at_forward=stop), data, val, **options)
    assert time.monotonic() - stopped[0] < 5
    assert exit_code(caught.value) == code
    assert isinstance(caught.value, Terminated) == (number == signal.SIGTERM)
    assert multiprocessing.active_children() == []
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == handlers
    assert len(last_of(run)["history"]) == 1 and names_in(run) == ALL_FILES
    fit(Network(seed=5), data, val, resume=True, **options)  # the same cell again, with the same batches
    data.close()
    assert_same_end(run)


def test_F20_stopped_while_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder.create("run", root=tmp_path)
    train(run, stop_after=1)
    flush = files._flush_to_disk

    def interrupted(path: Path) -> None:
        if path.suffix == ".pt":
            signal.raise_signal(signal.SIGINT)
        flush(path)

    monkeypatch.setattr(files, "_flush_to_disk", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(run, resume=True)
    monkeypatch.undo()
    assert len(last_of(run)["history"]) == 1 and names_in(run) == ALL_FILES
    train(run, resume=True)
    assert_same_end(run)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_F21_a_loss_that_is_no_number_stops_at_the_step(tmp_path: Path, value: float) -> None:
    run = RunFolder.create("run", root=tmp_path)
    calls = []

    def loss(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        calls.append(None)
        factor = value if len(calls) == 9 else 1.0  # epoch 2, its third batch, the second step
        return nn.functional.cross_entropy(logits, targets) * factor

    where = rf"{value} in epoch 2, step 2 of 3, at the learning rate 0\.01"
    with pytest.raises(FloatingPointError, match=where):
        train(run, config=settings(schedule="constant"), loss_function=loss)
    assert len(calls) <= 10 and len(last_of(run)["history"]) == 1
    best = weights.read_weights(run.path / "best.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in best.values())


@pytest.mark.parametrize("metric", ["val_loss", "ema_val_accuracy"])
def test_F21_the_best_is_never_nan(tmp_path: Path, metric: str) -> None:
    """Finite losses, and weights that become infinite with the last step of an epoch."""
    run = RunFolder.create("run", root=tmp_path)
    model = Network()
    seen = []

    def spoil(parameter: torch.Tensor) -> None:
        parameter.grad.fill_(float("nan"))

    def poison() -> None:
        seen.append(None)
        if len(seen) == 12:  # the last batch of epoch 2
            model.fc.bias.register_post_accumulate_grad_hook(spoil)

    model.at_forward = poison
    with pytest.raises(FloatingPointError, match=r"9 of 9 pictures get logits that are not finite"):
        train(run, model, config=settings(metric=metric, clip_norm=0.0))
    assert len(last_of(run)["history"]) == 1
    best = weights.read_weights(run.path / "best.safetensors")
    assert all(torch.isfinite(tensor).all() for tensor in best.values())


@needs_fork
def test_F25_eight_runs_started_at_once(tmp_path: Path) -> None:
    """In five rounds of eight processes that wait for one starting shot."""
    for _ in range(5):
        wait, shoot = os.pipe()
        children = []
        for _ in range(8):
            pid = os.fork()
            if pid == 0:
                os.close(shoot)
                os.read(wait, 1)  # ends when the last writer is gone
                run = RunFolder.create("run", root=tmp_path)
                run.write_json("config.json", {"pid": os.getpid()})
                os._exit(0)
            children.append(pid)
        os.close(wait)
        os.close(shoot)
        assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 8
    runs = [RunFolder.load(path) for path in tmp_path.iterdir()]
    assert len(runs) == 40 and len({run.config()["pid"] for run in runs}) == 40
    assert {run.path.name for run in runs} == {"run", *(f"run-{number}" for number in range(2, 41))}


class Pooled(nn.Module):
    """Batch norm after global pooling: one value per picture and channel, so one picture is too few."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 4, 3), nn.AdaptiveAvgPool2d(1), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2)
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.layers(images)


@pytest.mark.parametrize("batch_size", [1, 2, 4])
@pytest.mark.parametrize("network", [Network, Pooled])
def test_F26_every_size_trains_or_is_refused(tmp_path: Path, batch_size: int, network: type) -> None:
    """1 to 2 x batch + 1 pictures, mixed: each is trained on once and evaluated once."""
    for size in range(1, 2 * batch_size + 2):
        trained = []

        def loss(logits: torch.Tensor, targets: torch.Tensor, trained: list = trained) -> torch.Tensor:
            trained.extend(targets)
            return nn.functional.cross_entropy(logits, targets)

        data = make_batches(size, batch_size=batch_size)
        val = make_batches(size, batch_size=batch_size, train=False)
        run, model = RunFolder.create(f"size-{size}", root=tmp_path), network()
        options = {"config": settings(epochs=1, accumulation_steps=1), "run": run, "progress": False}
        if network is Pooled and min(len(data.indices(0, n)) for n in range(len(data))) == 1:
            with pytest.raises(ValueError, match=r"a batch of 1 picture\(s\) cannot train .* batch_size"):
                fit(model, data, val, loss_function=loss, **options)
            continue
        fit(model, data, val, loss_function=loss, **options)
        assert len(trained) == size
        assert predict(model, val).ids == [f"{number}.png" for number in range(size)]
        seen = np.sort(np.concatenate([batch.indices.numpy() for batch in val.epoch()]))
        assert seen.tolist() == list(range(size))


def test_F34_the_checkpoint_of_a_cell_that_failed_in_mid_epoch_goes_on(tmp_path: Path) -> None:
    cells = [
        "batches: int = 15  # until it fails",
        f"import sys\nsys.path.insert(0, {str(Path(__file__).parent)!r})\nimport torch, tiny_run",
        "torch.set_num_threads(1)\nseen = []\n\ndef fail():\n    seen.append(1)\n"
        "    if len(seen) == batches:\n"
        "        raise RuntimeError('in epoch 3')",
        f"run = tiny_run.RunFolder.create('run', root={str(tmp_path)!r})\n"
        "tiny_run.train(run, tiny_run.Network(at_forward=fail))",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.cells[0].metadata["tags"] = ["parameters"]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(notebook, tmp_path / "01_x.ipynb")
    course = run_notebooks([tmp_path / "01_x.ipynb"], out=tmp_path / "out", stream=io.StringIO())
    assert course.notebooks[0].reason == "RuntimeError: in epoch 3"
    run = RunFolder(tmp_path / "run")
    assert len(last_of(run)["history"]) == 2
    train(run, resume=True)
    assert_same_end(run)


def test_F27_top_5_of_two_classes_is_called_top_2(tmp_path: Path) -> None:
    run = RunFolder.create("run", root=tmp_path)
    train(run, config=settings(epochs=1, top_k=5))
    (row,) = run.read_metrics()
    assert row["val_top2"] == row["ema_val_top2"] == 1.0
    assert not [name for name in row if "top5" in name]
