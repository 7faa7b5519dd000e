"""The loop: equal to a plain one, resumable to the last bit, stopped by NaN, the best kept."""

import numpy as np
import pytest
import torch
from tiny_training import batches, config, small_network
from torch import nn

from course_utils.data.mixing import Mixing
from course_utils.evaluation.predict import predict
from course_utils.models import weights
from course_utils.runs import RunFolder
from course_utils.training import checkpoint
from course_utils.training.loop import evaluate, fit


def test_equals_a_plain_loop(tmp_path):
    """The usual twelve lines, written out, give the same weights to the last bit."""
    settings = config(epochs=2, clip_norm=0.5, optimizer="sgd", schedule="constant")
    run = RunFolder.create("run", root=tmp_path)
    loss = nn.CrossEntropyLoss(label_smoothing=0.1)
    options = {"config": settings, "run": run, "loss_function": loss, "progress": False}
    fit(small_network(dropout=0.0), batches(), batches(train=False), **options)

    model = small_network(dropout=0.0)
    decayed, others = (
        [p for p in model.parameters() if p.ndim > 1],
        [p for p in model.parameters() if p.ndim == 1],
    )
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=1e-2, momentum=0.9, nesterov=True)
    for epoch in range(2):
        for images, targets, _ in batches().epoch(epoch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), targets, label_smoothing=0.1).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
    last = checkpoint.load_last(run.path / "last.pt")
    assert checkpoint.digest(last["model"]) == checkpoint.digest(model.state_dict())


def test_learns_keeps_the_best_and_writes_the_run(tmp_path):
    run = RunFolder.create("run", root=tmp_path)
    model = small_network()
    val = batches(60, train=False)
    result = fit(model, batches(80), val, config=config(epochs=6), run=run, progress=False)
    values = [row["val_accuracy"] for row in result.history]
    assert max(values) > 0.95
    assert result.best_value == max(values) and result.best_epoch == values.index(max(values)) + 1
    assert evaluate(model, val)[1] == result.best_value
    stored = weights.read_metadata(run.path / "best.safetensors")
    assert stored["class_names"] == ["dark", "bright"] and stored["epoch"] == result.best_epoch
    assert [row["epoch"] for row in run.read_metrics()] == [1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(("keep", "epoch"), [("best", 1), ("last", 4)])
def test_the_last_epoch_may_be_kept_without_choosing(tmp_path, keep, epoch):
    run, model = RunFolder.create("run", root=tmp_path), small_network()
    settings = config(epochs=4, keep=keep, learning_rate=0.5, optimizer="sgd", schedule="constant")
    result = fit(model, batches(), batches(train=False), config=settings, run=run, progress=False)
    values = [row["val_accuracy"] for row in result.history]
    assert values == [values[0]] * 4  # the first of equal ones is the best
    assert result.best_epoch == epoch and result.best_value == values[-1]
    kept, last = (
        weights.read_weights(run.path / "best.safetensors"),
        checkpoint.load_last(run.path / "last.pt"),
    )
    assert checkpoint.digest(kept) == checkpoint.digest(model.state_dict())
    assert (checkpoint.digest(kept) == checkpoint.digest(last["model"])) == (keep == "last")
    assert weights.read_metadata(run.path / "best.safetensors")["epoch"] == epoch


def test_early_stopping_ends_the_run(tmp_path):
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=20, patience=2, metric="val_loss", learning_rate=1e-30)
    result = fit(small_network(), batches(), batches(train=False), config=settings, run=run, progress=False)
    rows = len(result.history)
    assert result.stopped_early and rows == result.best_epoch + 2 < 20


def test_F21_a_loss_that_is_not_finite_stops_at_the_step(tmp_path):
    run = RunFolder.create("run", root=tmp_path)
    calls = []

    def loss(logits, targets):
        calls.append(None)
        value = nn.functional.cross_entropy(logits, targets)
        return value * float("nan") if len(calls) == 5 else value

    settings = config(schedule="constant")
    with pytest.raises(FloatingPointError, match=r"nan in epoch 2, step 2 of 3, at the learning rate 0\.01"):
        fit(
            small_network(),
            batches(),
            batches(train=False),
            config=settings,
            run=run,
            loss_function=loss,
            progress=False,
        )
    assert len(calls) == 5
    assert len(checkpoint.load_last(run.path / "last.pt")["history"]) == 1
    assert np.isfinite(predict(small_network(), batches(train=False)).logits).all()


def test_frozen_backbone_stays_to_the_bit_then_moves(tmp_path):
    model = small_network()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    settings = config(epochs=2, freeze_epochs=1)
    run = RunFolder.create("run", root=tmp_path)
    options = {"config": settings, "run": run, "progress": False}
    fit(model, batches(), batches(train=False), stop_after=1, **options)
    frozen = checkpoint.load_last(run.path / "last.pt")["model"]
    head = {"5.weight", "5.bias"}
    assert {name for name in before if not torch.equal(before[name], frozen[name])} == head
    fit(model, batches(), batches(train=False), resume=True, **options)
    thawed = checkpoint.load_last(run.path / "last.pt")["model"]
    assert all(not torch.equal(before[name], thawed[name]) for name in ("0.weight", "1.running_mean"))


def test_F21_predict_refuses_what_is_not_finite_or_not_in_order():
    model = small_network().eval()
    with torch.no_grad():
        model[-1].bias[0] = float("inf")
    with pytest.raises(FloatingPointError, match=r"40 of 40 pictures .* first is '0\.png'"):
        predict(model, batches(train=False))
    with pytest.raises(ValueError, match="without shuffle and augment"):
        predict(small_network(), batches())


def test_predictions_stay_in_order_and_mode_is_put_back():
    model = small_network().train()
    result = predict(model, batches(37, train=False))
    assert model.training and result.ids == [f"{i}.png" for i in range(37)]
    model.eval()
    alone = torch.cat([model(b.images) for b in batches(37, train=False).epoch()]).detach().numpy()
    np.testing.assert_array_equal(result.logits, alone)
    expected = torch.tensor(alone).double().softmax(1).numpy()
    np.testing.assert_allclose(result.probabilities, expected, rtol=1e-6)
    assert result.predicted_names[0] in result.class_names


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_checkpoint_is_named(tmp_path, damage):
    path = tmp_path / "last.pt"
    checkpoint.save_last(path, {"model": {"w": torch.zeros(100)}})
    content = path.read_bytes()
    path.write_bytes({"cut": content[: len(content) // 2], "empty": b"", "other": b"hello"}[damage])
    with pytest.raises(ValueError, match=r"last\.pt cannot be read"):
        checkpoint.load_last(path)


def test_mixed_batches_train(tmp_path):
    mixed = batches(41)
    mixed.mix = Mixing(num_classes=2, label_smoothing=0.0)
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=2, schedule="constant")
    result = fit(small_network(), mixed, batches(train=False), config=settings, run=run, progress=False)
    assert len(result.history) == 2 and all(0 <= row["train_accuracy"] <= 1 for row in result.history)
    assert mixed[0, 0].targets.shape == (14, 2)
