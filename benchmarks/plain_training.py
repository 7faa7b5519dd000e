"""The loop that tutorials write, for benchmarks to compare with: files, a DataLoader, default settings."""

from collections.abc import Callable, Sequence
from copy import deepcopy

import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from course_utils.data.datasets import PictureSet
from course_utils.models.depthwise import DepthwiseConv2d
from course_utils.models.pointwise import PointwiseConv2d


class PlainPictures(Dataset):
    """Pictures as a tutorial reads them: Pillow, `Resize`, augmentation, `ToTensor`, `Normalize`."""

    def __init__(self, pictures: PictureSet, augment: Sequence[Callable]) -> None:
        self.paths, self.targets, self.mode = pictures.paths, pictures.targets, pictures.mode
        channels = pictures.num_channels
        self.transform = transforms.Compose(
            [
                transforms.Resize(pictures.size),
                *augment,
                transforms.ToTensor(),
                transforms.Normalize([0.5] * channels, [0.5] * channels),
            ]
        )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Give picture and class number."""
        with Image.open(self.paths[index]) as image:
            return self.transform(image.convert(self.mode)), int(self.targets[index])


def plain_loop(model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer) -> tuple[float, int]:
    """Train for an epoch as tutorials do; give the sum of the losses and the number of right answers."""
    criterion = nn.CrossEntropyLoss()
    model.train()
    running_loss, correct = 0.0, 0
    for images, labels in loader:
        optimizer.zero_grad()
        outputs = model(images)
        loss = criterion(outputs, labels)
        loss.backward()
        optimizer.step()
        running_loss += loss.item() * len(images)
        correct += int((outputs.argmax(1) == labels).sum())
    return running_loss, correct


def with_plain_layers(model: nn.Module) -> nn.Module | None:
    """Give a copy with torch's own convolutions for ours, or None if it has none of ours.

    Same weights, same results up to rounding: the network as tutorials build it.
    """
    copied = deepcopy(model)
    layers = dict(copied.named_modules())
    ours = {k: layer for k, layer in layers.items() if isinstance(layer, DepthwiseConv2d | PointwiseConv2d)}
    for name, layer in ours.items():
        parent, _, own = name.rpartition(".")
        plain = nn.Conv2d(
            layer.in_channels,
            layer.out_channels,
            layer.kernel_size,
            layer.stride,
            layer.padding,
            dilation=layer.dilation,
            groups=layer.groups,
            bias=layer.bias is not None,
        )
        plain.load_state_dict(layer.state_dict())
        setattr(copied.get_submodule(parent), own, plain)
    return copied if ours else None
