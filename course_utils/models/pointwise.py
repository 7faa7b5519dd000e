"""A 1x1 convolution as what it is: one matrix product over the channels of every pixel.

Channels_last stores the channels of a pixel side by side, so a batch of maps already is a matrix with a row
for each pixel, and nothing has to be reordered before the product or after it, in the forward pass or back.
PyTorch's CPU kernels for convolutions may reorder what they read first. Same weights, same result up to
rounding; other formats and devices use the usual kernel. `benchmarks/training_rates.py` measures what the
layers of ours bring together.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class PointwiseConv2d(nn.Conv2d):
    """`nn.Conv2d` of kernel 1 and stride 1: (B, in, H, W) to (B, out, H, W), parameter names unchanged."""

    def __init__(self, in_channels: int, out_channels: int, *, bias: bool = False) -> None:
        super().__init__(in_channels, out_channels, 1, bias=bias)

    def forward(self, images: Tensor) -> Tensor:
        """Combine the channels of each pixel of `images` (B, in, H, W)."""
        is_rows = images.device.type == "cpu" and images.is_contiguous(memory_format=torch.channels_last)
        if not is_rows or torch.onnx.is_in_onnx_export():
            return super().forward(images)
        rows = images.permute(0, 2, 3, 1)  # (B, H, W, in), a view
        combined = F.linear(rows, self.weight.flatten(1), self.bias)  # (B, H, W, out)
        return combined.permute(0, 3, 1, 2)  # (B, out, H, W), channels_last
