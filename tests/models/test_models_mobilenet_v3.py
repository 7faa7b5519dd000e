"""MobileNetV3 against torchvision's: same names, same outputs, same gradients."""

import pytest
import torch
import torchvision
from torch import nn

from course_utils.models import depthwise
from course_utils.models.mobilenet_v3 import (
    InvertedResidual,
    Row,
    make_divisible,
    mobilenet_v3_large,
    mobilenet_v3_small,
)
from course_utils.models.pointwise import PointwiseConv2d

PAIRS = [
    (mobilenet_v3_small, torchvision.models.mobilenet_v3_small),
    (mobilenet_v3_large, torchvision.models.mobilenet_v3_large),
]


def random_statistics(model: nn.Module) -> nn.Module:
    """Give batch norms something to do: with fresh statistics a swapped pair of layers would not show."""
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.2, 0.2)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.2, 0.2)
    return model


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
@pytest.mark.parametrize(
    ("options", "their_options"),
    [({}, {}), ({"width_factor": 0.5, "dilated": True}, {"width_mult": 0.5, "dilated": True})],
)
def test_outputs_equal_torchvision(ours, theirs, options, their_options, monkeypatch):
    torch.manual_seed(0)
    reference = random_statistics(theirs(num_classes=7, **their_options)).eval()
    model = ours(num_classes=7, **options).eval()
    model.load_state_dict(reference.state_dict(), strict=True)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = reference(images)
        assert expected.std() > 1e-4  # the comparison means something
        torch.testing.assert_close(model(images), expected)  # small maps: sums in another order
        monkeypatch.setattr(depthwise, "LARGEST_MAP", 0)
        monkeypatch.setattr(PointwiseConv2d, "forward", nn.Conv2d.forward)
        torch.testing.assert_close(model(images), expected, rtol=0, atol=0)  # the same operations


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_gradients_equal_torchvision_in_training(ours, theirs):
    torch.manual_seed(1)
    reference = theirs(num_classes=5, dropout=0.0).train()
    model = ours(num_classes=5, dropout=0.0).train()
    model.load_state_dict(reference.state_dict())
    images, targets = torch.randn(4, 3, 64, 64), torch.tensor([0, 1, 2, 3])
    for network in (reference, model):
        nn.functional.cross_entropy(network(images), targets).backward()
    expected = dict(reference.named_parameters())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(
            parameter.grad, expected[name].grad, msg=lambda text, name=name: f"{name}: {text}"
        )
    for name, buffer in model.named_buffers():
        torch.testing.assert_close(buffer, dict(reference.named_buffers())[name])


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_initialisation_has_torchvision_distribution(ours, theirs):
    torch.manual_seed(2)
    reference = {name: tensor.float() for name, tensor in theirs().state_dict().items()}
    for name, tensor in ours().state_dict().items():
        tensor, expected = tensor.float(), reference[name]
        if tensor.numel() < 2000 or expected.std() == 0:
            bound = 0.0 if expected.numel() == 1 or expected.std() == 0 else expected.std().item()
            assert (tensor.mean() - expected.mean()).abs() <= bound, name
        else:
            assert tensor.std().item() == pytest.approx(expected.std().item(), rel=0.1), name


@pytest.mark.parametrize(
    ("ours", "published"), [(mobilenet_v3_small, 2_542_856), (mobilenet_v3_large, 5_483_032)]
)
def test_parameter_count_is_the_published_one(ours, published):
    assert sum(parameter.numel() for parameter in ours().parameters()) == published


@pytest.mark.parametrize("ours", [mobilenet_v3_small, mobilenet_v3_large])
@pytest.mark.parametrize(("keep", "side"), [(0, 1), (1, 2), (2, 4), (5, 32)])
def test_keep_resolution_takes_strides_out(ours, keep, side):
    model = ours(num_classes=10, keep_resolution=keep).eval()
    with torch.no_grad():
        assert model.features(torch.zeros(1, 3, 32, 32)).shape[-2:] == (side, side)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in ours(num_classes=10).state_dict().items()}


@pytest.mark.parametrize("keep", [-1, 6])
def test_keep_resolution_out_of_range(keep):
    with pytest.raises(ValueError, match=rf"keep_resolution is {keep}.*5 strides"):
        mobilenet_v3_small(keep_resolution=keep)


def test_grey_images_and_gradients_reach_every_parameter():
    model = mobilenet_v3_small(num_classes=10, in_channels=1, keep_resolution=1).train()
    logits = model(torch.randn(4, 1, 32, 32))
    assert logits.shape == (4, 10)
    logits.square().sum().backward()
    without = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert without == []


def test_shortcut_only_where_shapes_agree():
    row = Row(3, 16, 8, False, "relu", 1)
    assert InvertedResidual(8, row).has_shortcut
    assert not InvertedResidual(16, row).has_shortcut
    assert not InvertedResidual(8, row._replace(stride=2)).has_shortcut
    block = InvertedResidual(8, row).eval()
    nn.init.zeros_(block.block[-1][1].weight)  # the projected part becomes zero, so the block is the identity
    images = torch.randn(2, 8, 6, 6)
    torch.testing.assert_close(block(images), images)


def test_classifier_is_the_last_layer():
    assert mobilenet_v3_small(num_classes=4).get_classifier().out_features == 4


@pytest.mark.parametrize(
    ("channels", "expected"), [(12, 16), (20, 24), (36, 40), (3, 8), (11, 16), (18, 24), (64, 64)]
)
def test_make_divisible(channels, expected):
    assert make_divisible(channels) == expected
    assert torchvision.models._utils._make_divisible(channels, 8) == expected
