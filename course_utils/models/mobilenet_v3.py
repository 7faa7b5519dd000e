"""MobileNetV3, small and large: an accurate network for a small compute budget.

Source: Howard et al. 2019, "Searching for MobileNetV3", arXiv 1905.02244, tables 1 and 2;
squeeze-and-excitation is from arXiv 1709.01507. Parameter names, initialisation and operations are
torchvision's, so its weights load with `load_state_dict(..., strict=True)` and give the same outputs.
Notebook 09 derives the blocks.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn

from course_utils.models.depthwise import DepthwiseConv2d
from course_utils.models.pointwise import PointwiseConv2d

# Only ReLU in place: the gradient of the hard swish needs its input, which would be copied first.
_ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "hard_swish": nn.Hardswish,
}


class Row(NamedTuple):
    """One row of the paper's tables: how one inverted residual block is built.

    `expanded` and `out` are channel counts, `activation` is "relu" or "hard_swish", `use_se` asks for
    squeeze-and-excitation. A `dilation` above 1 takes the place of the stride, so the map keeps its size.
    """

    kernel: int
    expanded: int
    out: int
    use_se: bool
    activation: str
    stride: int
    dilation: int = 1


STEM_CHANNELS = 16

SMALL = (  # table 2
    Row(3, 16, 16, True, "relu", 2),
    Row(3, 72, 24, False, "relu", 2),
    Row(3, 88, 24, False, "relu", 1),
    Row(5, 96, 40, True, "hard_swish", 2),
    Row(5, 240, 40, True, "hard_swish", 1),
    Row(5, 240, 40, True, "hard_swish", 1),
    Row(5, 120, 48, True, "hard_swish", 1),
    Row(5, 144, 48, True, "hard_swish", 1),
    Row(5, 288, 96, True, "hard_swish", 2),
    Row(5, 576, 96, True, "hard_swish", 1),
    Row(5, 576, 96, True, "hard_swish", 1),
)

LARGE = (  # table 1
    Row(3, 16, 16, False, "relu", 1),
    Row(3, 64, 24, False, "relu", 2),
    Row(3, 72, 24, False, "relu", 1),
    Row(5, 72, 40, True, "relu", 2),
    Row(5, 120, 40, True, "relu", 1),
    Row(5, 120, 40, True, "relu", 1),
    Row(3, 240, 80, False, "hard_swish", 2),
    Row(3, 200, 80, False, "hard_swish", 1),
    Row(3, 184, 80, False, "hard_swish", 1),
    Row(3, 184, 80, False, "hard_swish", 1),
    Row(3, 480, 112, True, "hard_swish", 1),
    Row(3, 672, 112, True, "hard_swish", 1),
    Row(5, 672, 160, True, "hard_swish", 2),
    Row(5, 960, 160, True, "hard_swish", 1),
    Row(5, 960, 160, True, "hard_swish", 1),
)


def make_divisible(channels: float, divisor: int = 8) -> int:
    """Return the multiple of `divisor` nearest to `channels` that is not more than 10 % smaller.

    Hardware handles channel counts that are multiples of 8 best; 12 gives 16, 20 gives 24, 36 gives 40.
    """
    rounded = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return rounded + divisor if rounded < 0.9 * channels else rounded


class ConvNormActivation(nn.Sequential):
    """Convolution without bias, batch norm, activation: (B, in, H, W) to (B, out, H / stride, W / stride).

    The padding keeps the size of the map at stride 1. `activation=None` leaves the activation out (a linear
    bottleneck). `depthwise` gives each channel one filter of its own; then both channel counts have to be
    equal.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel: int,
        stride: int = 1,
        dilation: int = 1,
        depthwise: bool = False,
        activation: str | None = None,
    ) -> None:
        padding = (kernel - 1) // 2 * dilation
        convolution: nn.Module
        if depthwise:
            convolution = DepthwiseConv2d(
                in_channels, kernel, stride=stride, padding=padding, dilation=dilation
            )
        elif kernel == stride == 1:
            convolution = PointwiseConv2d(in_channels, out_channels)
        else:
            convolution = nn.Conv2d(
                in_channels, out_channels, kernel, stride, padding, dilation=dilation, bias=False
            )
        layers = [convolution, nn.BatchNorm2d(out_channels, eps=0.001, momentum=0.01)]
        if activation is not None:
            layers.append(_ACTIVATIONS[activation]())
        super().__init__(*layers)


class SqueezeExcitation(nn.Module):
    """Weigh each channel by a number in [0, 1] computed from the means of all channels (arXiv 1709.01507).

    MobileNetV3 uses the hard sigmoid relu6(x + 3) / 6 where the original uses the sigmoid: it needs no
    exponential.
    """

    def __init__(self, channels: int, squeeze_channels: int) -> None:
        super().__init__()
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc1 = PointwiseConv2d(channels, squeeze_channels, bias=True)
        self.activation = nn.ReLU()
        self.fc2 = PointwiseConv2d(squeeze_channels, channels, bias=True)
        self.scale_activation = nn.Hardsigmoid()

    def forward(self, features: Tensor) -> Tensor:
        """Return `features` (B, C, H, W) with each channel scaled."""
        scale = self.avgpool(features)  # (B, C, 1, 1)
        scale = self.fc2(self.activation(self.fc1(scale)))
        return self.scale_activation(scale) * features  # (B, C, H, W)


