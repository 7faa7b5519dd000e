"""Stopped and resumed equals never stopped: all bits of the state, after every epoch."""

import json

import pytest
import torch
from tiny_training import batches, config, small_network

from course_utils.runs import RunFolder
from course_utils.training import checkpoint, precision
from course_utils.training.loop import fit

EVERYTHING = {  # all that could depend on what happened before
    "epochs": 4,
    "optimizer": "adamw",
    "schedule": "plateau",
    "plateau_patience": 0,
    "warmup_epochs": 0.5,
    "ema_decay": 0.9,
    "accumulation_steps": 2,
    "metric": "ema_val_loss",
    "top_k": 1,
    "class_weights": "balanced",
    "freeze_epochs": 1,
}


@pytest.fixture
def saved_digests(monkeypatch):
    """The digest of every state that is saved, in order."""
    digests = []
    save = checkpoint.save_last

    def watched(path, state):
        digests.append(checkpoint.digest(state))
        save(path, state)

    monkeypatch.setattr(checkpoint, "save_last", watched)
    return digests


def train(run, *, network=0, num_workers=0, changes=EVERYTHING, **options):
    train_batches = batches(43, mix=True, num_workers=num_workers)
    try:
        val = batches(20, train=False)
        model = small_network(network)
        return fit(model, train_batches, val, config=config(**changes), run=run, progress=False, **options)
    finally:
        train_batches.close()


@pytest.mark.parametrize("num_workers", [0, 2])
def test_F19_every_epoch_equals_the_uninterrupted_run(tmp_path, saved_digests, num_workers):
    """F19: weights, EMA, optimiser, schedule, history; with mixing, dropout, augmentation, accumulation."""
    whole, broken = (RunFolder.create(name, root=tmp_path) for name in ("whole", "broken"))
    first = train(whole)
    expected = list(saved_digests)
    saved_digests.clear()
    for stop_after in (1, 2, 4):
        torch.manual_seed(stop_after)  # the generator of a new process stands anywhere
        options = {"num_workers": num_workers, "resume": True, "stop_after": stop_after}
        resumed = train(broken, network=0 if stop_after == 1 else 7, **options)
    assert len(set(expected)) == 4 and saved_digests == expected
    for row, again in zip(first.history, resumed.history, strict=True):
        assert {**row, "seconds": 0} == {**again, "seconds": 0}
    for name in ("best.safetensors", "per_class.csv"):
        assert (whole.path / name).read_bytes() == (broken.path / name).read_bytes()


@pytest.mark.parametrize(
    "changes",
    [
        {"optimizer": "sgd", "schedule": "one_cycle", "memory_format": "channels_last"},
        {"optimizer": "rmsprop", "schedule": "cosine_restarts", "step_epochs": 1, "precision": "bfloat16"},
        {"optimizer": "adabelief", "schedule": "multi_step", "milestones": (1, 2)},
    ],
)
def test_F19_other_optimisers_schedules_and_precisions(tmp_path, saved_digests, changes):
    whole, broken = (RunFolder.create(name, root=tmp_path) for name in ("whole", "broken"))
    changes = {"epochs": 3, **changes}
    train(whole, changes=changes)
    train(broken, changes=changes, stop_after=1)
    train(broken, changes=changes, network=7, resume=True)
    assert saved_digests[:3] == saved_digests[3:]


def test_a_measured_choice_is_stored_and_repeated_without_measuring(tmp_path, monkeypatch):
    def channels_last_wins(model, images, targets, candidates, loss_function):
        return {candidate: 200.0 if "channels_last" in candidate else 100.0 for candidate in candidates}

    monkeypatch.setattr(precision, "measure", channels_last_wins)
    run = RunFolder.create("run", root=tmp_path)
    changes = {"memory_format": "auto", "precision": "auto"}
    train(run, changes=changes, stop_after=1)
    stored = json.loads((run.path / "engine.json").read_text())
    assert (stored["precision"], stored["memory_format"]) == ("float32", "channels_last")
    assert stored["images_per_second"]["float32, contiguous"] == 100.0
    assert stored == checkpoint.load_last(run.path / "last.pt")["engine"]

    monkeypatch.setattr(precision, "measure", lambda *arguments: pytest.fail("measured again"))
    model = small_network()
    options = {"config": config(**changes), "run": run, "progress": False}
    fit(model, batches(43, mix=True), batches(20, train=False), resume=True, **options)
    assert model[0].weight.is_contiguous(memory_format=torch.channels_last)
    assert checkpoint.load_last(run.path / "last.pt")["engine"] == stored


def test_a_run_is_resumed_with_its_own_settings_only(tmp_path):
    run = RunFolder.create("run", root=tmp_path)
    train(run, changes={"epochs": 2}, stop_after=1)
    with pytest.raises(ValueError, match=r"last\.pt .* other settings: epochs 2 there and 3 here"):
        train(run, changes={"epochs": 3}, resume=True)
    assert len(train(run, changes={"epochs": 2}, resume=True).history) == 2


def test_the_log_follows_the_checkpoint(tmp_path):
    """Killed between last.pt and metrics.csv: the missing row is put in when the run is resumed."""
    run = RunFolder.create("run", root=tmp_path)
    train(run, changes={"epochs": 3}, stop_after=2)
    both = [(run.path / name).read_text() for name in ("metrics.csv", "per_class.csv")]
    for name, text in zip(("metrics.csv", "per_class.csv"), both, strict=True):
        lines = text.splitlines(keepends=True)
        assert len(lines) == 3
        (run.path / name).write_text("".join(lines[:2]))
    train(run, changes={"epochs": 3}, resume=True, stop_after=2)
    assert [(run.path / name).read_text() for name in ("metrics.csv", "per_class.csv")] == both


def test_the_digest_sees_every_bit_and_no_time():
    state = {"model": {"w": torch.arange(4.0)}, "history": [{"loss": 0.1, "seconds": 3.0}], "n": 3}
    same = {"n": 3, "history": [{"loss": 0.1, "seconds": 9.0}], "model": {"w": torch.arange(4.0)}}
    assert checkpoint.digest(state) == checkpoint.digest(same)
    changed = torch.arange(4.0)
    changed[2] = torch.nextafter(changed[2], torch.tensor(9.0))
    others = [
        {**state, "model": {"w": changed}},
        {**state, "model": {"v": torch.arange(4.0)}},
        {**state, "model": {"w": torch.arange(4.0).double()}},
        {**state, "model": {"w": torch.arange(4.0)[None]}},
        {**state, "history": [{"loss": 0.2, "seconds": 3.0}]},
        {**state, "n": 3.0},
    ]
    assert len({checkpoint.digest(other) for other in [state, *others]}) == 1 + len(others)
