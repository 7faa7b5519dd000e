"""The plain network of Track B: five convolution blocks that halve the map, then three linear layers.

Source: homework 3 of the machine learning course of National Taiwan University (Hung-yi Lee), whose network
for Food-11 has these layers for pictures of 128 x 128 and 11 classes. Here the class count, the picture size
and the widths are arguments. Notebook 05 derives it.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

CHANNELS = (64, 128, 256, 512, 512)
HIDDEN = (1024, 512)


def convolution_block(
    in_channels: int, out_channels: int, *, kernel: int = 3, activation: type[nn.Module] = nn.ReLU
) -> list[nn.Module]:
    """Return convolution, batch norm, activation, 2x2 max pool: (B, in, H, W) to (B, out, H // 2, W // 2)."""
    return [
        nn.Conv2d(in_channels, out_channels, kernel, stride=1, padding=kernel // 2),
        nn.BatchNorm2d(out_channels),
        activation(),
        nn.MaxPool2d(2, 2),
    ]


class SimpleCNN(nn.Module):
    """Convolution blocks of the given `channels`, then linear layers of the `hidden` widths and classes.

    `image_size` is the side in pixels, or (height, width): the first linear layer's size follows from it, so
    the network takes pictures of this size only. `dropout` acts before each linear layer (0 as in the
    homework), `kernel` must be odd; `activation` is a class such as `nn.ReLU`. Each block halves the map, so
    with n blocks a picture needs 2 ** n pixels on each side; a smaller one is a ValueError.
    """

    def __init__(
        self,
        *,
        num_classes: int = 11,
        image_size: int | tuple[int, int] = 128,
        in_channels: int = 3,
        channels: Sequence[int] = CHANNELS,
        hidden: Sequence[int] = HIDDEN,
        kernel: int = 3,
        activation: type[nn.Module] = nn.ReLU,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.image_size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
        smallest = 2 ** len(channels)
        if min(self.image_size) < smallest:
            raise ValueError(
                f"image_size is {self.image_size[0]} x {self.image_size[1]}; {len(channels)} blocks halve it "
                f"{len(channels)} times, so each side needs {smallest} pixels or more (or use fewer channels)"
            )
        if kernel % 2 == 0:
            raise ValueError(f"kernel is {kernel}; it must be odd, or the map would change its size")

        blocks: list[nn.Module] = []
        for width in channels:
            blocks += convolution_block(in_channels, width, kernel=kernel, activation=activation)
            in_channels = width
        self.cnn = nn.Sequential(*blocks)
        self.stage_names = tuple(f"cnn.{4 * number + 3}" for number in range(len(channels)))  # the pools

        in_features = in_channels * (self.image_size[0] // smallest) * (self.image_size[1] // smallest)
        layers: list[nn.Module] = []
        for width in hidden:
            layers += [*_dropout(dropout), nn.Linear(in_features, width), activation()]
            in_features = width
        self.fc = nn.Sequential(*layers, *_dropout(dropout), nn.Linear(in_features, num_classes))

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (B, num_classes) of `images` (B, in_channels, height, width)."""
        if images.shape[-2:] != self.image_size:
            height, width = images.shape[-2:]
            raise ValueError(
                f"the pictures are {height} x {width}, but the network was built for "
                f"{self.image_size[0]} x {self.image_size[1]}: resize them or build it with their image_size"
            )
        features = torch.flatten(self.cnn(images), 1)  # (B, C * H / 32 * W / 32)
        return self.fc(features)  # (B, num_classes)

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer, the only one that depends on the classes."""
        return self.fc[-1]


def _dropout(rate: float) -> list[nn.Module]:
    """Return a dropout layer, or nothing at rate 0, so that the layers keep the homework's numbers."""
    return [nn.Dropout(rate)] if rate > 0 else []


def simple_cnn(
    *,
    num_classes: int = 11,
    image_size: int | tuple[int, int] = 128,
    in_channels: int = 3,
    width_factor: float = 1.0,
    dropout: float = 0.0,
) -> SimpleCNN:
    """Return Track B's network, randomly initialised: 12.8 M parameters at 128 px with 11 classes.

    A `width_factor` of 0.25 needs a sixteenth of the work; widths are rounded to multiples of 8. See
    `SimpleCNN` for the other arguments and for more freedom.
    """
    return SimpleCNN(
        num_classes=num_classes,
        image_size=image_size,
        in_channels=in_channels,
        channels=[_scaled(width, width_factor) for width in CHANNELS],
        hidden=[_scaled(width, width_factor) for width in HIDDEN],
        dropout=dropout,
    )


def _scaled(width: int, width_factor: float) -> int:
    return max(8, round(width * width_factor / 8) * 8)
