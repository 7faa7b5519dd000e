"""The additive twin costs what RDNet costs, and adds."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from course_utils.models.rdnet import MINI, TINY, RDNet
from course_utils.models.rdnet_additive import AdditiveBlock, _block_parameters, additive_twin


def cost(model: nn.Module) -> tuple[int, int]:
    """Parameters without the head, and the multiplications PyTorch's own counter finds."""
    parameters = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("head"))
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        model(torch.zeros(1, 3, 64, 64, device=next(model.parameters()).device))
    return parameters, counter.get_total_flops()


@pytest.mark.parametrize(("sizes", "tolerance"), [(MINI, 0.03), (TINY, 0.06)], ids=["mini", "tiny"])
def test_twin_costs_the_same(sizes, tolerance):
    with torch.device("meta"):
        model, twin = RDNet(sizes), additive_twin(sizes)
    parameters, flops = cost(model)
    twin_parameters, twin_flops = cost(twin)
    assert twin_parameters == pytest.approx(parameters, rel=0.02)
    assert twin_flops == pytest.approx(flops, rel=tolerance)


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
    assert sum(p.numel() for p in block.parameters()) == _block_parameters(12, expansion=4, gate=gate)
    nn.init.ones_(block.gamma)
    torch.testing.assert_close(block(images), images + block.layers(images))
