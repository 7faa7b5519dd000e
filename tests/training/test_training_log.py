"""What an epoch is judged by and what is written: columns, classes, EMA, TensorBoard, the best."""

import csv
import sys

import numpy as np
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, log_loss, recall_score
from tiny_training import batches, config, small_network
from torch import nn

from course_utils.evaluation.predict import predict
from course_utils.models import weights
from course_utils.runs import RunFolder
from course_utils.training import checkpoint
from course_utils.training.loop import fit
from course_utils.training.validation import validate


def odd_batches():
    """33 validation pictures, of which most are dark, so that the balanced accuracy is another figure."""
    data = batches(33, train=False)
    data.pictures.targets[:20] = 0
    return data


def test_the_figures_are_scikit_learns():
    model, data = small_network(), odd_batches()
    found = validate(model, data, top_k=1)
    predictions = predict(model, data)
    targets, guesses = predictions.targets, predictions.predicted
    assert found.columns == pytest.approx(
        {
            "val_loss": log_loss(targets, predictions.probabilities),
            "val_accuracy": float(np.mean(targets == guesses)),
            "val_balanced_accuracy": balanced_accuracy_score(targets, guesses),
            "val_top1": float(np.mean(targets == guesses)),
        },
        rel=1e-6,
    )
    assert found.per_class == pytest.approx(recall_score(targets, guesses, average=None).tolist())


def test_metrics_and_classes_are_logged_for_every_epoch(tmp_path):
    run = RunFolder.create("run", root=tmp_path)
    settings = config(ema_decay=0.8, ema_warmup=False, metric="ema_val_balanced_accuracy", top_k=1)
    model, val = small_network(), odd_batches()
    result = fit(model, batches(), val, config=settings, run=run, progress=False)
    names = ["loss", "accuracy", "balanced_accuracy", "top1"]
    assert list(run.read_metrics()[0]) == [
        *("epoch", "train_loss", "train_accuracy"),
        *(f"val_{name}" for name in names),
        *(f"ema_val_{name}" for name in names),
        *("learning_rate", "seconds"),
    ]
    with (run.path / "per_class.csv").open(newline="") as file:
        header, *rows = list(csv.reader(file))
    assert header == ["epoch", "dark", "bright"] and [row[0] for row in rows] == ["1", "2", "3"]
    for row, logged in zip(result.history, rows, strict=True):
        assert np.mean([float(value) for value in logged[1:]]) == row["ema_val_balanced_accuracy"]


@pytest.mark.parametrize("metric", ["val_loss", "val_balanced_accuracy", "ema_val_loss", "ema_val_accuracy"])
def test_the_best_by_any_metric_is_kept(tmp_path, metric):
    """The stored weights give the best value of the history, those of the EMA for its metrics."""
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=4, metric=metric, ema_decay=0.5)
    model, val = small_network(), odd_batches()
    result = fit(model, batches(), val, config=settings, run=run, progress=False)
    values = [row[metric] for row in result.history]
    assert result.best_value == (min(values) if metric.endswith("loss") else max(values))
    assert result.best_epoch == values.index(result.best_value) + 1
    fresh = small_network(9)
    weights.load_weights(fresh, run.path / "best.safetensors")
    for network in (model, fresh):
        assert validate(network, val).columns[metric.removeprefix("ema_")] == result.best_value
    assert weights.read_metadata(run.path / "best.safetensors")["averaged"] == metric.startswith("ema_")


@pytest.mark.parametrize("every", [0, 2])
def test_epochs_that_are_not_validated_change_nothing_but_the_log(tmp_path, every):
    """The same weights are kept as with a validation after each epoch, and the log has gaps."""
    runs = {}
    for name, spacing in (("each", 1), ("some", every)):
        run = RunFolder.create(name, root=tmp_path)
        settings = config(
            epochs=3, ema_decay=0.8, metric="ema_val_accuracy", keep="last", top_k=5, validate_every=spacing
        )
        fit(small_network(), batches(), odd_batches(), config=settings, run=run, progress=False)
        runs[name] = run
    each, some = (runs[name].read_metrics() for name in ("each", "some"))
    gaps = [1, 2] if every == 0 else [1]
    for row, whole in zip(some, each, strict=True):
        for key in whole.keys() - {"seconds"}:
            is_gap = "val_" in key and row["epoch"] in gaps
            assert row[key] == (None if is_gap else whole[key])
    states = [checkpoint.load_last(run.path / "last.pt") for run in runs.values()]
    for part in ("model", "ema", "optimizer", "schedule"):
        assert checkpoint.digest(states[0][part]) == checkpoint.digest(states[1][part])
    kept = [weights.read_weights(run.path / "best.safetensors") for run in runs.values()]
    assert checkpoint.digest(kept[0]) == checkpoint.digest(kept[1])
    lines = (runs["some"].path / "per_class.csv").read_text().splitlines()
    assert [line.endswith(",,") for line in lines[1:]] == [epoch in gaps for epoch in (1, 2, 3)]


