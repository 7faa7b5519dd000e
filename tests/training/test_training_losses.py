"""Losses: against torch, timm, torchvision, scikit-learn, and formulas written out in NumPy."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.utils.class_weight import compute_class_weight
from timm.loss import SoftTargetCrossEntropy as TimmSoftTargetCrossEntropy
from torchvision.ops import sigmoid_focal_loss

from course_utils.training.losses import (
    CrossEntropy,
    DistillationLoss,
    FocalLoss,
    SoftTargetCrossEntropy,
    balanced_class_weights,
    build_loss,
)

NUM_CLASSES = 5


@pytest.fixture
def batch():
    """Logits (12, 5) float64, targets (12,) with every class, soft targets (12, 5)."""
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(12, NUM_CLASSES, generator=generator, dtype=torch.double) * 3
    targets = torch.arange(12) % NUM_CLASSES
    soft = torch.rand(12, NUM_CLASSES, generator=generator, dtype=torch.double)
    return logits, targets, soft / soft.sum(dim=1, keepdim=True)


def some_weights(count: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.double) + 0.1


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weighted", [False, True])
def test_class_indices_are_torch_s_cross_entropy(batch, smoothing, weighted):
    logits, targets, _ = batch
    weights = some_weights(NUM_CLASSES) if weighted else None
    ours = build_loss("cross_entropy", label_smoothing=smoothing, class_weights=weights)
    expected = F.cross_entropy(logits, targets, weight=weights, label_smoothing=smoothing)
    torch.testing.assert_close(ours(logits, targets), expected)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_soft_targets_are_torch_s_and_timm_s(batch, smoothing):
    logits, _, soft = batch
    ours = CrossEntropy(label_smoothing=smoothing)(logits, soft)
    torch.testing.assert_close(ours, F.cross_entropy(logits, soft, label_smoothing=smoothing))
    if not smoothing:
        expected = TimmSoftTargetCrossEntropy()(logits, soft)
        torch.testing.assert_close(ours, expected)
        torch.testing.assert_close(SoftTargetCrossEntropy()(logits, soft), expected)


@pytest.mark.parametrize("loss", [CrossEntropy, FocalLoss])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_one_hot_row_is_its_index_also_with_class_weights(batch, loss, smoothing):
    """Torch's own mean differs here by a factor: it divides soft targets by the number of images."""
    logits, targets, _ = batch
    ours = loss(label_smoothing=smoothing, class_weights=some_weights(NUM_CLASSES))
    one_hot = F.one_hot(targets, NUM_CLASSES).double()
    torch.testing.assert_close(ours(logits, one_hot), ours(logits, targets))


def test_soft_target_loss_refuses_class_indices(batch):
    logits, targets, _ = batch
    with pytest.raises(ValueError, match=r"targets have the shape \(12,\).*use CrossEntropy"):
        SoftTargetCrossEntropy()(logits, targets)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_focal_loss_is_its_formula(batch, gamma):
    logits, targets, _ = batch
    weights = some_weights(NUM_CLASSES)
    scores = logits.numpy()
    p = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    p = p[np.arange(12), targets.numpy()]
    w = weights.numpy()[targets.numpy()]
    expected = (w * (1 - p) ** gamma * -np.log(p)).sum() / w.sum()
    ours = build_loss("focal", focal_gamma=gamma, class_weights=weights)
    assert ours(logits, targets).item() == pytest.approx(expected)


def test_focal_loss_without_gamma_is_cross_entropy(batch):
    logits, targets, soft = batch
    options = {"label_smoothing": 0.2, "class_weights": some_weights(NUM_CLASSES)}
    for wanted in (targets, soft):
        torch.testing.assert_close(
            FocalLoss(gamma=0.0, **options)(logits, wanted), CrossEntropy(**options)(logits, wanted)
        )


def test_two_classes_are_torchvision_s_sigmoid_focal_loss():
    """A softmax over (0, x) is a sigmoid of x; its alpha is a class weight, without the division by it."""
    x = torch.linspace(-6, 6, 13, dtype=torch.double)
    targets = torch.arange(13) % 2
    ours = FocalLoss(gamma=2.0, class_weights=torch.tensor([0.75, 0.25], dtype=torch.double))
    total, weight = ours.sum_and_weight(torch.stack([torch.zeros_like(x), x], dim=1), targets)
    expected = sigmoid_focal_loss(x, targets.double(), alpha=0.25, gamma=2.0, reduction="sum")
    torch.testing.assert_close(total, expected)
    assert weight.item() == pytest.approx(7 * 0.75 + 6 * 0.25)


@pytest.mark.parametrize("gamma", [0.5, 2.0])
def test_sure_answers_give_finite_gradients(gamma):
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]], requires_grad=True)
    FocalLoss(gamma=gamma)(logits, torch.tensor([0, 0])).backward()
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0].abs().max() == 0 and logits.grad[1].abs().min() > 0.1


