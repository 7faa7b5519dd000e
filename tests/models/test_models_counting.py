"""Counts against torchvision's published table and PyTorch's own counter."""

import pytest
import torch
import torchvision
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_utils.models.counting import count_macs, count_parameters
from course_utils.models.factory import OURS
from course_utils.models.freezing import freeze
from course_utils.models.resnet import resnet

TORCHVISION = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "mobilenet_v3_small",
    "mobilenet_v3_large",
]


@pytest.mark.parametrize("name", TORCHVISION)
def test_published_table(name):
    meta = torchvision.models.get_model_weights(name).DEFAULT.meta
    with torch.device("meta"):
        model = OURS[name]()
    assert count_parameters(model) == meta["num_params"]
    assert count_macs(model, image_size=224) / 1e9 == pytest.approx(meta["_ops"], abs=0.0006)


@pytest.mark.parametrize("name", ["simple_cnn", "rdnet_mini", "resnet18"])
def test_equals_pytorchs_counter(name):
    model = OURS[name]().eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 128, 128))
    assert counter.get_total_flops() == 2 * count_macs(model, image_size=128)


def test_by_hand():
    model = nn.Sequential(
        nn.Conv2d(4, 6, 3, stride=2, padding=1, groups=2), nn.Flatten(), nn.Linear(6 * 3 * 2, 5)
    )
    assert count_macs(model, image_size=(6, 4), in_channels=4) == (3 * 2 * 6) * (2 * 9) + 36 * 5


def test_counting_leaves_the_model_alone():
    model = resnet(18, width_factor=0.125, num_classes=2).train()
    freeze(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    count_macs(model, image_size=64)
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    assert count_parameters(model, trainable_only=True) == 64 * 2 + 2
