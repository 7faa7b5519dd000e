"""The 1x1 convolution as a matrix product equals torch's convolution in value and gradients."""

import pytest
import torch
from same_convolution import assert_same_convolution
from torch import nn

from course_utils.models.pointwise import PointwiseConv2d


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5)])
def test_value_and_gradients_equal_conv2d(size, memory_format, bias):
    ours, usual = PointwiseConv2d(6, 4, bias=bias), nn.Conv2d(6, 4, 1, bias=bias)
    assert_same_convolution(ours, usual, size, memory_format)


def test_only_channels_last_takes_the_product(monkeypatch):
    calls = []
    monkeypatch.setattr(nn.Conv2d, "forward", lambda self, images: calls.append(images.shape) or images)
    layer, images = PointwiseConv2d(2, 3), torch.zeros(2, 2, 3, 3)
    layer(images)
    assert layer(images.contiguous(memory_format=torch.channels_last)).shape == (2, 3, 3, 3)
    assert calls == [images.shape]


def test_it_starts_as_a_convolution_does():
    torch.manual_seed(0)
    usual = nn.Conv2d(5, 7, 1, bias=True)
    torch.manual_seed(0)
    ours = PointwiseConv2d(5, 7, bias=True)
    for own, expected in zip(ours.parameters(), usual.parameters(), strict=True):
        assert torch.equal(own, expected)
