"""The additive twin costs what RDNet costs, and adds."""

import pytest
import torch
from torch import nn

from course_utils.models.counting import count_macs
from course_utils.models.rdnet import MINI, RDNet
from course_utils.models.rdnet_additive import (
    AdditiveBlock,
    additive_twin,
    block_parameters,
    transition_parameters,
)


def cost(model: nn.Module) -> tuple[int, int]:
    """Parameters without the head, and multiply-accumulates."""
    parameters = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("head"))
    return parameters, count_macs(model, image_size=64)


def test_twin_costs_the_same():
    parameters, macs = cost(RDNet(MINI))
    twin_parameters, twin_macs = cost(additive_twin(MINI))
    assert twin_parameters == pytest.approx(parameters, rel=0.02)
    assert twin_macs == pytest.approx(macs, rel=0.03)


def test_twin_has_the_same_frame():
    small = MINI._replace(patch_size=2)
    model = RDNet(small, num_classes=5, in_channels=1)
    twin = additive_twin(small, num_classes=5, in_channels=1, layer_scale=0.1)
    sizes = {}
    for name, network, stages in (("concat", model, model.dense_stages), ("add", twin, twin.stages)):
        shapes = sizes.setdefault(name, [])
        for stage in stages:
            stage.register_forward_hook(
                lambda _m, _i, output, shapes=shapes: shapes.append(output.shape[-2:])
            )
        assert network(torch.randn(2, 1, 32, 32)).shape == (2, 5)
    assert sizes["add"] == sizes["concat"]
    assert len([m for m in twin.modules() if isinstance(m, AdditiveBlock)]) == 12
    twin.train()(torch.randn(2, 1, 32, 32)).square().sum().backward()
    assert all(p.grad.abs().sum() > 0 for p in twin.parameters())


@pytest.mark.parametrize("gate", [False, True])
def test_block_adds(gate):
    block = AdditiveBlock(12, gate=gate, layer_scale=0.0)
    images = torch.randn(2, 12, 6, 6)
    assert torch.equal(block(images), images)
    assert sum(p.numel() for p in block.parameters()) == block_parameters(12, 12, expansion=4, gate=gate)
    nn.init.ones_(block.gamma)
    torch.testing.assert_close(block(images), images + block.layers(images))


def test_the_formulas_count_rdnet():
    """All parameters of the smaller RDNet but the head's, from the formulas that choose the twin's widths."""
    model, channels = RDNet(MINI), MINI.initial_features
    count = (3 * 16 + 3) * channels
    for index, growth_rate in enumerate(MINI.growth_rates):
        if index > 0:
            count += transition_parameters(channels, channels // 16 * 8, 4)
            channels = channels // 16 * 8
        for _ in range(3):
            count += block_parameters(channels, growth_rate, expansion=4, gate=MINI.gates[index])
            channels += growth_rate
    assert count == sum(p.numel() for name, p in model.named_parameters() if not name.startswith("head"))
