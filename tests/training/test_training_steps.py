"""One optimiser step: several batches are one, weights count once, a remainder is stepped, too."""

import pytest
import torch
from tiny_training import batches, config, small_network
from torch import nn

from course_utils import runtime
from course_utils.runs import RunFolder
from course_utils.training import checkpoint
from course_utils.training import steps as steps_module
from course_utils.training.assembly import assemble, loss_of
from course_utils.training.loop import fit
from course_utils.training.losses import CrossEntropy, FocalLoss
from course_utils.training.optim import build_optimizer
from course_utils.training.precision import Engine
from course_utils.training.schedules import build_schedule
from course_utils.training.steps import Optimisation, steps_per_epoch, train_epoch

CPU = torch.device("cpu")


def network() -> nn.Module:
    """Without batch norm and dropout, so that a batch is no more than its pictures."""
    torch.manual_seed(1)
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.Tanh(), nn.Linear(8, 2)).double()


class Doubled(nn.Module):
    """Pictures are float32; comparing gradients wants more digits."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = network()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.inner(images.double())


def one_epoch(data, settings, loss=None):
    model = Doubled()
    loss = loss_of(settings, data, loss)
    engine = Engine("float32", "contiguous", {}, "")
    parts = assemble(model, data, config=settings, engine=engine, loss_function=loss, device=CPU)
    steps = []
    sums = train_epoch(model, data, parts, epoch=0, seed=0, device=CPU, on_step=steps.append)
    return model, sums, steps


@pytest.mark.parametrize("class_weights", [None, torch.tensor([1.0, 5.0], dtype=torch.float64)])
def test_accumulated_batches_are_one_batch(class_weights):
    """43 pictures in batches of 9, 9, 9, 8, 8; three make a step, so do the two that are left."""
    data = batches(43, batch_size=9, augment=False)
    sgd = {"optimizer": "sgd", "schedule": "constant", "clip_norm": 0.0, "momentum": 0.0, "weight_decay": 0.0}
    settings = config(epochs=1, accumulation_steps=3, learning_rate=0.5, **sgd)
    model, sums, steps = one_epoch(data, settings, CrossEntropy(class_weights=class_weights))
    assert steps == [27, 16] and steps_per_epoch(data, 3) == 2

    by_hand = Doubled()
    losses, weight = 0.0, 0.0
    for numbers in ([0, 1, 2], [3, 4]):
        images = torch.cat([data[0, number].images for number in numbers])
        targets = torch.cat([data[0, number].targets for number in numbers])
        loss = nn.functional.cross_entropy(by_hand(images), targets, weight=class_weights)
        by_hand.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in by_hand.parameters():
                parameter -= 0.5 * parameter.grad
        total = float(len(targets) if class_weights is None else class_weights[targets].sum())
        losses, weight = losses + loss.item() * total, weight + total
    for ours, theirs in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)
    assert sums.mean_loss == pytest.approx(losses / weight, rel=1e-12) and sums.images == 43


def test_the_schedule_counts_optimiser_steps(tmp_path):
    """A cosine ends at zero after the last step: counted in batches it would stand at a third."""
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=2, accumulation_steps=2, schedule="cosine", optimizer="sgd")
    fit(small_network(), batches(43), batches(train=False), config=settings, run=run, progress=False)
    groups = checkpoint.load_last(run.path / "last.pt")["optimizer"]["param_groups"]
    assert [group["lr"] for group in groups] == pytest.approx([0.0, 0.0], abs=1e-12)


def weighed_by_class(weights, targets, *, accumulation=2):
    """Train for an epoch with SGD, pictures in their order, batches of 4; give all it was and gave."""
    data = batches(len(targets), batch_size=4, augment=False)
    data.shuffle = False
    data.pictures.targets[:] = targets
    sgd = {"optimizer": "sgd", "momentum": 0.0, "weight_decay": 0.1, "clip_norm": 0.0, "schedule": "constant"}
    settings = config(epochs=1, accumulation_steps=accumulation, learning_rate=0.5, **sgd)
    loss = CrossEntropy(class_weights=torch.tensor(weights))
    return data, loss, *one_epoch(data, settings, loss)


def test_a_batch_that_weighs_nothing_adds_nothing():
    """The second batch holds only class 0, whose weight is 0: its own mean would be 0 / 0."""
    targets = [0, 1, 1, 0, 0, 0, 0, 0]
    data, loss, model, sums, steps = weighed_by_class([0.0, 2.0], targets)
    assert steps == [8] and sums.images == 8 and sums.weight == 4.0
    by_hand = Doubled()
    first = data[0, 0]
    loss(by_hand(first.images), first.targets).backward()
    with torch.no_grad():
        for parameter in by_hand.parameters():
            decay = 0.5 * 0.1 * parameter if parameter.ndim > 1 else 0
            parameter -= 0.5 * parameter.grad + decay
    for ours, theirs in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)
    assert sums.mean_loss == pytest.approx(loss(Doubled()(first.images), first.targets).item(), rel=1e-6)


def test_a_step_that_weighs_nothing_changes_no_weight():
    targets = [0, 0, 0, 0, 0, 1, 1, 0]
    data, loss, model, sums, steps = weighed_by_class([0.0, 1.0], targets, accumulation=1)
    assert steps == [4, 4] and sums.weight == 2.0
    by_hand = Doubled()
    second = data[0, 1]
    loss(by_hand(second.images), second.targets).backward()
    with torch.no_grad():
        for parameter in by_hand.parameters():  # one step with its decay, not two
            parameter -= 0.5 * parameter.grad + (0.5 * 0.1 * parameter if parameter.ndim > 1 else 0)
    for ours, theirs in zip(model.parameters(), by_hand.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-14)


def test_an_epoch_that_weighs_nothing_is_refused():
    with pytest.raises(ValueError, match=r"pictures of epoch 1 weigh nothing.*weight above 0"):
        weighed_by_class([0.0, 1.0], [0] * 8)


def test_the_weight_of_a_batch_is_what_the_loss_says():
    """For a loss that weighs all alike the pictures are counted, without asking it."""
    mixed = torch.tensor([[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]])
    weights = torch.tensor([1.0, 4.0])
    for targets in (torch.tensor([0, 1, 1]), mixed):
        logits = torch.randn(3, 2)
        for loss in (CrossEntropy(), CrossEntropy(class_weights=weights), FocalLoss(label_smoothing=0.1)):
            expected = float(loss.sum_and_weight(logits, targets)[1])
            assert steps_module._weight(loss, targets) == pytest.approx(expected, rel=1e-6)
        assert steps_module._weight(nn.CrossEntropyLoss(), targets) == 3.0


def test_dropout_draws_from_the_seed_of_its_batch():
    """The same numbers as after torch.manual_seed, whatever was drawn before."""
    seen = []

    class Remembering(nn.Dropout):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            dropped = super().forward(images)
            seen.append(dropped.detach().clone())
            return dropped

    data = batches(40, augment=False)
    model = nn.Sequential(Remembering(0.5), nn.Flatten(), nn.Linear(64, 2))
    settings = config(epochs=1)
    loss = loss_of(settings, data)
    engine = Engine("float32", "contiguous", {}, "")
    parts = assemble(model, data, config=settings, engine=engine, loss_function=loss, device=CPU)
    torch.manual_seed(99)
    train_epoch(model, data, parts, epoch=3, seed=7, device=CPU)
    for number in (0, 2):
        torch.manual_seed(runtime.derive_seed(7, "dropout", 3, number))
        torch.testing.assert_close(seen[number], nn.functional.dropout(data[3, number].images, 0.5))


def test_a_loss_that_is_not_finite_changes_no_weight():
    data = batches(40)
    model = small_network()
    settings = config(epochs=1)
    parts = assemble(
        model,
        data,
        config=settings,
        engine=Engine("float32", "contiguous", {}, ""),
        loss_function=lambda logits, targets: logits.sum() * float("inf"),
        device=CPU,
    )
    before = [parameter.clone() for parameter in model.parameters()]
    with pytest.raises(FloatingPointError, match="epoch 3, step 1 of 3"):
        train_epoch(model, data, parts, epoch=2, seed=0, device=CPU)
    assert all(torch.equal(old, new) for old, new in zip(before, model.parameters(), strict=True))


def test_balanced_weights_count_the_training_pictures():
    data = batches(40)
    data.pictures.targets[:] = 0
    data.pictures.targets[:10] = 1
    loss = loss_of(config(class_weights="balanced"), data)
    torch.testing.assert_close(loss.class_weights, torch.tensor([40 / 60, 40 / 20]))


def test_a_loss_is_named_or_given_not_both():
    for option in ({"loss": "focal"}, {"label_smoothing": 0.1}, {"class_weights": "balanced"}):
        with pytest.raises(ValueError, match=f"^{next(iter(option))} is .* a loss_function is given"):
            loss_of(config(**option), batches(), nn.CrossEntropyLoss())


def test_float16_goes_the_same_way(tmp_path):
    """The scaler starts at 65,536 and the gradients are unscaled before they are clipped."""
    run = RunFolder.create("run", root=tmp_path)
    settings = config(epochs=5, precision="float16")
    options = {"config": settings, "run": run, "progress": False}
    result = fit(small_network(), batches(80), batches(60, train=False), **options)
    assert result.best_value > 0.9
    assert checkpoint.load_last(run.path / "last.pt")["scaler"]["scale"] == 65536.0


def test_compiled_weights_have_plain_names(tmp_path, monkeypatch):
    """With a stand-in for torch.compile, which needs a C compiler; like it, it wraps and prefixes names."""

    class Compiled(nn.Module):
        def __init__(self, model: nn.Module) -> None:
            super().__init__()
            self._orig_mod = model

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self._orig_mod(images)

    monkeypatch.setattr(torch, "compile", Compiled)
    digests = []
    for compiled in (False, True):
        run = RunFolder.create("run", root=tmp_path)
        settings = config(epochs=2, compile=compiled, ema_decay=0.9, metric="ema_val_accuracy")
        fit(small_network(), batches(), batches(train=False), config=settings, run=run, progress=False)
        state = checkpoint.load_last(run.path / "last.pt")
        digests.append(checkpoint.digest({key: state[key] for key in ("model", "ema", "history")}))
    assert digests[0] == digests[1]


def test_a_loop_in_short_as_notebooks_write_it():
    """By hand instead of by a configuration: learns, and has no batch size to know of."""
    data, model = batches(80), small_network()
    optimizer = build_optimizer("adamw", model, learning_rate=0.01, weight_decay=0.01)
    schedule = build_schedule("one_cycle", optimizer, total_steps=5 * len(data))
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    parts = Optimisation(nn.CrossEntropyLoss(), optimizer, schedule, scaler, torch.float32, clip_norm=5.0)
    accuracies = []
    for epoch in range(5):
        model.train()
        sums = train_epoch(model, data, parts, epoch=epoch, seed=0, device=CPU)
        accuracies.append(sums.accuracy)
    assert accuracies[-1] > 0.9 > accuracies[0]


def test_batches_of_another_number_of_processes_are_refused(tmp_path):
    half = batches(40)
    half.world_size = 2
    run = RunFolder.create("run", root=tmp_path)
    with pytest.raises(ValueError, match="are for 2 processes, but 1 run"):
        fit(small_network(), half, batches(train=False), config=config(), run=run, progress=False)