def test_stopped_before_its_first_validation_a_run_still_keeps_the_last_weights(tmp_path):
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=3, ema_decay=0.8, metric="ema_val_loss", keep="last", validate_every=0)
    model, val = small_network(), odd_batches()
    result = fit(model, batches(), val, config=settings, run=run, progress=False, stop_after=1)
    averaged = checkpoint.load_last(run.path / "last.pt")["ema"]
    assert result.best_epoch == 1 and np.isnan(result.best_value)
    assert checkpoint.digest(weights.read_weights(run.path / "best.safetensors")) == checkpoint.digest(
        model.state_dict()
    )
    assert averaged is not None and weights.read_metadata(run.path / "best.safetensors")["averaged"]
    resumed = fit(small_network(5), batches(), val, config=settings, run=run, progress=False, resume=True)
    whole = RunFolder.create("whole", root=tmp_path)
    fit(small_network(), batches(), val, config=settings, run=whole, progress=False)
    assert resumed.best_value == resumed.history[-1]["ema_val_loss"]
    assert (run.path / "best.safetensors").read_bytes() == (whole.path / "best.safetensors").read_bytes()


def test_the_average_follows_every_step(tmp_path):
    """The EMA of the saved state, against the formula applied to the weights after each step."""
    seen = []

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(64, 2)

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if self.training:
                seen.append(self.layer.weight.detach().clone())
            return self.layer(images.flatten(1))

    model = Watched()
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=2, ema_decay=0.9, ema_warmup=False)
    fit(model, batches(), batches(train=False), config=settings, run=run, progress=False)
    state = checkpoint.load_last(run.path / "last.pt")
    after = [*seen[1:], state["model"]["layer.weight"]]
    average = after[0]
    for weight in after[1:]:
        average = 0.9 * average + 0.1 * weight
    torch.testing.assert_close(state["ema"]["module"]["layer.weight"], average)
    assert state["ema"]["num_updates"] == 6


def test_plateau_lowers_the_rate_when_the_metric_stands_still(tmp_path):
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=5, schedule="plateau", plateau_patience=1, decay_factor=0.5, learning_rate=1e-30)
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2))  # running statistics would move, too
    result = fit(model, batches(), batches(train=False), config=settings, run=run, progress=False)
    rates = [row["learning_rate"] / 1e-30 for row in result.history]
    assert rates == pytest.approx([1, 1, 1, 0.5, 0.5])


def test_tensorboard_gets_every_figure(tmp_path, monkeypatch):
    written = []

    class Writer:
        def __init__(self, log_dir: str) -> None:
            assert log_dir == str(run.path / "tensorboard")

        def add_scalar(self, name: str, value: float, step: int) -> None:
            written.append((name, value, step))

        def flush(self) -> None: ...

        def close(self) -> None:
            written.append("closed")

    module = type(sys)("torch.utils.tensorboard")
    module.SummaryWriter = Writer
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", module)
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=2, tensorboard=True)
    result = fit(small_network(), batches(), batches(train=False), config=settings, run=run, progress=False)
    rows = [(name, row[name], row["epoch"]) for row in result.history for name in row if name != "epoch"]
    assert written == [*rows, "closed"]


def test_tensorboard_that_is_not_installed_is_said_before_training(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run = RunFolder.create("run", root=tmp_path)
    with pytest.raises(ModuleNotFoundError, match="pip install tensorboard"):
        fit(small_network(), batches(), batches(), config=config(tensorboard=True), run=run, progress=False)
    assert not (run.path / "last.pt").exists()