class InvertedResidual(nn.Module):
    """Expand with a 1x1 convolution, filter each channel alone (depthwise), weigh, project back with 1x1.

    "Inverted" because the wide part is inside and the shortcut joins the narrow ends. The shortcut exists
    where the block changes neither the size of the map nor the number of channels.
    """

    def __init__(self, in_channels: int, row: Row) -> None:
        super().__init__()
        self.has_shortcut = row.stride == 1 and in_channels == row.out
        layers: list[nn.Module] = []
        if row.expanded != in_channels:
            layers.append(ConvNormActivation(in_channels, row.expanded, kernel=1, activation=row.activation))
        layers.append(
            ConvNormActivation(
                row.expanded,
                row.expanded,
                kernel=row.kernel,
                stride=1 if row.dilation > 1 else row.stride,
                dilation=row.dilation,
                depthwise=True,
                activation=row.activation,
            )
        )
        if row.use_se:
            layers.append(SqueezeExcitation(row.expanded, make_divisible(row.expanded // 4)))
        layers.append(ConvNormActivation(row.expanded, row.out, kernel=1))
        self.block = nn.Sequential(*layers)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, in, H, W) to (B, out, H / stride, W / stride)."""
        result = self.block(features)
        if self.has_shortcut:
            result += features
        return result


class MobileNetV3(nn.Module):
    """Stem, inverted residual blocks after `rows`, mean over the map, and a head of two linear layers.

    `hidden` is the width between the two linear layers: 1024 for small, 1280 for large. `images` are (B,
    in_channels, H, W).
    """

    def __init__(
        self,
        rows: tuple[Row, ...],
        *,
        hidden: int,
        num_classes: int = 1000,
        in_channels: int = 3,
        dropout: float = 0.2,
        width_factor: float = 1.0,
        keep_resolution: int = 0,
        dilated: bool = False,
    ) -> None:
        super().__init__()
        stem_stride, rows = _strides_taken_out(rows, keep_resolution)
        if dilated:
            rows = tuple(row._replace(dilation=2) if row.out == rows[-1].out else row for row in rows)
        rows = tuple(_scaled(row, width_factor) for row in rows)
        channels = make_divisible(STEM_CHANNELS * width_factor)
        layers: list[nn.Module] = [
            ConvNormActivation(in_channels, channels, kernel=3, stride=stem_stride, activation="hard_swish")
        ]
        for row in rows:
            layers.append(InvertedResidual(channels, row))
            channels = row.out
        layers.append(ConvNormActivation(channels, 6 * channels, kernel=1, activation="hard_swish"))

        hidden = make_divisible(hidden * width_factor)
        self.features = nn.Sequential(*layers)
        self.stage_names = tuple(f"features.{number}" for number in range(len(layers)))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.classifier = nn.Sequential(
            nn.Linear(6 * channels, hidden),
            nn.Hardswish(),
            nn.Dropout(p=dropout, inplace=True),
            nn.Linear(hidden, num_classes),
        )
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of `images` (B, in_channels, H, W)."""
        features = self.features(images)  # (B, 6 * C, h, w)
        features = torch.flatten(self.avgpool(features), 1)  # (B, 6 * C)
        return self.classifier(features)  # (B, num_classes)

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer, the only one that depends on the classes."""
        return self.classifier[-1]


def _strides_taken_out(rows: tuple[Row, ...], keep_resolution: int) -> tuple[int, tuple[Row, ...]]:
    """Return the stem's stride and the rows with the first `keep_resolution` strides of 2 set to 1."""
    strides = [2, *(row.stride for row in rows)]
    of_two = [position for position, stride in enumerate(strides) if stride == 2]
    if not 0 <= keep_resolution <= len(of_two):
        raise ValueError(
            f"keep_resolution is {keep_resolution}; this network has {len(of_two)} strides, so 0 to that"
        )
    for position in of_two[:keep_resolution]:
        strides[position] = 1
    return strides[0], tuple(row._replace(stride=s) for row, s in zip(rows, strides[1:], strict=True))


def _scaled(row: Row, width_factor: float) -> Row:
    expanded = make_divisible(row.expanded * width_factor)
    return row._replace(expanded=expanded, out=make_divisible(row.out * width_factor))


def _initialise(module: nn.Module) -> None:
    """Start as torchvision does: He normal by fan-out for convolutions, 0.01 normal for linear layers."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out")
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, 0, 0.01)
        nn.init.zeros_(module.bias)


def mobilenet_v3_small(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = 0.2,
    width_factor: float = 1.0,
    keep_resolution: int = 0,
    dilated: bool = False,
) -> MobileNetV3:
    """Return MobileNetV3 small (2.54 M parameters with 1000 classes), randomly initialised.

    `keep_resolution` is how many of the first layers of stride 2 get stride 1 instead. As published (0) the
    network divides the size of a picture by 32: good for 224 px, but nothing is left of a 32 px digit. 1
    changes the stem, 2 the first block too (which then has a shortcut), each about four times the work in
    what follows; up to 5. No parameter changes its shape. `width_factor` scales every channel count
    (rounded to multiples of 8). `dropout` acts before the last layer. `dilated` spreads the kernels of the
    last stage instead of halving its map.
    """
    return MobileNetV3(
        SMALL,
        hidden=1024,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width_factor=width_factor,
        keep_resolution=keep_resolution,
        dilated=dilated,
    )


def mobilenet_v3_large(
    *,
    num_classes: int = 1000,
    in_channels: int = 3,
    dropout: float = 0.2,
    width_factor: float = 1.0,
    keep_resolution: int = 0,
    dilated: bool = False,
) -> MobileNetV3:
    """Return MobileNetV3 large (5.48 M parameters with 1000 classes), randomly initialised.

    The arguments are those of `mobilenet_v3_small`; `keep_resolution` 1 changes the stem, 2 the second block
    too.
    """
    return MobileNetV3(
        LARGE,
        hidden=1280,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
        width_factor=width_factor,
        keep_resolution=keep_resolution,
        dilated=dilated,
    )
