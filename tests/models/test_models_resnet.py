"""ResNet against torchvision's, and the paper's numbers."""

import pytest
import torch
import torchvision
from torch import nn

from course_utils.models import resnet as module
from course_utils.models.resnet import BasicBlock, Bottleneck, ResNet, resnet

PUBLISHED = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}


def num_parameters(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def pair(kind: str, num_classes: int) -> tuple[nn.Module, nn.Module]:
    """Theirs and ours with equal weights: two blocks in the first stage, one in the others, to be quick."""
    blocks = (2, 1, 1, 1)
    reference = torchvision.models.ResNet(
        getattr(torchvision.models.resnet, kind), blocks, num_classes=num_classes
    )
    for layer in reference.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.2, 0.2)
            nn.init.uniform_(layer.running_var, 0.5, 1.5)
    model = ResNet(getattr(module, kind), blocks, num_classes=num_classes)
    model.load_state_dict(reference.state_dict(), strict=True)
    return reference, model


@pytest.mark.parametrize("kind", ["BasicBlock", "Bottleneck"])
def test_outputs_equal_torchvision(kind):
    torch.manual_seed(0)
    reference, model = pair(kind, num_classes=7)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(model.eval()(images), reference.eval()(images), rtol=0, atol=0)


@pytest.mark.parametrize("kind", ["BasicBlock", "Bottleneck"])
def test_gradients_equal_torchvision_in_training(kind):
    torch.manual_seed(1)
    reference, model = pair(kind, num_classes=5)
    images, targets = torch.randn(4, 3, 40, 40), torch.tensor([0, 1, 2, 3])
    for network in (reference, model):
        nn.functional.cross_entropy(network.train()(images), targets).backward()
    expected = dict(reference.named_parameters())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name].grad)


@pytest.mark.parametrize(("depth", "published"), PUBLISHED.items())
def test_names_shapes_and_counts_of_all_depths(depth, published):
    with torch.device("meta"):
        model = getattr(module, f"resnet{depth}")()
        reference = getattr(torchvision.models, f"resnet{depth}")()
    assert num_parameters(model) == published
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in reference.state_dict().items()}


def test_why_bottlenecks_69_632_against_1_179_648():
    """On 256 channels, the weights of the convolutions only, as the paper's figure 5 is usually explained."""

    def convolution_weights(block):
        return sum(layer.weight.numel() for layer in block.modules() if isinstance(layer, nn.Conv2d))

    assert convolution_weights(Bottleneck(256, 64)) == 69_632 == 256 * 64 + 9 * 64 * 64 + 64 * 256
    assert convolution_weights(BasicBlock(256, 256)) == 1_179_648 == 2 * 9 * 256 * 256


@pytest.mark.parametrize("block", [BasicBlock, Bottleneck])
def test_identity_shortcut_passes_the_input_when_the_residual_is_zero(block):
    layer = block(16, 16 // block.expansion).eval()
    last = layer.bn2 if block is BasicBlock else layer.bn3
    nn.init.zeros_(last.weight)
    images = torch.rand(2, 16, 5, 5)
    torch.testing.assert_close(layer(images), images)
    plain = block(16, 16 // block.expansion, shortcut=False).eval()
    nn.init.zeros_((plain.bn2 if block is BasicBlock else plain.bn3).weight)
    assert plain(images).abs().sum() == 0


def test_plain_network_has_no_projections_and_no_shortcuts():
    model = resnet(18, num_classes=4, shortcut=False, width_factor=0.25)
    assert not any("downsample" in name for name in model.state_dict())
    assert not any(block.shortcut for stage in (model.layer1, model.layer4) for block in stage)
    # plain and residual differ by the three projections (convolution and batch norm) alone
    projections = sum(a * b + 2 * b for a, b in [(16, 32), (32, 64), (64, 128)])
    full = resnet(18, num_classes=4, width_factor=0.25)
    assert num_parameters(full) - num_parameters(model) == projections


@pytest.mark.parametrize(("keep", "side"), [(0, 2), (1, 4), (2, 8)])
def test_keep_resolution(keep, side):
    model = resnet(18, num_classes=3, width_factor=0.125, keep_resolution=keep, in_channels=1).train()
    shapes = []
    model.layer4.register_forward_hook(lambda _module, _inputs, output: shapes.append(output.shape[-2:]))
    logits = model(torch.randn(2, 1, 64, 64))
    assert shapes == [(side, side)]
    logits.square().sum().backward()
    assert all(parameter.grad.abs().sum() > 0 for parameter in model.parameters())


def test_any_number_of_stages():
    """The paper's CIFAR networks have three stages; degradation is shown with them."""
    model = ResNet(BasicBlock, (3, 3, 3), num_classes=10, width=16, keep_resolution=2)
    assert model.stage_names == ("layer1", "layer2", "layer3")
    assert model.get_classifier().in_features == 64
    assert model(torch.randn(2, 3, 32, 32)).shape == (2, 10)
    # 0.27 M: the paper's table 6 for 20 layers, plus our projections where the paper pads with zeros
    assert num_parameters(model) == 272_474


def test_errors():
    with pytest.raises(ValueError, match="depth is 20; the paper has 18, 34, 50, 101, 152"):
        resnet(20)
    with pytest.raises(ValueError, match="keep_resolution is 3"):
        resnet(18, keep_resolution=3)
