"""The depthwise convolution on small maps equals torch's in value and gradients."""

import pytest
import torch
from torch import nn

from course_utils.models.depthwise import LARGEST_MAP, DepthwiseConv2d
from course_utils.models.mobilenet_v3 import mobilenet_v3_small
from course_utils.models.normalisation import set_batch_norm_momentum


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (4, 4), (3, 5), (8, 8), (9, 9)])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 1, 1), (5, 1, 1), (5, 2, 1), (5, 1, 2)])
def test_value_and_gradients_equal_conv2d(size, kernel, stride, dilation):
    padding = (kernel - 1) // 2 * dilation
    ours = DepthwiseConv2d(6, kernel, stride=stride, padding=padding, dilation=dilation).double()
    usual = nn.Conv2d(6, 6, kernel, stride, padding, dilation=dilation, groups=6, bias=False).double()
    usual.load_state_dict(ours.state_dict())
    images = torch.randn(3, 6, *size, dtype=torch.double)
    ours_in, usual_in = images.clone().requires_grad_(), images.clone().requires_grad_()
    ours_out, usual_out = ours(ours_in), usual(usual_in)
    torch.testing.assert_close(ours_out, usual_out)
    weights = torch.randn_like(usual_out)
    (ours_out * weights).sum().backward()
    (usual_out * weights).sum().backward()
    torch.testing.assert_close(ours_in.grad, usual_in.grad)
    torch.testing.assert_close(ours.weight.grad, usual.weight.grad)


def test_small_maps_take_the_dense_path_and_others_do_not(monkeypatch):
    calls = []
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, images: calls.append(images.shape) or images)
    layer = DepthwiseConv2d(2, 3, padding=1)
    side = int(LARGEST_MAP**0.5)
    layer(torch.zeros(1, 2, side, side))
    layer(torch.zeros(1, 2, 3, 3).contiguous(memory_format=torch.channels_last))
    layer(torch.zeros(1, 2, side + 1, side))
    assert [tuple(shape[2:]) for shape in calls] == [(3, 3), (side + 1, side)]


def test_batch_norm_momentum_is_set_everywhere():
    model = mobilenet_v3_small(num_classes=3)
    number = set_batch_norm_momentum(model, 0.1)
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    assert number == len(norms) == 34 and {norm.momentum for norm in norms} == {0.1}
    with pytest.raises(ValueError, match="momentum is 0"):
        set_batch_norm_momentum(model, 0)
