"""The depthwise convolution on small maps equals torch's in value and gradients."""

import pytest
import torch
from same_convolution import assert_same_convolution
from torch import nn

from course_utils.models import depthwise
from course_utils.models.depthwise import LARGEST_MAP, DepthwiseConv2d
from course_utils.models.mobilenet_v3 import mobilenet_v3_small
from course_utils.models.normalisation import set_batch_norm_momentum

MANY_MAPS = depthwise._MANY_MAPS


@pytest.fixture(autouse=True)
def few_maps_are_enough(monkeypatch):
    """The products are taken for batches of any size; the test of the limit sets it again."""
    monkeypatch.setattr(depthwise, "_MANY_MAPS", 1)


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (4, 4), (3, 5), (8, 8), (9, 9)])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (5, 1, 1), (5, 2, 1), (5, 1, 2)])
@pytest.mark.parametrize("bias", [False, True])
def test_value_and_gradients_equal_conv2d(size, kernel, stride, dilation, memory_format, bias):
    padding = (kernel - 1) // 2 * dilation
    geometry = {"stride": stride, "padding": padding, "dilation": dilation, "bias": bias}
    ours = DepthwiseConv2d(6, kernel, **geometry)
    usual = nn.Conv2d(6, 6, kernel, groups=6, **geometry)
    assert_same_convolution(ours, usual, size, memory_format)


def test_small_maps_take_the_dense_path_and_others_do_not(monkeypatch):
    calls = []
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, images: calls.append(images.shape) or images)
    layer = DepthwiseConv2d(2, 3, padding=1)
    side = int(LARGEST_MAP**0.5)
    layer(torch.zeros(1, 2, side, side))
    layer(torch.zeros(1, 2, side + 1, side))
    assert [tuple(shape[2:]) for shape in calls] == [(side + 1, side)]


def by_product(layer, images):
    """Tell whether the gradient of the filters will be found by a product."""
    return "ProductForFilters" in type(layer(images).grad_fn).__name__


@pytest.mark.parametrize(("kernel", "sides"), [(3, [2]), (5, [2, 3]), (7, [2, 3, 5])])
def test_channels_last_takes_it_for_kernels_larger_than_the_map(kernel, sides):
    layer = DepthwiseConv2d(2, kernel, padding=kernel // 2)
    pictures = {side: torch.zeros(2, 2, side, side) for side in (2, 3, 5, 8, 9)}
    ordered = {k: v.contiguous(memory_format=torch.channels_last) for k, v in pictures.items()}
    assert [side for side, images in ordered.items() if by_product(layer, images)] == sides
    layer.requires_grad_(False)  # nothing to find
    assert not by_product(layer, ordered[2].requires_grad_())


def test_channels_last_takes_it_from_many_maps_on(monkeypatch):
    monkeypatch.setattr(depthwise, "_MANY_MAPS", MANY_MAPS)
    layer = DepthwiseConv2d(128, 5, padding=2)
    enough = MANY_MAPS // 128
    found = [
        by_product(layer, torch.zeros(batch, 128, 4, 4).contiguous(memory_format=torch.channels_last))
        for batch in (enough - 1, enough)
    ]
    assert found == [False, True]


def test_frozen_pictures_or_filters_get_no_gradient_and_the_other_gets_its_own():
    layer, usual = DepthwiseConv2d(3, 5, padding=2), nn.Conv2d(3, 3, 5, padding=2, groups=3, bias=False)
    usual.load_state_dict(layer.state_dict())
    images = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    for each in (layer, usual):
        each(images).square().sum().backward()
    torch.testing.assert_close(layer.weight.grad, usual.weight.grad)
    layer.requires_grad_(False)
    seen = [images.clone().requires_grad_() for _ in range(2)]
    for each, given in zip((layer, usual), seen, strict=True):
        each(given).square().sum().backward()
    torch.testing.assert_close(seen[0].grad, seen[1].grad)


def test_half_precision_by_autocast():
    """The same numbers as the usual layer up to bfloat16's three digits."""
    layer, usual = DepthwiseConv2d(3, 5, padding=2), nn.Conv2d(3, 3, 5, padding=2, groups=3, bias=False)
    usual.load_state_dict(layer.state_dict())
    images = torch.randn(4, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    for each in (layer, usual):
        with torch.autocast("cpu", dtype=torch.bfloat16):
            result = each(images)
        assert result.dtype == torch.bfloat16
        result.float().square().sum().backward()
    torch.testing.assert_close(layer.weight.grad, usual.weight.grad, rtol=2e-2, atol=2e-1)


def test_a_network_learns_the_same_in_both_formats():
    """Double precision: all that is left is rounding, through every layer and back."""
    gradients = []
    torch.manual_seed(0)
    images = torch.randn(4, 3, 64, 64).double()
    for memory_format in (torch.contiguous_format, torch.channels_last):
        torch.manual_seed(1)
        model = mobilenet_v3_small(num_classes=3, dropout=0.0).double().to(memory_format=memory_format)
        nn.functional.cross_entropy(
            model(images.contiguous(memory_format=memory_format)), torch.tensor([0, 1, 2, 0])
        ).backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in model.parameters()]))
    torch.testing.assert_close(gradients[1], gradients[0], rtol=1e-6, atol=1e-9)


def test_batch_norm_momentum_is_set_everywhere():
    model = mobilenet_v3_small(num_classes=3)
    number = set_batch_norm_momentum(model, 0.1)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert number == len(norms) == 34 and {norm.momentum for norm in norms} == {0.1}
    with pytest.raises(ValueError, match="momentum is 0"):
        set_batch_norm_momentum(model, 0)
