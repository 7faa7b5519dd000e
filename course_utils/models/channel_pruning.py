"""Leave out whole channels: the network that is left is an ordinary, smaller and faster one.

Li et al. 2016, arXiv 1608.08710: a filter with small weights matters little. A channel is held by the filter
that makes it, by its batch norm, and by all that reads it, so all of these shrink together. In a plain chain
of layers, as in `SimpleCNN`, that is easy; shortcuts and concatenations tie channels of many layers together,
and there a library (torch-pruning) follows the ties. Notebook 14 cuts by hand first.
"""

import torch
from torch import Tensor, nn

from course_utils.models.simple_cnn import SimpleCNN


def filter_norms(convolution: nn.Conv2d) -> Tensor:
    """Return the L1 norm of each filter of a convolution: (out_channels,)."""
    return convolution.weight.detach().abs().sum(dim=(1, 2, 3))


def narrowed(model: SimpleCNN, share: float) -> SimpleCNN:
    """Return a `SimpleCNN` without the `share` in [0, 1) of each convolution's channels, those of least norm.

    At least one channel stays in each. The hidden linear layers keep their width; the first one loses the
    columns of the channels that are gone. The weights that stay are copied, so with share 0 the outputs are
    equal. Train the result for a few epochs: it has lost more than single weights. ValueError for another
    network, and for a share outside of [0, 1).
    """
    if not isinstance(model, SimpleCNN):
        raise ValueError(
            f"narrowed cuts a SimpleCNN, got {type(model).__name__}; for others use torch-pruning"
        )
    if not 0 <= share < 1:
        raise ValueError(f"share is {share}; expected at least 0 and less than 1")
    convolutions = [layer for layer in model.cnn if isinstance(layer, nn.Conv2d)]
    norms = [layer for layer in model.cnn if isinstance(layer, nn.BatchNorm2d)]
    kept = [strongest(filter_norms(layer), share) for layer in convolutions]
    linears = [layer for layer in model.fc if isinstance(layer, nn.Linear)]
    smaller = SimpleCNN(
        num_classes=linears[-1].out_features,
        image_size=(model.image_size[0], model.image_size[1]),
        in_channels=convolutions[0].in_channels,
        channels=[len(channels) for channels in kept],
        hidden=[layer.out_features for layer in linears[:-1]],
        kernel=convolutions[0].kernel_size[0],
        activation=type(model.cnn[2]),
        dropout=next((layer.p for layer in model.fc if isinstance(layer, nn.Dropout)), 0.0),
    )
    state = smaller.state_dict()
    read = torch.arange(convolutions[0].in_channels)
    positions = [number for number, layer in enumerate(model.cnn) if isinstance(layer, nn.Conv2d)]
    for position, convolution, norm, channels in zip(positions, convolutions, norms, kept, strict=True):
        state[f"cnn.{position}.weight"] = convolution.weight.detach()[channels][:, read]
        if convolution.bias is not None:
            state[f"cnn.{position}.bias"] = convolution.bias.detach()[channels]
        for name, values in norm.state_dict().items():
            state[f"cnn.{position + 1}.{name}"] = values[channels] if values.ndim else values
        read = channels
    first = next(name for name, layer in model.fc.named_children() if isinstance(layer, nn.Linear))
    for name, values in model.fc.state_dict().items():
        state[f"fc.{name}"] = (
            _columns(values, read, convolutions[-1]) if name == f"{first}.weight" else values
        )
    smaller.load_state_dict(state)
    return smaller.train(model.training)


def strongest(norms: Tensor, share: float) -> Tensor:
    """Return the places of the channels that stay, in their order: int64 (at least one)."""
    num_kept = max(1, round(len(norms) * (1 - share)))
    return norms.topk(num_kept).indices.sort().values


def _columns(weight: Tensor, channels: Tensor, last: nn.Conv2d) -> Tensor:
    """Keep the columns of the first linear layer (out, C * h * w) that read one of `channels`."""
    by_channel = weight.reshape(len(weight), last.out_channels, -1)  # (out, C, h * w)
    return by_channel[:, channels].flatten(1)
