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


@pytest.mark.parametrize("name", OURS)
def test_every_network_of_ours_lists_its_stages(name):
    with torch.device("meta"):
        model = OURS[name](num_classes=4).eval()
        images = torch.empty(2, 3, 128, 128)
        layers = feature_layers(model)
        assert len(layers) >= 5
        assert layers[-1] == classifier_of(model)[0]
        for layer in (layers[0], layers[-2]):
            assert features(model, images, layer=layer).features.shape[0] == 2
        in_features = model.get_classifier().in_features
        assert features(model, images).features.shape == (2, in_features)


@pytest.mark.parametrize(
    ("name", "width"),
    [("tf_efficientnet_lite0", 1280), ("vit_tiny_patch16_224", 192), ("swin_tiny_patch4_window7_224", 768)],
)
def test_timm_networks(name, width):
    """Maps, tokens, and maps with the channels last."""
    with torch.device("meta"):
        model = timm.create_model(name, num_classes=4).eval()
        images = torch.empty(2, 3, 224, 224)
        layers = feature_layers(model)
        assert features(model, images).features.shape == (2, width)
        last_stage = features(model, images, layer=layers[-2]).features
    assert last_stage.shape == (2, {"tf_efficientnet_lite0": 320}.get(name, width))


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
