"""The script that tutorials write to name one picture, for benchmarks to compare with.

    python -m benchmarks.plain_prediction WEIGHTS PICTURE MEAN STD

MobileNetV3 small with 10 classes at 128 px, torchvision's own network and transforms. MEAN and STD are three
numbers each, joined by commas.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import transforms
from torchvision.models import mobilenet_v3_small


def load(weights: Path) -> nn.Module:
    """Give the network with the weights of a safetensors file."""
    model = mobilenet_v3_small(num_classes=10)
    model.load_state_dict(load_file(weights))
    return model.eval()


def answer(model: nn.Module, picture: Path, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """Give the probabilities of the classes (10,)."""
    steps = [transforms.Resize((128, 128)), transforms.ToTensor(), transforms.Normalize(mean, std)]
    image = transforms.Compose(steps)(Image.open(picture).convert("RGB")).unsqueeze(0)
    with torch.no_grad():
        return model(image).softmax(1)[0]


if __name__ == "__main__":
    mean, std = ([float(part) for part in text.split(",")] for text in sys.argv[3:5])
    print(answer(load(Path(sys.argv[1])), Path(sys.argv[2]), mean, std).max().item())
