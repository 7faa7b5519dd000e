"""A depthwise convolution that stays fast on small maps.

A depthwise 5x5 convolution on a 4x4 map reads mostly padding, and PyTorch's CPU kernel for its backward pass
takes ten times as long there as the arithmetic needs. On so small a map the convolution of a channel is one
matrix from its H * W inputs to its outputs; one batched matrix product does all channels. Same weights, same
result up to rounding; larger maps and other devices use the usual kernel. Notebook 15 measures it.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LARGEST_MAP = 64  # inputs per channel, 8x8; above it the matrices cost more than they save


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
        batch, channels, height, width = images.shape
        dense = images.device.type == "cpu" and images.is_contiguous() and height * width <= LARGEST_MAP
        if not dense or torch.onnx.is_in_onnx_export():
            return super().forward(images)
        reads, out_height, out_width = _reads(
            height, width, self.kernel_size[0], self.stride[0], int(self.padding[0]), self.dilation[0]
        )
        matrices = self.weight.flatten(1) @ reads.to(self.weight.dtype)  # (C, K * K) -> (C, HW * H'W')
        matrices = matrices.view(channels, height * width, out_height * out_width)
        by_channel = images.flatten(2).transpose(0, 1)  # (B, C, HW) -> (C, B, HW)
        filtered = torch.bmm(by_channel, matrices).transpose(0, 1)  # (C, B, H'W') -> (B, C, H'W')
        return filtered.reshape(batch, channels, out_height, out_width)


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
