"""RDNet: a dense network of today, whose blocks append channels to the map instead of adding to it.

Source: Kim et al. 2024, "DenseNets Reloaded: Paradigm Shift Beyond ResNets and ViTs", arXiv 2403.19588.
Against the DenseNet of 2017 (arXiv 1608.06993) its blocks are those of ConvNeXt, the width inside a block
follows the width of its input (times 4) and no longer the growth rate, few blocks of a large growth rate take
the place of many thin ones, and transitions that halve the channels come often. Parameter names,
initialisation and operations are timm's, so timm's `rdnet_tiny` loads with `load_state_dict(...,
strict=True)` and gives the same outputs. Notebook 11 derives the block.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_utils.models.convnext_block import DropPath, FeatureBlock, LayerNorm2d


class DenseBlock(nn.Module):
    """Compute `growth_rate` channels from all channels so far; the caller appends them.

    The inner width is `expansion` times the *input's* width: in DenseNet it was four times the growth rate,
    which starves a wide input. `gamma` scales each new channel and starts at `layer_scale` (arXiv
    2103.17239).
    """

    def __init__(
        self,
        in_channels: int,
        growth_rate: int,
        *,
        expansion: float = 4.0,
        gate: bool = False,
        layer_scale: float = 1e-6,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        inner = int(in_channels * expansion / 8) * 8
        self.gamma = nn.Parameter(torch.full((growth_rate,), layer_scale))
        self.layers = FeatureBlock(in_channels, inner, growth_rate, gate=gate)
        self.drop_path = DropPath(drop_path)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Return (B, growth_rate, H, W) from the maps (B, C_i, H, W) made so far."""
        joined = torch.cat(list(features), 1)  # (B, sum of C_i, H, W)
        new = self.layers(joined)  # (B, growth_rate, H, W)
        return self.drop_path(new * self.gamma.reshape(1, -1, 1, 1))


class DenseStage(nn.Sequential):
    """Blocks that each append `growth_rate` channels: (B, C, H, W) to (B, C + blocks * growth_rate, H, W)."""

    def __init__(
        self,
        in_channels: int,
        growth_rate: int,
        *,
        expansion: float,
        gate: bool,
        layer_scale: float,
        drop_paths: Sequence[float],
    ) -> None:
        super().__init__()
        for index, drop_path in enumerate(drop_paths):
            block = DenseBlock(
                in_channels + index * growth_rate,
                growth_rate,
                expansion=expansion,
                gate=gate,
                layer_scale=layer_scale,
                drop_path=drop_path,
            )
            self.add_module(f"dense_block{index}", block)

    def forward(self, features: Tensor) -> Tensor:
        """Return the input and everything appended to it."""
        maps = [features]
        for block in self:
            maps.append(block(maps))
        return torch.cat(maps, 1)  # (B, C + blocks * growth_rate, H, W)


class Head(nn.Module):
    """Mean over the map, layer norm, dropout, linear layer: (B, C, H, W) to (B, num_classes)."""

    def __init__(self, channels: int, num_classes: int, dropout: float) -> None:
        super().__init__()
        self.norm = LayerNorm2d(channels)
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, features: Tensor) -> Tensor:
        """Return the logits."""
        pooled = self.norm(features.mean((2, 3), keepdim=True))  # (B, C, 1, 1)
        return self.fc(self.drop(pooled.flatten(1)))  # (B, num_classes)


class Sizes(NamedTuple):
    """What distinguishes one RDNet from another; the first four have an entry for each stage.

    `growth_rates` and `blocks` say how many channels a block appends and how many blocks there are; `halves`
    whether the transition before the stage halves the map (the first stage has none: False); `gates` whether
    the blocks end in a squeeze-and-excitation. `patch_size` is the stem's kernel and stride. A block's inner
    width is `expansion` times its input's. A transition keeps the share `compression` of the channels,
    rounded down to a multiple of 8.
    """

    growth_rates: tuple[int, ...]
    blocks: tuple[int, ...]
    halves: tuple[bool, ...]
    gates: tuple[bool, ...]
    initial_features: int
    patch_size: int = 4
    expansion: float = 4.0
    compression: float = 0.5


TINY = Sizes(
    growth_rates=(64, 104, 128, 128, 128, 128, 224),
    blocks=(3,) * 7,
    halves=(False, True, True, False, False, False, True),
    gates=(False, False, True, True, True, True, True),
    initial_features=64,
)
MINI = Sizes(
    growth_rates=(24, 32, 48, 64),
    blocks=(3,) * 4,
    halves=(False, True, True, True),
    gates=(False, False, True, True),
    initial_features=48,
)


