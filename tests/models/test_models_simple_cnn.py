"""Track B's network against the layers of the homework, written out."""

import pytest
import torch
from torch import nn

from course_utils.models.simple_cnn import SimpleCNN, simple_cnn


class Homework(nn.Module):
    """The network as the homework states it: 128 px, 11 classes, every number typed."""

    def __init__(self):
        super().__init__()
        layers = []
        for narrow, wide in [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512)]:
            layers += [
                nn.Conv2d(narrow, wide, 3, 1, 1),
                nn.BatchNorm2d(wide),
                nn.ReLU(),
                nn.MaxPool2d(2, 2, 0),
            ]
        self.cnn = nn.Sequential(*layers)
        self.fc = nn.Sequential(
            nn.Linear(512 * 4 * 4, 1024), nn.ReLU(), nn.Linear(1024, 512), nn.ReLU(), nn.Linear(512, 11)
        )

    def forward(self, x):
        out = self.cnn(x)
        return self.fc(out.view(out.size(0), -1))


def test_equals_the_homework():
    torch.manual_seed(0)
    reference, model = Homework().eval(), simple_cnn().eval()
    model.load_state_dict(reference.state_dict(), strict=True)
    images = torch.randn(1, 3, 128, 128)
    with torch.no_grad():
        torch.testing.assert_close(model(images), reference(images), rtol=0, atol=0)


def test_parameter_count():
    convolutions = sum(9 * a * b + 3 * b for a, b in [(3, 64), (64, 128), (128, 256), (256, 512), (512, 512)])
    linear = (512 * 16 + 1) * 1024 + 1025 * 512 + 513 * 11
    assert sum(p.numel() for p in simple_cnn().parameters()) == convolutions + linear == 12_833_803


@pytest.mark.parametrize("image_size", [32, 33, 64, (64, 96), (100, 63)])
def test_any_size_trains(image_size):
    model = simple_cnn(num_classes=5, image_size=image_size, in_channels=1, width_factor=0.125, dropout=0.1)
    height, width = (image_size, image_size) if isinstance(image_size, int) else image_size
    logits = model(torch.randn(3, 1, height, width))
    assert logits.shape == (3, 5)
    logits.square().sum().backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
    assert model.get_classifier().weight.grad.abs().sum() > 0


def test_width_factor_scales_every_layer():
    model = simple_cnn(width_factor=0.25, image_size=64)
    assert [m.out_channels for m in model.cnn if isinstance(m, nn.Conv2d)] == [16, 32, 64, 128, 128]
    assert [m.out_features for m in model.fc if isinstance(m, nn.Linear)] == [256, 128, 11]


@pytest.mark.parametrize("image_size", [31, (64, 16)])
def test_too_small_is_an_error(image_size):
    with pytest.raises(ValueError, match="each side needs 32 pixels or more"):
        simple_cnn(image_size=image_size)


def test_other_size_than_built_for_is_an_error():
    with pytest.raises(ValueError, match="the pictures are 64 x 48, but the network was built for 32 x 32"):
        simple_cnn(image_size=32, width_factor=0.125)(torch.randn(1, 3, 64, 48))


def test_deeper_other_kernel_other_activation():
    model = SimpleCNN(num_classes=2, image_size=32, channels=(8, 8), hidden=(), kernel=5, activation=nn.GELU)
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 2)
    assert model.get_classifier().in_features == 8 * 8 * 8
    assert [type(layer) for layer in model.cnn][2] is nn.GELU
    with pytest.raises(ValueError, match="kernel is 4"):
        SimpleCNN(kernel=4)
