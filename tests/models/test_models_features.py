"""Features by hooks equal the layers run by hand."""

import pytest
import timm
import torch
from torch import nn

from course_utils.models.factory import OURS
from course_utils.models.features import feature_layers, features
from course_utils.models.heads import classifier_of
from course_utils.models.resnet import resnet
from course_utils.models.simple_cnn import SimpleCNN


def test_penultimate_features_are_the_heads_input():
    torch.manual_seed(0)
    model = resnet(18, num_classes=5, width_factor=0.25).eval()
    images = torch.randn(3, 3, 64, 64)
    with torch.no_grad():
        result = features(model, images)
        assert torch.equal(result.logits, model(images))
        torch.testing.assert_close(model.fc(result.features), result.logits)
    assert result.features.shape == (3, 128)


def test_features_of_a_layer_are_averaged_over_the_map():
    torch.manual_seed(0)
    model = SimpleCNN(num_classes=2, image_size=16, channels=(4, 6), hidden=(5,)).eval()
    images = torch.randn(2, 3, 16, 16)
    with torch.no_grad():
        by_hand = model.cnn[:4](images).mean((2, 3))
        torch.testing.assert_close(features(model, images, layer="cnn.3").features, by_hand)
        hidden = model.fc[:2](model.cnn(images).flatten(1))
        torch.testing.assert_close(features(model, images, layer="fc.1").features, hidden)
    assert feature_layers(model) == ["cnn.3", "cnn.7", "fc.2"]


def test_hooks_are_removed_and_gradients_flow():
    model = SimpleCNN(num_classes=2, image_size=16, channels=(4, 6), hidden=(5,)).train()
    features(model, torch.randn(2, 3, 16, 16), layer="cnn.3").features.sum().backward()
    assert model.cnn[0].weight.grad is not None
    with pytest.raises(ValueError, match="the network was built for"):
        features(model, torch.randn(2, 3, 20, 20))
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("simple_cnn", {"width_factor": 0.125, "image_size": 64}),
        ("resnet50", {"width_factor": 0.125}),
        ("mobilenet_v3_small", {}),
        ("rdnet_mini", {}),
        ("rdnet_mini_additive", {}),
    ],
)
def test_every_kind_of_ours_lists_its_stages(name, options):
    model = OURS[name](num_classes=4, **options).eval()
    images = torch.zeros(2, 3, 64, 64)
    layers = feature_layers(model)
    assert len(layers) >= 5
    assert layers[-1] == classifier_of(model)[0]
    with torch.no_grad():
        for layer in (layers[0], layers[-2]):
            assert features(model, images, layer=layer).features.shape[0] == 2
        assert features(model, images).features.shape == (2, model.get_classifier().in_features)


@pytest.mark.parametrize(
    ("model", "stage", "width"),
    [
        (lambda: timm.create_model("tf_efficientnet_lite0", num_classes=4), "blocks.4", 112),
        (
            lambda: timm.create_model("vit_tiny_patch16_224", num_classes=4, img_size=64, depth=2),
            "blocks.1",
            192,
        ),
        (
            lambda: timm.models.SwinTransformer(
                img_size=64, num_classes=4, embed_dim=8, depths=(1, 1), num_heads=(1, 1), window_size=4
            ),
            "layers.1",
            16,
        ),
    ],
    ids=["maps", "tokens", "channels last"],
)
def test_timm_networks(model, stage, width):
    model = model().eval()
    images = torch.randn(2, 3, 64, 64)
    assert stage in feature_layers(model)
    with torch.no_grad():
        assert features(model, images, layer=stage).features.shape == (2, width)
        penultimate, logits = features(model, images)
        torch.testing.assert_close(model.get_classifier()(penultimate), logits)


def test_unknown_layer_and_network_without_head():
    with pytest.raises(ValueError, match="no layer 'layer5'; the nearest name is 'layer"):
        features(resnet(18, width_factor=0.125), torch.zeros(1, 3, 32, 32), layer="layer5")
    with pytest.raises(ValueError, match="Conv2d has no single layer that makes the logits"):
        classifier_of(nn.Conv2d(1, 1, 1))


def test_any_network_with_a_linear_layer():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 5), nn.ReLU(), nn.Linear(5, 2))
    assert classifier_of(model)[0] == "3"
    assert feature_layers(model) == ["1", "3"]
    assert features(model, torch.randn(2, 3, 2, 2)).features.shape == (2, 5)