class RDNet(nn.Module):
    """Patch stem, dense stages with transitions between them, head. `images` are (B, in_channels, H, W).

    `drop_path` is the rate of the last block; it rises from 0 along the depth. `layer_scale` is the start of
    the blocks' scales: at the published 1e-6 a network trained briefly from scratch hardly uses its blocks at
    first, so short experiments may take a larger one.
    """

    def __init__(
        self,
        sizes: Sizes,
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        layer_scale: float = 1e-6,
        dropout: float = 0.0,
        drop_path: float = 0.0,
    ) -> None:
        super().__init__()
        if len({len(entries) for entries in sizes[:4]}) != 1:
            lengths = ", ".join(f"{name} {len(getattr(sizes, name))}" for name in Sizes._fields[:4])
            raise ValueError(f"the sizes need one entry for each stage, but their lengths are: {lengths}")
        self.sizes = sizes
        channels = sizes.initial_features
        self.stem = stem(in_channels, channels, sizes.patch_size)
        rates = drop_path_rates(drop_path, sizes.blocks)
        stages: list[nn.Module] = []
        for index, growth_rate in enumerate(sizes.growth_rates):
            layers: list[nn.Module] = []
            if index > 0:
                compressed = int(channels * sizes.compression / 8) * 8
                layers = transition(channels, compressed, halves=sizes.halves[index])
                channels = compressed
            stage = DenseStage(
                channels,
                growth_rate,
                expansion=sizes.expansion,
                gate=sizes.gates[index],
                layer_scale=layer_scale,
                drop_paths=rates[index],
            )
            stages.append(nn.Sequential(*layers, stage))
            channels += sizes.blocks[index] * growth_rate
        self.dense_stages = nn.Sequential(*stages)
        self.stage_names = tuple(f"dense_stages.{number}" for number in range(len(stages)))
        self.head = Head(channels, num_classes, dropout)
        self.apply(initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of `images` (B, in_channels, H, W)."""
        return self.head(self.dense_stages(self.stem(images)))

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer, the only one that depends on the classes."""
        return self.head.fc


def stem(in_channels: int, channels: int, patch_size: int) -> nn.Sequential:
    """Return the layers that cut (B, in, H, W) into patches: (B, channels, H / patch, W / patch)."""
    convolution = nn.Conv2d(in_channels, channels, kernel_size=patch_size, stride=patch_size)
    return nn.Sequential(convolution, LayerNorm2d(channels))


def drop_path_rates(last: float, blocks: Sequence[int]) -> list[list[float]]:
    """Return the rate of each block of each stage, rising in equal steps from 0 to `last`."""
    rates = torch.linspace(0, last, sum(blocks), device="cpu")
    return [stage.tolist() for stage in rates.split(list(blocks))]


def transition(in_channels: int, out_channels: int, *, halves: bool) -> list[nn.Module]:
    """Return the layers between two stages: layer norm and a convolution that may halve the map."""
    size = 2 if halves else 1
    return [LayerNorm2d(in_channels), nn.Conv2d(in_channels, out_channels, kernel_size=size, stride=size)]


def initialise(module: nn.Module) -> None:
    """Start as timm does: He's normal distribution by fan-in for convolutions, no bias in the head."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight)
    elif isinstance(module, nn.Linear):
        nn.init.zeros_(module.bias)


def rdnet_tiny(
    *, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.0, drop_path: float = 0.0
) -> RDNet:
    """Return the published tiny RDNet, randomly initialised: 23.9 M parameters with 1000 classes."""
    return RDNet(TINY, num_classes=num_classes, in_channels=in_channels, dropout=dropout, drop_path=drop_path)


def rdnet_mini(
    *,
    num_classes: int = 12,
    in_channels: int = 3,
    layer_scale: float = 1e-6,
    dropout: float = 0.0,
    drop_path: float = 0.0,
) -> RDNet:
    """Return a small RDNet for experiments on a CPU: 1.25 M parameters with 12 classes, no weights."""
    return RDNet(
        MINI,
        num_classes=num_classes,
        in_channels=in_channels,
        layer_scale=layer_scale,
        dropout=dropout,
        drop_path=drop_path,
    )
