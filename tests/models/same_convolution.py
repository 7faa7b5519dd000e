"""What a convolution of ours must share with torch's: values, gradients, memory format."""

import torch
from torch import nn


def assert_same_convolution(
    ours: nn.Conv2d, usual: nn.Conv2d, size: tuple[int, int], memory_format: torch.memory_format
) -> None:
    """Compare them on maps (3, C, *size), in double precision, with the weights of `ours`."""
    ours, usual = ours.double(), usual.double()
    usual.load_state_dict(ours.state_dict(), strict=True)
    images = torch.randn(3, ours.in_channels, *size, dtype=torch.double)
    images = images.contiguous(memory_format=memory_format)
    ours_in, usual_in = images.clone().requires_grad_(), images.clone().requires_grad_()
    ours_out, usual_out = ours(ours_in), usual(usual_in)
    torch.testing.assert_close(ours_out, usual_out)
    weights = torch.randn_like(usual_out)
    (ours_out * weights).sum().backward()
    (usual_out * weights).sum().backward()
    torch.testing.assert_close(ours_in.grad, usual_in.grad)
    for own, expected in zip(ours.parameters(), usual.parameters(), strict=True):
        torch.testing.assert_close(own.grad, expected.grad)
    if memory_format == torch.channels_last and size != (1, 1):  # else the layers around it would copy
        assert ours_out.is_contiguous(memory_format=memory_format)
        assert ours_in.grad.is_contiguous(memory_format=memory_format)
