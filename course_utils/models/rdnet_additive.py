"""RDNet's twin that adds instead of appending: the other arm of "concatenation against addition".

Source: the question is that of arXiv 2403.19588, section 3; with addition the blocks are those of ConvNeXt
(arXiv 2201.03545). The twin has the same stem, the same number of blocks on maps of the same sizes, the same
kind of block and the same head; what differs is how a block's result joins the map. Notebook 11 compares the
two.

A fair comparison needs equal cost. A stage that appends grows from block to block, one that adds keeps its
width; so the twin's widths are chosen, stage after stage, so that the number of parameters up to that stage
is nearest to that of RDNet. All weights but those of the gates and the head are used once per pixel of
maps that have the same sizes in both networks, so that equal parameters mean nearly equal multiplications:
both agree within 3 % for `MINI`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from course_utils.models.convnext_block import DropPath, FeatureBlock
from course_utils.models.rdnet import MINI, Head, Sizes, drop_path_rates, initialise, stem, transition


class AdditiveBlock(nn.Module):
    """Compute as many channels as the map has and add them to it: (B, C, H, W) in and out."""

    def __init__(
        self,
        channels: int,
        *,
        expansion: float = 4.0,
        gate: bool = False,
        layer_scale: float = 1e-6,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.full((channels,), layer_scale))
        self.layers = FeatureBlock(channels, int(channels * expansion / 8) * 8, channels, gate=gate)
        self.drop_path = DropPath(drop_path)

    def forward(self, features: Tensor) -> Tensor:
        """Return `features` plus the block's scaled result."""
        return features + self.drop_path(self.layers(features) * self.gamma.reshape(1, -1, 1, 1))


class AdditiveRDNet(nn.Module):
    """RDNet's frame around additive blocks.

    `widths` are the channels of the stages; `sizes` gives the rest, its growth rates are not used.
    """

    def __init__(
        self,
        widths: Sequence[int],
        sizes: Sizes,
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        layer_scale: float = 1e-6,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        self.stem = stem(in_channels, widths[0], sizes.patch_size)
        rates = drop_path_rates(drop_path, sizes.blocks)
        stages: list[nn.Module] = []
        for index, width in enumerate(widths):
            layers = transition(widths[index - 1], width, halves=sizes.halves[index]) if index > 0 else []
            for rate in rates[index]:
                block = AdditiveBlock(
                    width,
                    expansion=sizes.expansion,
                    gate=sizes.gates[index],
                    layer_scale=layer_scale,
                    drop_path=rate,
                )
                layers.append(block)
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.stage_names = tuple(f"stages.{number}" for number in range(len(stages)))
        self.head = Head(widths[-1], num_classes, dropout)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of `images` (B, in_channels, H, W)."""
        return self.head(self.stages(self.stem(images)))

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer, the only one that depends on the classes."""
        return self.head.fc


def additive_twin(
    sizes: Sizes,
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    layer_scale: float = 1e-6,
    dropout: float = 0.0,
    drop_path: float = 0.0,
) -> AdditiveRDNet:
    """Return the additive network of the cost of `RDNet(sizes)`, randomly initialised; arguments as there."""
    return AdditiveRDNet(
        matching_widths(sizes, in_channels=in_channels),
        sizes,
        num_classes=num_classes,
        in_channels=in_channels,
        layer_scale=layer_scale,
        dropout=dropout,
        drop_path=drop_path,
    )


def rdnet_mini_additive(
    *,
    num_classes: int = 12,
    in_channels: int = 3,
    layer_scale: float = 1e-6,
    dropout: float = 0.0,
    drop_path: float = 0.0,
) -> AdditiveRDNet:
    """Return the additive twin of `rdnet_mini`, randomly initialised: 1.25 M parameters with 12 classes."""
    return additive_twin(
        MINI,
        num_classes=num_classes,
        in_channels=in_channels,
        layer_scale=layer_scale,
        dropout=dropout,
        drop_path=drop_path,
    )


def matching_widths(sizes: Sizes, *, in_channels: int = 3) -> list[int]:
    """Return the widths (multiples of 4) whose parameters up to each stage are nearest to those of RDNet."""
    patch = in_channels * sizes.patch_size**2
    channels = sizes.initial_features
    surplus = (
        -(patch + 3) * channels
    )  # of the twin's parameters over RDNet's, up to the stage; here the stem's
    widths: list[int] = []
    for index, growth_rate in enumerate(sizes.growth_rates):
        gate, area = sizes.gates[index], 4 if sizes.halves[index] else 1
        if index > 0:
            compressed = int(channels * sizes.compression / 8) * 8
            surplus -= transition_parameters(channels, compressed, area)
            channels = compressed
        for _ in range(sizes.blocks[index]):
            surplus -= block_parameters(channels, growth_rate, expansion=sizes.expansion, gate=gate)
            channels += growth_rate
        costs = {}
        for width in range(4, 2049, 4):
            entry = transition_parameters(widths[-1], width, area) if index > 0 else (patch + 3) * width
            block = block_parameters(width, width, expansion=sizes.expansion, gate=gate)
            costs[width] = entry + sizes.blocks[index] * block
        best = min(costs, key=lambda width: abs(surplus + costs[width]))
        surplus += costs[best]
        widths.append(best)
    return widths


def block_parameters(in_channels: int, out_channels: int, *, expansion: float, gate: bool) -> int:
    """Return the parameters of a block: depthwise, norm, two 1x1 convolutions, `gamma`, perhaps a gate."""
    inner = int(in_channels * expansion / 8) * 8
    count = 50 * in_channels + 2 * in_channels + (in_channels + 1) * inner + (inner + 1) * out_channels
    return count + out_channels + (out_channels * out_channels + out_channels if gate else 0)


def transition_parameters(in_channels: int, out_channels: int, area: int) -> int:
    """Return the parameters of a transition whose kernel has `area` pixels: layer norm and convolution."""
    return 2 * in_channels + (area * in_channels + 1) * out_channels
