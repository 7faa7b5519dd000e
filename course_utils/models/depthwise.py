"""A depthwise convolution that trains fast on small maps.

A depthwise 5x5 convolution on a 4x4 map reads mostly padding, and PyTorch's CPU kernels for its backward pass
take several times as long there as the arithmetic needs. On so small a map the convolution of a channel is
one matrix from its H * W inputs to its outputs; one batched matrix product does all channels. Same weights,
same result up to rounding; larger maps and other devices use the usual kernels.

Which part is slow depends on the memory format. Contiguous: all of it, so forward and backward are products.
Channels_last: only the gradient of the filters, on the smallest maps and with many of them, so only that is
one: which inputs met which outputs, summed over the batch, then added up by the tap that connects them.
Notebook 15 measures it.
"""

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_input

LARGEST_MAP = 64  # inputs per channel, 8x8; above it the matrices cost more than they save
_MANY_MAPS = 8192  # pictures times channels: with fewer, starting the products costs what they save


class DepthwiseConv2d(nn.Conv2d):
    """`nn.Conv2d` with one filter for each channel: (B, C, H, W) to (B, C, H', W'), parameter names
    unchanged.
    """

    def __init__(
        self,
        channels: int,
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        dilation: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__(
            channels, channels, kernel, stride, padding, dilation=dilation, groups=channels, bias=bias
        )

    def forward(self, images: Tensor) -> Tensor:
        """Filter each channel of `images` (B, C, H, W) alone."""
        size = images.shape[2] * images.shape[3]
        if images.device.type != "cpu" or size > LARGEST_MAP or torch.onnx.is_in_onnx_export():
            return super().forward(images)
        if images.is_contiguous():
            filtered = self._as_products(images)
            return filtered if self.bias is None else filtered + self.bias[:, None, None]
        pays = size < self.weight[0].numel() and images.shape[0] * images.shape[1] >= _MANY_MAPS
        needed = self.weight.requires_grad and torch.is_grad_enabled()
        if not (pays and needed) or not images.is_contiguous(memory_format=torch.channels_last):
            return super().forward(images)
        weight = self.weight
        if torch.is_autocast_enabled("cpu"):  # which would cast inside, unseen by the backward pass
            images, weight = (each.to(torch.get_autocast_dtype("cpu")) for each in (images, weight))
        filtered = _ProductForFilters.apply(
            images, weight, self.stride[0], int(self.padding[0]), self.dilation[0]
        )
        return filtered if self.bias is None else filtered + self.bias[:, None, None]

    def _as_products(self, images: Tensor) -> Tensor:
        """Filter contiguous images by a matrix for each channel."""
        batch, channels, height, width = images.shape
        reads, out_height, out_width = _reads(
            height, width, self.kernel_size[0], self.stride[0], int(self.padding[0]), self.dilation[0]
        )
        matrices = self.weight.flatten(1) @ reads.to(self.weight.dtype)  # (C, K * K) -> (C, HW * H'W')
        matrices = matrices.view(channels, height * width, out_height * out_width)
        by_channel = images.flatten(2).transpose(0, 1)  # (B, C, HW) -> (C, B, HW)
        filtered = torch.bmm(by_channel, matrices).transpose(0, 1)  # (C, B, H'W') -> (B, C, H'W')
        return filtered.reshape(batch, channels, out_height, out_width)


class _ProductForFilters(torch.autograd.Function):
    """The convolution of channels_last images; the gradient of its filters is found by a product."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, weight: Tensor, stride: int, padding: int, dilation: int) -> Tensor:
        ctx.save_for_backward(images, weight)
        ctx.geometry = stride, padding, dilation
        return F.conv2d(images, weight, None, stride, padding, dilation, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        images, weight = ctx.saved_tensors
        stride, padding, dilation = ctx.geometry
        of_images = of_weight = None
        if ctx.needs_input_grad[0]:
            geometry = stride, padding, dilation, len(weight)
            of_images = conv2d_input(images.shape, weight, gradient, *geometry)
        if ctx.needs_input_grad[1]:
            reads, _, _ = _reads(*images.shape[2:], weight.shape[-1], stride, padding, dilation)
            inputs, outputs = _by_channel(images), _by_channel(gradient)  # (C, B, HW), (C, B, H'W')
            met = torch.bmm(inputs.transpose(1, 2), outputs).flatten(1)  # (C, HW * H'W')
            of_weight = (met @ reads.t().to(met.dtype)).view_as(weight)  # (C, K * K) before
        return of_images, of_weight, None, None, None


def _by_channel(images: Tensor) -> Tensor:
    """Give (B, C, H, W), channels_last, as (C, B, HW): a copy, since a product wants its rows in a row."""
    return images.permute(1, 0, 2, 3).contiguous().flatten(2)


@lru_cache(maxsize=64)
def _reads(
    height: int, width: int, kernel: int, stride: int, padding: int, dilation: int
) -> tuple[Tensor, int, int]:
    """Return which tap of the kernel connects which input with which output: 0 or 1, (K * K, HW * H'W').

    Found by filtering each single-pixel map with each single-tap kernel. Also returns H' and W'.
    """
    with torch.no_grad():
        taps = torch.eye(kernel * kernel).view(kernel * kernel, 1, kernel, kernel)
        impulses = torch.eye(height * width).view(height * width, 1, height, width)
        answers = F.conv2d(
            impulses, taps, stride=stride, padding=padding, dilation=dilation
        )  # (HW, K*K, H', W')
    out_height, out_width = answers.shape[-2:]
    return answers.transpose(0, 1).reshape(kernel * kernel, -1).contiguous(), out_height, out_width
