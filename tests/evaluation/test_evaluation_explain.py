"""Grad-CAM against finite differences; occlusion against a network that one can see through."""

import pytest
import timm
import torch
from torch import nn

from course_utils.evaluation.explain import grad_cam, occlusion_map
from course_utils.models.factory import OURS
from course_utils.models.freezing import freeze
from course_utils.models.resnet import resnet


class Tiny(nn.Module):
    """Convolution, in-place ReLU, mean, linear: small enough to compute Grad-CAM by hand."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 3, 3, padding=1)
        self.relu = nn.ReLU(inplace=True)
        self.mix = nn.Conv2d(3, 2, 2)
        self.fc = nn.Linear(2, 4)

    def head(self, features):
        return self.fc(torch.tanh(self.mix(torch.relu(features))).mean((2, 3)))

    def forward(self, images):
        return self.fc(torch.tanh(self.mix(self.relu(self.conv(images)))).mean((2, 3)))


@pytest.fixture
def tiny():
    torch.manual_seed(0)
    return Tiny().double().eval()


def by_differences(tiny, images, targets):
    """The definition in words: change each value of the map a little, and see how the score changes."""
    features = tiny.conv(images).detach()
    gradient, step = torch.zeros_like(features), 1e-6
    for place in range(features[0].numel()):
        change = torch.zeros_like(features).flatten(1)
        change[:, place] = step
        up, down = (
            tiny.head(features + change.view_as(features)),
            tiny.head(features - change.view_as(features)),
        )
        slope = ((up - down) / (2 * step)).gather(1, targets[:, None])[:, 0]
        gradient.flatten(1)[:, place] = slope
    maps = torch.zeros(images.shape[0], *features.shape[2:], dtype=torch.float64)
    for channel in range(features.shape[1]):
        maps += gradient[:, channel].mean((1, 2))[:, None, None] * features[:, channel]
    return maps.clamp(min=0)


def test_grad_cam_equals_the_definition(tiny):
    images = torch.randn(3, 1, 5, 6, dtype=torch.float64)
    targets = torch.tensor([3, 0, 1])
    with torch.no_grad():
        expected = by_differences(tiny, images, targets)
    found = grad_cam(tiny, images, layer="conv", targets=targets)
    torch.testing.assert_close(found.raw, expected, rtol=1e-5, atol=1e-8)
    assert found.raw.max() > 0 and found.layer == "conv" and found.targets.tolist() == [3, 0, 1]
    assert found.maps.shape == (3, 5, 6)
    highest = found.raw.amax((1, 2), keepdim=True)
    torch.testing.assert_close(
        found.maps, torch.where(highest > 0, expected / highest.clamp_min(1e-30), 0), rtol=1e-5, atol=1e-7
    )


def test_grad_cam_equals_captum(tiny):
    attribution = pytest.importorskip("captum.attr")
    images, targets = torch.randn(2, 1, 5, 6, dtype=torch.float64), torch.tensor([2, 1])
    theirs = attribution.LayerGradCam(tiny, tiny.mix).attribute(images, targets, relu_attributions=True)
    torch.testing.assert_close(
        grad_cam(tiny, images, layer="mix", targets=targets).raw, theirs[:, 0].detach()
    )


def test_a_network_that_looks_at_one_corner_is_seen_to_do_so():
    model = nn.Sequential(nn.Conv2d(1, 2, 1), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(2, 2)).eval()
    with torch.no_grad():
        model[0].weight.copy_(torch.tensor([1.0, 0.0]).view(2, 1, 1, 1))
        model[0].bias.zero_()
        model[3].weight.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0]]))
    images = torch.zeros(1, 1, 8, 8)
    images[0, 0, 1, 6] = 5.0
    found = grad_cam(model, images, layer="0", targets=torch.tensor([1]))
    assert found.maps[0].argmax() == 1 * 8 + 6
    assert found.maps[0, 1, 6] == 1 and found.maps.sum() == 1
    nothing = grad_cam(model, torch.zeros(1, 1, 8, 8), layer="0", targets=torch.tensor([1]))
    assert (nothing.maps == 0).all()


@pytest.mark.parametrize(
    ("make", "layer"),
    [
        (lambda: OURS["simple_cnn"](num_classes=4, width_factor=0.125, image_size=64), "cnn.19"),
        (lambda: OURS["resnet50"](num_classes=4, width_factor=0.125), "layer4"),
        (lambda: OURS["mobilenet_v3_small"](num_classes=4), "features.12"),
        (lambda: OURS["rdnet_mini"](num_classes=4), None),
        (lambda: OURS["rdnet_mini_additive"](num_classes=4), None),
        (lambda: timm.create_model("tf_efficientnet_lite0", num_classes=4), None),
        (
            lambda: timm.models.SwinTransformer(
                img_size=64, num_classes=4, embed_dim=8, depths=(1, 1), num_heads=(1, 1), window_size=4
            ),
            "layers.1",
        ),
    ],
    ids=["simple_cnn", "resnet", "mobilenet", "rdnet", "additive", "timm", "channels last"],
)
def test_every_kind_of_network(make, layer):
    torch.manual_seed(0)
    model = make().train()
    found = grad_cam(model, torch.randn(2, 3, 64, 64))
    assert found.maps.shape == (2, 64, 64)
    assert found.maps.min() >= 0 and found.maps.max() <= 1 and torch.isfinite(found.maps).all()
    assert layer in (None, found.layer)
    assert all(module.training for module in model.modules())
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(module._forward_hooks for module in model.modules())


def test_modes_of_frozen_parts_and_frozen_weights_are_respected():
    model = resnet(18, num_classes=3, width_factor=0.125)
    freeze(model)
    model.train()
    before = [module.training for module in model.modules()]
    assert not all(before)
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    with torch.no_grad():  # as in an evaluation
        assert grad_cam(model, torch.randn(1, 3, 64, 64), targets=torch.tensor([2])).raw.shape == (1, 2, 2)
    assert [module.training for module in model.modules()] == before


def test_what_has_no_map_is_refused_with_a_way_out():
    model = resnet(18, num_classes=3, width_factor=0.125).eval()
    images = torch.zeros(2, 3, 32, 32)
    with pytest.raises(ValueError, match="the nearest name is 'layer"):
        grad_cam(model, images, layer="layer9")
    with pytest.raises(ValueError, match="a class index for each of the 2"):
        grad_cam(model, images, targets=torch.tensor([1]))
    with pytest.raises(ValueError, match="there are 3 classes"):
        grad_cam(model, images, targets=torch.tensor([1, 3]))
    vit = timm.create_model("vit_tiny_patch16_224", num_classes=4, img_size=32, depth=1).eval()
    with pytest.raises(ValueError, match="occlusion_map"):
        grad_cam(vit, images)
    with pytest.raises(ValueError, match="use occlusion_map"):
        grad_cam(vit, images, layer="blocks.0")
    assert occlusion_map(vit, images, patch=16).maps.shape == (2, 32, 32)


class Reads(nn.Module):
    """The score of class 1 is the pixel at (2, 3); class 0 scores 0."""

    def forward(self, images):
        score = images[:, 0, 2, 3]
        return torch.stack([torch.zeros_like(score), score], dim=1)


def test_occlusion_finds_the_only_pixel_that_counts():
    images = torch.full((2, 1, 7, 9), 2.0)
    found = occlusion_map(Reads(), images, patch=3, stride=2, targets=torch.tensor([1, 0]))
    fall = torch.sigmoid(torch.tensor(2.0)) - 0.5
    rows, columns = [0, 2, 4], [0, 2, 4, 6]
    expected = torch.tensor(
        [[fall if r <= 2 < r + 3 and c <= 3 < c + 3 else 0.0 for c in columns] for r in rows]
    )
    torch.testing.assert_close(found.raw[0], expected)
    torch.testing.assert_close(found.raw[1], -expected)
    assert found.maps.shape == (2, 7, 9)
    assert found.maps[0, 2, 3] == found.maps[0].max() and found.maps[0, 6, 8] == 0
    torch.testing.assert_close(found.maps[0, 2, 3], fall)


def test_occlusion_covers_the_border_and_refuses_gaps():
    images = torch.randn(1, 1, 7, 10)
    assert occlusion_map(Reads(), images, patch=4, stride=4).raw.shape == (1, 2, 3)
    assert torch.isfinite(occlusion_map(Reads(), images, patch=4, stride=4).maps).all()
    for patch, stride in ((8, 1), (0, 1), (3, 4), (3, 0)):
        with pytest.raises(ValueError, match="every pixel is covered"):
            occlusion_map(Reads(), images, patch=patch, stride=stride)
