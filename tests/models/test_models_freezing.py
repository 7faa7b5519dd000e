"""Frozen stays frozen: weights and statistics, through train(), copying and pickling."""

import copy
import pickle

import pytest
import timm
import torch
from torch import nn

from course_utils.models.counting import count_parameters
from course_utils.models.freezing import freeze, hold_batch_norms, set_fine_tuning, unfreeze
from course_utils.models.mobilenet_v3 import mobilenet_v3_small
from course_utils.models.resnet import resnet
from course_utils.models.simple_cnn import SimpleCNN


def small() -> SimpleCNN:
    torch.manual_seed(0)
    return SimpleCNN(num_classes=3, image_size=16, channels=(4, 6), hidden=(5,), dropout=0.2)


def train_a_step(model: nn.Module, side: int = 16) -> None:
    model.train()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    loss = nn.functional.cross_entropy(model(torch.randn(4, 3, side, side) + 1), torch.tensor([0, 1, 2, 0]))
    loss.backward()
    optimizer.step()


def changed(model: nn.Module, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}


def snapshot(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_the_usual_way_drifts():
    """What this module is for: requires_grad alone leaves the statistics running."""
    model = small()
    for parameter in model.cnn.parameters():
        parameter.requires_grad_(False)
    before = snapshot(model)
    train_a_step(model)
    assert "cnn.1.running_mean" in changed(model, before)


def test_frozen_backbone_is_left_as_it_was():
    model = small()
    num_frozen = freeze(model)
    assert num_frozen == count_parameters(model) - count_parameters(model, trainable_only=True)
    assert count_parameters(model, trainable_only=True) == 5 * 3 + 3
    before = snapshot(model)
    for _ in range(3):
        train_a_step(model)
    assert changed(model, before) == {"fc.4.weight", "fc.4.bias"}
    assert model.fc[0].training  # dropout before the head stays a means of training
    assert model.training


@pytest.mark.parametrize("way", ["deepcopy", "pickle"])
def test_copies_stay_frozen_and_apart(way):
    model = small()
    freeze(model)
    twin = copy.deepcopy(model) if way == "deepcopy" else pickle.loads(pickle.dumps(model))
    before, original = snapshot(twin), snapshot(model)
    train_a_step(twin)
    assert changed(twin, before) == {"fc.4.weight", "fc.4.bias"}
    assert changed(model, original) == set()
    unfreeze(twin)
    assert twin.train().cnn[1].training
    assert not model.train().cnn[1].training


def test_until_a_layer_and_step_by_step():
    torch.manual_seed(0)
    model = resnet(18, num_classes=3, width_factor=0.125)
    freeze(model, until="layer4")
    before = snapshot(model)
    train_a_step(model, side=64)
    assert {name.split(".")[0] for name in changed(model, before)} == {"layer4", "fc"}
    freeze(model, until="layer3")  # thaws one stage more
    before = snapshot(model)
    train_a_step(model, side=64)
    assert {name.split(".")[0] for name in changed(model, before)} == {"layer3", "layer4", "fc"}
    freeze(model, until="conv1")
    assert count_parameters(model, trainable_only=True) == count_parameters(model)


def test_unfreeze_brings_everything_back():
    model = small()
    freeze(model)
    model.eval()
    unfreeze(model)
    assert not any(module.training for module in model.modules())  # it stays in the mode it is in
    before = snapshot(model)
    train_a_step(model)
    # a bias before a batch norm has no effect, so its gradient is zero up to rounding
    assert set(before) - changed(model, before) <= {"cnn.0.bias", "cnn.4.bias"}
    assert all("train" not in vars(module) for module in model.modules())


def test_timm_networks_with_their_own_batch_norms():
    torch.manual_seed(0)
    model = timm.create_model("tf_efficientnet_lite0", num_classes=3)
    freeze(model)
    before = snapshot(model)
    train_a_step(model, side=32)
    assert changed(model, before) == {"classifier.weight", "classifier.bias"}


def test_held_batch_norms_keep_their_statistics_while_every_weight_is_trained():
    model = small()
    num_norms = sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())
    assert hold_batch_norms(model) == num_norms > 0
    before = snapshot(model)
    images = torch.randn(6, 3, 16, 16) + 1
    alone, together = model.train().cnn(images[:1]), model.cnn(images)
    torch.testing.assert_close(alone, together[:1], atol=1e-5, rtol=1e-4)  # not normalised by the batch
    train_a_step(model)
    assert changed(model, before) == {name for name, _ in model.named_parameters()}
    unfreeze(model)
    before = snapshot(model)
    train_a_step(model)
    assert {name for name in before if "running" in name} <= changed(model, before)


def test_set_fine_tuning():
    model = mobilenet_v3_small(num_classes=3)
    set_fine_tuning(model, "head")
    assert [name for name, p in model.named_parameters() if p.requires_grad] == [
        "classifier.3.weight",
        "classifier.3.bias",
    ]
    set_fine_tuning(model, "features.11")
    assert count_parameters(model) > count_parameters(model, trainable_only=True) > 200_000
    set_fine_tuning(model, "all")
    assert count_parameters(model) == count_parameters(model, trainable_only=True)
    with pytest.raises(ValueError, match=r"no layer 'feature\.11'; the nearest name is 'features\.11'"):
        set_fine_tuning(model, "feature.11")


def test_state_dict_names_do_not_change():
    model = small()
    names = list(model.state_dict())
    freeze(model)
    assert list(model.state_dict()) == names