@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
def test_sample_weights_are_repetitions(batch, name):
    logits, targets, soft = batch
    times = torch.tensor([0, 1, 2, 3] * 3)
    loss = build_loss(name, label_smoothing=0.1, class_weights=some_weights(NUM_CLASSES))
    for wanted in (targets, soft):
        repeated = loss(logits.repeat_interleave(times, 0), wanted.repeat_interleave(times, 0))
        torch.testing.assert_close(loss(logits, wanted, sample_weights=times), repeated)
    with pytest.raises(ValueError, match=r"sample_weights has the shape \(3,\); expected \(12,\)"):
        loss(logits, targets, sample_weights=torch.ones(3))


@pytest.mark.parametrize("name", ["cross_entropy", "focal"])
def test_unequal_shares_of_a_batch_add_up_to_the_whole(batch, name):
    logits, targets, _ = batch
    logits.requires_grad_(True)
    loss = build_loss(name, class_weights=some_weights(NUM_CLASSES))
    samples = some_weights(12, seed=2)
    shares = [
        loss.sum_and_weight(logits[a:b], targets[a:b], samples[a:b]) for a, b in ((0, 5), (5, 6), (6, 12))
    ]
    together = sum(total for total, _ in shares) / sum(weight for _, weight in shares)
    whole = loss(logits, targets, samples)
    torch.testing.assert_close(together, whole)
    for_shares, for_whole = (torch.autograd.grad(value, logits)[0] for value in (together, whole))
    torch.testing.assert_close(for_shares, for_whole)


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def test_distillation_is_hinton_s_formula(batch):
    student, targets, _ = batch
    teacher = torch.randn(student.shape, generator=torch.Generator().manual_seed(3), dtype=torch.double) * 3
    alpha, temperature = 0.7, 4.0
    p, q = softmax(teacher.numpy() / temperature), softmax(student.numpy() / temperature)
    divergence = (p * np.log(p / q)).sum(axis=1)
    hard = -np.log(softmax(student.numpy())[np.arange(12), targets.numpy()])
    expected = (1 - alpha) * hard + alpha * temperature**2 * divergence
    loss = DistillationLoss(alpha, temperature)
    assert loss(student, teacher, targets).item() == pytest.approx(expected.mean())
    samples = some_weights(12)
    weighted = np.average(expected, weights=samples.numpy())
    assert loss(student, teacher, targets, sample_weights=samples).item() == pytest.approx(weighted)


def test_distillation_gradients_keep_their_size_and_spare_the_teacher(batch):
    """For a high temperature the gradient nears the difference of centred logits over K, whatever T is."""
    student, targets, _ = batch
    teacher = (student.flip(0) * 0.5).requires_grad_(True)
    student.requires_grad_(True)
    DistillationLoss(1.0, 1000.0)(student, teacher, targets).backward()
    assert teacher.grad is None
    difference = (student - student.mean(1, keepdim=True)) - (teacher - teacher.mean(1, keepdim=True))
    torch.testing.assert_close(
        student.grad, (difference / NUM_CLASSES / len(student)).detach(), rtol=0.02, atol=1e-4
    )


def test_distillation_of_no_teacher_and_of_an_equal_one(batch):
    student, targets, _ = batch
    teacher = student.flip(0)
    torch.testing.assert_close(
        DistillationLoss(0.0, 4.0, label_smoothing=0.1)(student, teacher, targets),
        F.cross_entropy(student, targets, label_smoothing=0.1),
    )
    assert DistillationLoss(1.0, 4.0)(student, student.clone(), targets).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("loss", [CrossEntropy(), FocalLoss()])
def test_half_precision_logits_are_added_up_in_float32(loss):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(64, 10, generator=generator).bfloat16()
    targets = torch.arange(64) % 10
    value = loss(logits, targets)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, loss(logits.float(), targets))


def test_class_weights_travel_with_the_loss_but_are_not_saved():
    loss = build_loss("cross_entropy", class_weights=torch.ones(3))
    assert [name for name, _ in loss.named_buffers()] == ["class_weights"] and not loss.state_dict()


def test_balanced_weights_are_scikit_learn_s():
    counts = np.array([3, 50, 7])
    labels = np.repeat(np.arange(3), counts)
    expected = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    ours = balanced_class_weights(counts)
    np.testing.assert_allclose(ours.numpy(), expected, rtol=1e-6)
    assert (counts * ours.numpy()) == pytest.approx([20, 20, 20])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: build_loss("crossentropy"), "loss is 'crossentropy'.*'cross_entropy'"),
        (lambda: build_loss("focal", focal_gamma=-1), "focal_gamma is -1"),
        (lambda: build_loss("focal", label_smoothing=1.0), "label_smoothing is 1.0"),
        (lambda: CrossEntropy(class_weights=torch.tensor([1.0, -1.0])), "none negative"),
        (lambda: CrossEntropy(class_weights=torch.ones(2, 2)), r"shape \(2, 2\)"),
        (lambda: DistillationLoss(1.5, 4.0), "alpha is 1.5"),
        (lambda: DistillationLoss(0.5, 0.0), "temperature is 0.0"),
        (lambda: balanced_class_weights([3, 0, 2]), r"classes \[1\]"),
        (lambda: balanced_class_weights([]), r"shape \(0,\)"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()
