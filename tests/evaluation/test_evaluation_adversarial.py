"""PGD as a set of invariants, and against linear networks, whose worst point is known."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from course_utils.data.transforms import normalise
from course_utils.evaluation.adversarial import pgd
from course_utils.models.simple_cnn import SimpleCNN

MEAN, STD = (0.4, 0.5, 0.6), (0.2, 0.25, 0.3)


@pytest.fixture
def model():
    torch.manual_seed(0)
    return SimpleCNN(num_classes=4, image_size=16, channels=(6, 8), hidden=(10,), dropout=0.5)


def pictures(count=6):
    images = torch.rand(count, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    images[0] = 0.0  # at the border of what a pixel can be
    images[1] = 1.0
    return images


def loss_of(model, images, targets):
    model.eval()
    with torch.no_grad():
        return F.cross_entropy(model(normalise(images, MEAN, STD)), targets, reduction="none")


@pytest.mark.parametrize("eps", [0.0, 2 / 255, 0.1, 1.0])
@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("options", [{}, {"step_size": 0.5}, {"random_start": False, "steps": 1}])
def test_it_stays_inside_eps_and_inside_the_picture(model, eps, targeted, options):
    images, targets = pictures(), torch.tensor([0, 1, 2, 3, 0, 1])
    changed = pgd(model, images, targets, eps=eps, mean=MEAN, std=STD, targeted=targeted, **options)
    assert changed.shape == images.shape and changed.dtype == images.dtype and not changed.requires_grad
    assert (changed - images).abs().max() <= eps + 1e-6
    assert changed.min() >= 0 and changed.max() <= 1
    if eps == 0:
        assert torch.equal(changed, images)


def test_the_loss_rises_or_falls_and_more_steps_do_more(model):
    images, targets = pictures(), torch.tensor([0, 1, 2, 3, 0, 1])
    common = {"eps": 0.1, "mean": MEAN, "std": STD, "random_start": False}
    before = loss_of(model, images, targets)
    one, many = (pgd(model, images, targets, steps=steps, **common) for steps in (1, 20))
    assert (loss_of(model, many, targets) > before).all()
    assert loss_of(model, many, targets).mean() > loss_of(model, one, targets).mean() - 1e-6
    wanted = pgd(model, images, targets, targeted=True, **common)
    assert (loss_of(model, wanted, targets) < before).all()


@pytest.mark.parametrize("targeted", [False, True])
def test_on_a_linear_network_it_reaches_the_worst_point(targeted):
    torch.manual_seed(0)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(3 * 4 * 4, 2))
    images, targets, eps = torch.rand(5, 3, 4, 4), torch.tensor([0, 1, 0, 1, 0]), 0.2
    weight = linear[1].weight.detach()
    away = (weight[1 - targets] - weight[targets]).view(5, 3, 4, 4)  # the direction in which the loss rises
    worst = (images + (-1 if targeted else 1) * eps * away.sign()).clamp(0, 1)
    changed = pgd(linear, images, targets, eps=eps, mean=MEAN, std=STD, steps=10, targeted=targeted)
    torch.testing.assert_close(changed, worst)


def test_one_step_is_the_fast_gradient_sign_method(model):
    images, targets, eps = pictures()[2:], torch.tensor([2, 3, 0, 1]), 0.03
    model.eval()
    by_hand = images.clone().requires_grad_(True)
    mean, std = torch.tensor(MEAN).view(1, 3, 1, 1), torch.tensor(STD).view(1, 3, 1, 1)
    F.cross_entropy(model((by_hand - mean) / std), targets).backward()
    expected = (images + eps * by_hand.grad.sign()).clamp(0, 1)
    got = pgd(model, images, targets, eps=eps, mean=MEAN, std=STD, steps=1, step_size=eps, random_start=False)
    torch.testing.assert_close(got, expected)


def test_it_leaves_the_network_alone_and_follows_the_seed(model):
    images, targets = pictures(), torch.tensor([0, 1, 2, 3, 0, 1])
    original, state = images.clone(), {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    common = {"eps": 0.1, "mean": MEAN, "std": STD, "steps": 2}
    with torch.no_grad():  # also where gradients are switched off
        first, again = (pgd(model, images, targets, seed=3, **common) for _ in range(2))
    other = pgd(model, images, targets, seed=4, **common)
    assert torch.equal(first, again) and not torch.equal(first, other)
    assert model.training and all(parameter.grad is None for parameter in model.parameters())
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())
    assert torch.equal(images, original)


def test_the_number_of_pictures_does_not_matter(model):
    images, targets = pictures(), torch.tensor([0, 1, 2, 3, 0, 1])
    common = {"eps": 0.1, "mean": MEAN, "std": STD, "random_start": False}
    together = pgd(model, images, targets, **common)
    alone = torch.cat([pgd(model, images[i : i + 1], targets[i : i + 1], **common) for i in range(6)])
    assert (
        (together - alone).abs() > 1e-6
    ).float().mean() < 0.01  # a sign may turn where a gradient is nearly 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"eps": 8}, "write 8/255"),
        ({"eps": -0.1}, "expected 0 to 1"),
        ({"steps": 0}, "steps is 0"),
        ({"step_size": 0.0}, "more than 0"),
        ({"images": torch.randn(6, 3, 16, 16)}, "before normalisation"),
        ({"images": torch.zeros(6, 3, 16, 16, dtype=torch.uint8)}, "Divide uint8 by 255"),
        ({"targets": torch.tensor([1])}, r"targets have the shape \(1,\)"),
    ],
)
def test_what_cannot_be_meant_is_refused(model, change, message):
    options = {"images": pictures(), "targets": torch.zeros(6, dtype=torch.long), "eps": 0.1, **change}
    with pytest.raises(ValueError, match=message):
        pgd(model, options.pop("images"), options.pop("targets"), mean=MEAN, std=STD, **options)
