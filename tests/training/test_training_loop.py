"""The loop: equal to a plain one, resumable to the last bit, stopped by NaN, the best kept."""

import hashlib

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.data.datasets import PictureSet
from course_utils.data.loaders import Batches
from course_utils.data.mixing import Mixing
from course_utils.data.transforms import Augment, RandomAffine
from course_utils.evaluation.predict import predict
from course_utils.models import weights
from course_utils.runs import RunFolder
from course_utils.training import checkpoint
from course_utils.training.config import TrainingConfig
from course_utils.training.loop import evaluate, fit


def bright_or_dark(num_images: int, seed: int = 0) -> PictureSet:
    """Two classes that a small network learns in a few steps: dark and bright noise."""
    generator = np.random.default_rng(seed)
    targets = np.arange(num_images) % 2
    pixels = generator.integers(0, 156, (num_images, 1, 8, 8)) + 100 * targets[:, None, None, None]
    names = [f"{i}.png" for i in range(num_images)]
    return PictureSet(
        [None] * num_images,
        targets,
        names,
        class_names=("dark", "bright"),
        size=(8, 8),
        mode="L",
        decoded=pixels.astype(np.uint8),
    )


def batches(num_images: int = 40, *, train: bool = True, num_workers: int = 0) -> Batches:
    augment = Augment([RandomAffine(degrees=10, translate=0.1)], seed=0) if train else None
    pictures = bright_or_dark(num_images, seed=0 if train else 1)
    return Batches(
        pictures,
        batch_size=16,
        mean=[0.5],
        std=[0.3],
        augment=augment,
        shuffle=train,
        num_workers=num_workers,
    )


def small_network(seed: int = 0, dropout: float = 0.3) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(dropout),
        nn.Linear(256, 2),
    )


def config(**changes) -> TrainingConfig:
    return TrainingConfig(**{"epochs": 3, "learning_rate": 1e-2, "seed": 3, **changes})


def digest(state: dict) -> str:
    flat = hashlib.sha256()
    for name, tensor in sorted(state.items()):
        flat.update(name.encode() + tensor.numpy().tobytes())
    return flat.hexdigest()


def test_equals_a_plain_loop(tmp_path):
    """The usual twelve lines, written out, give the same weights to the last bit."""
    settings = config(epochs=2, clip_norm=0.5, label_smoothing=0.1, optimizer="sgd", schedule="constant")
    run = RunFolder.create("run", root=tmp_path)
    fit(small_network(dropout=0.0), batches(), batches(train=False), config=settings, run=run, progress=False)

    model = small_network(dropout=0.0)
    decayed, others = (
        [p for p in model.parameters() if p.ndim > 1],
        [p for p in model.parameters() if p.ndim == 1],
    )
    groups = [{"params": decayed, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.SGD(groups, lr=1e-2, momentum=0.9, nesterov=True, fused=True)
    for epoch in range(2):
        for images, targets, _ in batches().epoch(epoch):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), targets, label_smoothing=0.1).backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
    last = checkpoint.load_last(run.path / "last.pt")
    assert digest(last["model"]) == digest(model.state_dict())


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("stop_after", [1, 2])
def test_resumed_equals_uninterrupted_to_the_bit(tmp_path, num_workers, stop_after):
    whole, broken = (RunFolder.create(name, root=tmp_path) for name in ("whole", "broken"))
    val = batches(train=False)
    first = fit(small_network(), batches(), val, config=config(), run=whole, progress=False)
    options = {"config": config(), "run": broken, "progress": False}
    fit(small_network(), batches(num_workers=num_workers), val, stop_after=stop_after, **options)
    torch.manual_seed(99)  # the generator of a new process stands anywhere
    resumed = fit(small_network(7), batches(num_workers=num_workers), val, resume=True, **options)
    one, other = (checkpoint.load_last(run.path / "last.pt") for run in (whole, broken))
    assert digest(one["model"]) == digest(other["model"])
    for key, value in one["optimizer"]["state"].items():
        for name, tensor in value.items():
            assert torch.equal(tensor, other["optimizer"]["state"][key][name])
    for row, again in zip(first.history, resumed.history, strict=True):
        assert {**row, "seconds": 0} == {**again, "seconds": 0}
    assert (whole.path / "best.safetensors").read_bytes() == (broken.path / "best.safetensors").read_bytes()


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


def test_early_stopping_ends_the_run(tmp_path):
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=20, patience=2, metric="val_loss", learning_rate=1e-30)
    result = fit(small_network(), batches(), batches(train=False), config=settings, run=run, progress=False)
    rows = len(result.history)
    assert result.stopped_early and rows == result.best_epoch + 2 < 20


def test_a_loss_that_is_not_finite_stops_at_the_step(tmp_path):
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


def test_predict_refuses_what_is_not_finite_or_not_in_order():
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
