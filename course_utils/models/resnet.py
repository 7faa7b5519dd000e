"""ResNet 18, 34, 50, 101 and 152: layers that learn what to add to their input, so that depth can only help.

Source: He et al. 2015, "Deep residual learning for image recognition", arXiv 1512.03385, table 1. As in
torchvision, a bottleneck halves the map in its 3x3 convolution ("version 1.5"). Parameter names,
initialisation and operations are torchvision's, so its weights load with `load_state_dict(..., strict=True)`
and give the same outputs. Notebook 07 derives the blocks and shows what happens without shortcuts; notebook
08 uses ResNet34.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn


def convolution(in_channels: int, out_channels: int, *, kernel: int, stride: int = 1) -> nn.Conv2d:
    """Return a convolution without bias (a batch norm follows) that keeps the size of the map at stride 1."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False)


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Sequential | None:
    """Return what brings a block's input to its output's shape, or None where they agree (option B)."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        convolution(in_channels, out_channels, kernel=1, stride=stride), nn.BatchNorm2d(out_channels)
    )


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut: (B, in, H, W) to (B, width, H / stride, W / stride)."""

    expansion = 1  # channels out per unit of width

    def __init__(self, in_channels: int, width: int, *, stride: int = 1, shortcut: bool = True) -> None:
        super().__init__()
        self.conv1 = convolution(in_channels, width, kernel=3, stride=stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = convolution(width, width, kernel=3)
        self.bn2 = nn.BatchNorm2d(width)
        self.shortcut = shortcut
        self.downsample = projection(in_channels, width, stride) if shortcut else None

    def forward(self, features: Tensor) -> Tensor:
        """Return relu(residual(features) + features)."""
        residual = self.relu(self.bn1(self.conv1(features)))
        residual = self.bn2(self.conv2(residual))
        if self.shortcut:
            residual += features if self.downsample is None else self.downsample(features)
        return self.relu(residual)


class Bottleneck(nn.Module):
    """Reduce with 1x1, filter with 3x3, widen with 1x1, and a shortcut: (B, in, H, W) to (B, 4 * width, ...).

    On 256 channels (width 64) its convolutions hold 69,632 weights; two 3x3 convolutions there hold
    1,179,648.
    """

    expansion = 4

    def __init__(self, in_channels: int, width: int, *, stride: int = 1, shortcut: bool = True) -> None:
        super().__init__()
        out_channels = width * self.expansion
        self.conv1 = convolution(in_channels, width, kernel=1)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = convolution(width, width, kernel=3, stride=stride)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv3 = convolution(width, out_channels, kernel=1)
        self.bn3 = nn.BatchNorm2d(out_channels)
        self.relu = nn.ReLU(inplace=True)
        self.shortcut = shortcut
        self.downsample = projection(in_channels, out_channels, stride) if shortcut else None

    def forward(self, features: Tensor) -> Tensor:
        """Return relu(residual(features) + features)."""
        residual = self.relu(self.bn1(self.conv1(features)))
        residual = self.relu(self.bn2(self.conv2(residual)))
        residual = self.bn3(self.conv3(residual))
        if self.shortcut:
            residual += features if self.downsample is None else self.downsample(features)
        return self.relu(residual)


class ResNet(nn.Module):
    """Stem, stages of residual blocks, mean over the map, one linear layer.

    `blocks` counts the blocks of each stage; each stage after the first halves the map and doubles the width,
    which starts at `width`. `keep_resolution` is how many of the stem's two halvings are left out: with 1 the
    7x7 convolution of stride 2 becomes a 3x3 of stride 1, with 2 the max pool goes too (the usual form for 32
    px pictures; the divisor falls from 32 to 8). `shortcut=False` leaves out every shortcut and projection:
    the "plain" network of the paper, for the degradation experiment. `dropout` acts before the linear layer
    (0 as published).
    """

    def __init__(
        self,
        block: type[BasicBlock] | type[Bottleneck],
        blocks: Sequence[int],
        *,
        num_classes: int = 1000,
        in_channels: int = 3,
        width: int = 64,
        keep_resolution: int = 0,
        shortcut: bool = True,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if keep_resolution not in (0, 1, 2):
            raise ValueError(f"keep_resolution is {keep_resolution}; the stem has 2 halvings, so 0, 1 or 2")
        kernel, stride = (7, 2) if keep_resolution == 0 else (3, 1)
        self.conv1 = convolution(in_channels, width, kernel=kernel, stride=stride)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.Identity() if keep_resolution == 2 else nn.MaxPool2d(3, stride=2, padding=1)

        channels = width
        self.stage_names = tuple(f"layer{number}" for number in range(1, len(blocks) + 1))
        for index, (name, num_blocks) in enumerate(zip(self.stage_names, blocks, strict=True)):
            stage_width, stride = width * 2**index, 1 if index == 0 else 2
            stage: list[nn.Module] = []
            for position in range(num_blocks):
                stage.append(
                    block(channels, stage_width, stride=stride if position == 0 else 1, shortcut=shortcut)
                )
                channels = stage_width * block.expansion
            self.add_module(name, nn.Sequential(*stage))

        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of `images` (B, in_channels, H, W)."""
        features = self.maxpool(self.relu(self.bn1(self.conv1(images))))
        for name in self.stage_names:
            features = getattr(self, name)(features)
        features = torch.flatten(self.avgpool(features), 1)  # (B, C)
        return self.fc(self.dropout(features))  # (B, num_classes)

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer, the only one that depends on the classes."""
        return self.fc


def _initialise(module: nn.Module) -> None:
    """Start convolutions with He's normal distribution by fan-out; the rest keeps PyTorch's start."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


# Depth: the kind of block and how many of it each of the four stages has (table 1 of the paper).
TABLE: dict[int, tuple[type[BasicBlock] | type[Bottleneck], tuple[int, int, int, int]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
    101: (Bottleneck, (3, 4, 23, 3)),
    152: (Bottleneck, (3, 8, 36, 3)),
}


def resnet(
    depth: int,
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    width_factor: float = 1.0,
    keep_resolution: int = 0,
    shortcut: bool = True,
    dropout: float = 0.0,
) -> ResNet:
    """Return the ResNet of `depth` 18, 34, 50, 101 or 152, randomly initialised.

    `width_factor` scales the number of channels (64 in the first stage); the other arguments are those of
    `ResNet`. ValueError for another depth.
    """
    if depth not in TABLE:
        raise ValueError(f"depth is {depth}; the paper has {', '.join(map(str, TABLE))}")
    block, blocks = TABLE[depth]
    return ResNet(
        block,
        blocks,
        num_classes=num_classes,
        in_channels=in_channels,
        width=max(8, round(64 * width_factor / 8) * 8),
        keep_resolution=keep_resolution,
        shortcut=shortcut,
        dropout=dropout,
    )


# The names of the field, with the keyword arguments of `resnet`.
resnet18 = partial(resnet, 18)
resnet34 = partial(resnet, 34)
resnet50 = partial(resnet, 50)
resnet101 = partial(resnet, 101)
resnet152 = partial(resnet, 152)
