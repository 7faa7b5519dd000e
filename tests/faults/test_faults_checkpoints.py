"""Saving and loading a run: killed, disk full, hostile and damaged files. F17, F18, F28, F29."""

import ast
import os
import random
import re
import resource
import shutil
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from killing import at_lines_of, run_in_child
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

import course_utils
from course_utils import files
from course_utils.models import weights
from course_utils.runs import RunFolder
from course_utils.training import checkpoint, logs, state


@needs_fork
def test_F17_killed_50_times_while_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """40 times between two lines, 10 times in the middle of a write: both files always load."""
    run = RunFolder.create("run", root=tmp_path)
    train(run, stop_after=1)
    ready = state.start(
        Network(),
        make_batches(),
        config=settings(),
        run=run,
        loss_function=None,
        device=torch.device("cpu"),
        memory_format=None,
        resume=True,
    )
    row = {**ready.history[0], "epoch": 2, "val_accuracy": 2.0}  # better than any: best is written, too
    watch = at_lines_of(checkpoint, files, weights, state, logs)

    def save() -> None:
        ready.finish_epoch(row, [0.5, 0.5])

    def half_a_write(one_more: Callable[[], None]) -> None:
        def write(path: Path, data: bytes) -> None:
            with path.open("wb") as file:
                file.write(data[: len(data) // 2])
                file.flush()
                one_more()
                file.write(data[len(data) // 2 :])

        Path.write_bytes = write  # type: ignore[assignment,method-assign]  # in the child only

    num_lines = run_in_child(save, kill_at=None, watch=watch)
    num_writes = run_in_child(save, kill_at=None, watch=half_a_write)
    assert num_lines > 100 and num_writes == 4
    generator = random.Random(17)
    kills = [(watch, moment) for moment in generator.sample(range(1, num_lines + 1), 40)]
    kills += [(half_a_write, 1 + number % num_writes) for number in range(10)]
    partials = 0
    for how, moment in kills:
        run_in_child(save, kill_at=moment, watch=how)
        assert len(last_of(run)["history"]) in (1, 2)
        assert weights.read_weights(run.path / "best.safetensors").keys() == ready.model.state_dict().keys()
        partials += len(names_in(run) - ALL_FILES)
    assert partials > 10  # the kills did hit
    save()
    assert names_in(run) == ALL_FILES and weights.verify(run.path / "best.safetensors")


@pytest.mark.parametrize("limit", [1_000, 8_000])
def test_F18_a_disk_that_fills_up_leaves_the_old_files(tmp_path: Path, limit: int) -> None:
    """The system refuses to write more than `limit` bytes: in the best weights, or in the state only."""
    run = RunFolder.create("run", root=tmp_path)
    train(run, stop_after=1)
    before = checkpoint.digest(last_of(run))
    assert (run.path / "best.safetensors").stat().st_size < 8_000 < (run.path / "last.pt").stat().st_size
    usual, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        with pytest.raises(Exception, match="File too large"):
            train(run, resume=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (usual, hard))
    assert checkpoint.digest(last_of(run)) == before and names_in(run) == ALL_FILES
    assert weights.verify(run.path / "best.safetensors")
    train(run, resume=True)
    assert_same_end(run)


def test_F18_a_full_disk_is_seen_before_writing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = RunFolder.create("run", root=tmp_path)
    train(run, stop_after=1)
    content = (run.path / "last.pt").read_bytes()
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage(10**6, 0, 100))
    with pytest.raises(OSError, match=r"100 are free: [\d,]+ bytes are missing"):
        train(run, resume=True)
    assert (run.path / "last.pt").read_bytes() == content


class Hostile:
    """Runs a command when it is unpickled."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple:
        return os.system, (f"touch '{self.marker}'",)


@pytest.mark.parametrize("where", ["alone", "in the state"])
def test_F28_a_hostile_checkpoint_is_refused(tmp_path: Path, where: str) -> None:
    """With a checksum that is right, since whoever writes the file can compute it."""
    marker, path = tmp_path / "harm", tmp_path / "last.pt"
    hostile = Hostile(marker)
    if where == "alone":
        torch.save(hostile, path)
        path.write_bytes(checkpoint._sealed(path.read_bytes()))
    else:
        checkpoint.save_last(path, {"model": {"w": torch.zeros(2)}, "config": {"seed": hostile}})
    with pytest.raises(ValueError, match=r"last\.pt is refused: it holds more than tensors"):
        checkpoint.load_last(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)  # the file is what it is meant to be
    assert marker.exists()


def test_F28_nothing_in_the_package_unpickles() -> None:
    """Every torch.load says weights_only=True; no pickle, joblib, dill, shelve or marshal loads anything."""
    found = []
    loads = 0
    for path in Path(course_utils.__file__).parent.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"torch\.load|pickle|joblib|dill|shelve|marshal|weights_only", text):
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            options = {word.arg: ast.unparse(word.value) for word in node.keywords}
            loads += name == "torch.load"
            careless = name == "torch.load" and options.get("weights_only") != "True"
            if careless or options.get("allow_pickle") == "True" or options.get("weights_only") == "False":
                found.append(f"{path.name}:{node.lineno} {name}")
            module, _, function = name.rpartition(".")
            unpickles = module in ("pickle", "joblib", "dill", "cloudpickle", "shelve", "marshal")
            if unpickles and function in ("load", "loads", "Unpickler", "open"):
                found.append(f"{path.name}:{node.lineno} {name}")
    assert found == [] and loads >= 2


@pytest.mark.parametrize("name", ["last.pt", "best.safetensors"])
def test_F29_every_flipped_byte_is_found(tmp_path: Path, name: str) -> None:
    """20 at random places, and each of the last 100, where the checksum of last.pt stands."""
    run = RunFolder.create("run", root=tmp_path)
    train(run, stop_after=1)
    path = run.path / name
    load = checkpoint.load_last if name == "last.pt" else weights.read_weights
    load(path)
    content = path.read_bytes()
    generator = random.Random(29)
    places = [generator.randrange(len(content)) for _ in range(20)] + list(range(-100, 0))
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 1 << generator.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=name.replace(".", r"\.")):
            load(path)
    path.write_bytes(content)
    load(path)
