"""A depthwise convolution that stays fast on small maps.

A depthwise 5x5 convolution on a 4x4 map reads mostly padding, and PyTorch's CPU kernel for its backward pass
takes ten times as long there as the arithmetic needs. On so small a map the convolution of a channel is one
matrix from its H * W inputs to its outputs; one batched matrix product does all channels. Same weights, same
result up to rounding; larger maps and other devices use the usual kernel. How large is small depends on the
memory format, since PyTorch's kernel for channels_last is a better one. Notebook 15 measures it.
"""

from functools import lru_cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LARGEST_MAP = 64  # inputs per channel, 8x8, contiguous; above it the matrices cost more than they save
_TO_CHANNELS = (3, 0, 1, 2)  # (B, H, W, C) -> (C, B, H, W)
_TO_PICTURES = (1, 2, 3, 0)  # (C, B, H, W) -> (B, H, W, C)


class DepthwiseConv2d(nn.Conv2d):
    """`nn.Conv2d` with one filter for each channel: (B, C, H, W) to (B, C, H', W'), parameter names
    unchanged.
    """

    def __init__(
        self, channels: int, kernel: int, *, stride: int = 1, padding: int = 0, dilation: int = 1
    ) -> None:
        super().__init__(
            channels, channels, kernel, stride, padding, dilation=dilation, groups=channels, bias=False
        )

    def forward(self, images: Tensor) -> Tensor:
        """Filter each channel of `images` (B, C, H, W) alone."""
        contiguous, channels_last = self._small_and(images)
        if not (contiguous or channels_last) or torch.onnx.is_in_onnx_export():
            return super().forward(images)
        batch, channels, height, width = images.shape
        reads, out_height, out_width = _reads(
            height, width, self.kernel_size[0], self.stride[0], int(self.padding[0]), self.dilation[0]
        )
        matrices = self.weight.flatten(1) @ reads.to(self.weight.dtype)  # (C, K * K) -> (C, HW * H'W')
        matrices = matrices.view(channels, height * width, out_height * out_width)
        if contiguous:
            by_channel = images.flatten(2).transpose(0, 1)  # (B, C, HW) -> (C, B, HW)
            filtered = torch.bmm(by_channel, matrices).transpose(0, 1)  # (C, B, H'W') -> (B, C, H'W')
            return filtered.reshape(batch, channels, out_height, out_width)
        by_channel = _Reordered.apply(images.permute(0, 2, 3, 1), _TO_CHANNELS).flatten(2)  # (C, B, HW)
        filtered = torch.bmm(by_channel, matrices).view(channels, batch, out_height, out_width)
        return _Reordered.apply(filtered, _TO_PICTURES).permute(0, 3, 1, 2)  # (B, C, H', W'), channels_last

    def _small_and(self, images: Tensor) -> tuple[bool, bool]:
        """Tell whether the matrices pay, and the images are contiguous, or channels_last."""
        size = images.shape[2] * images.shape[3]
        if images.device.type != "cpu" or size > LARGEST_MAP:
            return False, False
        if images.is_contiguous():
            return True, False
        # there they pay where the kernel has more taps than the map has pixels
        few = size < self.kernel_size[0] * self.kernel_size[1]
        return False, few and images.is_contiguous(memory_format=torch.channels_last)


class _Reordered(torch.autograd.Function):
    """`values.permute(order)`, copied; so is the gradient: a batched product wants its rows in a row."""

    @staticmethod
    def forward(ctx: Any, values: Tensor, order: tuple[int, ...]) -> Tensor:
        ctx.order = order
        return values.permute(order).contiguous()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        back = [ctx.order.index(axis) for axis in range(len(ctx.order))]
        return gradients[0].permute(back).contiguous(), None


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
