"""ConvNeXt's block and its parts (layer norm, gate, stochastic depth), shared by RDNet and its twin.

Source: Liu et al. 2022, "A ConvNet for the 2020s", arXiv 2201.03545, figure 4, in the form that RDNet (arXiv
2403.19588) gives it. The parameter names and operations are those of timm's `rdnet`. Notebook 11 derives it.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from course_utils.models.depthwise import DepthwiseConv2d


class LayerNorm2d(nn.LayerNorm):
    """Layer norm over the channels of each pixel: (B, C, H, W) in and out."""

    def __init__(self, channels: int) -> None:
        super().__init__(channels, eps=1e-6)

    def forward(self, features: Tensor) -> Tensor:
        """Normalise; `F.layer_norm` works on the last axis, so the channels go there and back."""
        features = features.permute(0, 2, 3, 1)  # (B, H, W, C)
        features = F.layer_norm(features, self.normalized_shape, self.weight, self.bias, self.eps)
        return features.permute(0, 3, 1, 2)  # (B, C, H, W)


class EffectiveSqueezeExcitation(nn.Module):
    """Weigh each channel by a number in [0, 1] from all means, with a single layer (arXiv 1911.06667)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fc = nn.Conv2d(channels, channels, 1)
        self.gate = nn.Hardsigmoid()

    def forward(self, features: Tensor) -> Tensor:
        """Return `features` (B, C, H, W) with each channel scaled."""
        scale = features.mean((2, 3), keepdim=True)  # (B, C, 1, 1)
        return features * self.gate(self.fc(scale))  # (B, C, H, W)


class DropPath(nn.Module):
    """Stochastic depth (arXiv 1603.09382): in training, drop a block's output for some of the pictures.

    What is kept is divided by the probability of being kept, so that the expected output stays the same.
    """

    def __init__(self, rate: float = 0.0) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, features: Tensor) -> Tensor:
        """Return `features` (B, ...) with some pictures' values zero; unchanged in evaluation."""
        if self.rate == 0.0 or not self.training:
            return features
        shape = (features.shape[0],) + (1,) * (features.ndim - 1)
        kept = features.new_empty(shape).bernoulli_(1.0 - self.rate)  # (B, 1, 1, 1)
        return features * kept.div_(1.0 - self.rate)

    def extra_repr(self) -> str:
        """Show the rate when the model is printed."""
        return f"rate={self.rate:.3f}"


class FeatureBlock(nn.Module):
    """7x7 depthwise, layer norm, 1x1 to `inner`, GELU, 1x1 to `out_channels`, perhaps a gate.

    Maps (B, in, H, W) to (B, out, H, W).
    """

    def __init__(self, in_channels: int, inner: int, out_channels: int, *, gate: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = [
            DepthwiseConv2d(in_channels, 7, padding=3, bias=True),
            LayerNorm2d(in_channels),
            nn.Conv2d(in_channels, inner, kernel_size=1),
            nn.GELU(),
            nn.Conv2d(inner, out_channels, kernel_size=1),
        ]
        if gate:
            layers.append(EffectiveSqueezeExcitation(out_channels))
        self.layers = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Return the new features."""
        return self.layers(features)
