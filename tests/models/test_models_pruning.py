"""Pruned weights are the smallest and stay zero; narrowed networks compute the same thing."""

import copy

import pytest
import torch
from torch import nn

from course_utils.models.channel_pruning import filter_norms, narrowed, strongest
from course_utils.models.counting import count_macs, count_parameters
from course_utils.models.pruning import make_permanent_, prunable_layers, pruned, sparsity, sparsity_by_layer
from course_utils.models.resnet import resnet
from course_utils.models.simple_cnn import SimpleCNN


def cnn(**options):
    torch.manual_seed(0)
    options = {
        "num_classes": 3,
        "image_size": 16,
        "in_channels": 1,
        "channels": (8, 12),
        "hidden": (10,),
        **options,
    }
    model = SimpleCNN(**options)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.running_mean, -0.5, 0.5)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.normal_(module.weight)
            nn.init.normal_(module.bias)
    return model.eval()


def all_weights(model):
    return torch.cat([layer.weight.detach().flatten() for layer in prunable_layers(model).values()])


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9])
def test_the_smallest_weights_of_the_whole_network_go(share):
    model = cnn()
    before, after = all_weights(model), all_weights(pruned(model, share))
    num_zeros = round(share * len(before))
    assert int((after == 0).sum()) == num_zeros
    assert torch.equal(after[after != 0], before[after != 0])
    if num_zeros:
        assert before[after == 0].abs().max() <= before[after != 0].abs().min()
    assert torch.equal(all_weights(model), before), "the original is left alone"


def test_by_layer_each_loses_the_same_share():
    model = cnn()
    shares = sparsity_by_layer(pruned(model, 0.5, scope="layer"))
    assert list(shares) == ["cnn.0", "cnn.4", "fc.0", "fc.2"]
    assert all(share == pytest.approx(0.5, abs=0.02) for share in shares.values())
    uneven = sparsity_by_layer(pruned(model, 0.5))
    assert max(uneven.values()) - min(uneven.values()) > 0.1
    assert sparsity(pruned(model, 0.5)) == pytest.approx(0.5, abs=0.002)


def test_zeros_stay_zeros_in_training_and_for_good():
    smaller = pruned(cnn(), 0.6).train()
    zeros = all_weights(smaller) == 0
    optimizer = torch.optim.AdamW(smaller.parameters(), lr=0.05, weight_decay=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        smaller(torch.randn(4, 1, 16, 16)).square().sum().backward()
        optimizer.step()
    images = torch.randn(2, 1, 16, 16)
    smaller.eval()
    with torch.no_grad():
        expected = smaller(images)
    before = all_weights(cnn())
    assert make_permanent_(smaller) is smaller
    assert torch.equal(all_weights(smaller) == 0, zeros)
    assert not torch.equal(all_weights(smaller)[~zeros], before[~zeros]), "the others were trained"
    assert smaller.state_dict().keys() == cnn().state_dict().keys()
    with torch.no_grad():
        assert torch.equal(smaller(images), expected)
        assert torch.equal(copy.deepcopy(smaller)(images), expected)
    again = pruned(smaller, 0.8)
    assert sparsity(again) == pytest.approx(0.8, abs=0.002)
    assert ((all_weights(again) == 0) >= zeros).all(), "what was zero stays zero"


def test_other_networks_can_be_pruned_too_and_mistakes_are_named():
    assert sparsity(
        make_permanent_(pruned(resnet(18, num_classes=3, width_factor=0.125), 0.7))
    ) == pytest.approx(0.7, abs=1e-3)
    model = cnn()
    with pytest.raises(ValueError, match="less than 1"):
        pruned(model, 1.0)
    with pytest.raises(ValueError, match="global, layer"):
        pruned(model, 0.5, scope="channel")
    with pytest.raises(ValueError, match="make_permanent_"):
        pruned(pruned(model, 0.5), 0.7)
    with pytest.raises(ValueError, match="no linear layer to prune"):
        pruned(nn.ReLU(), 0.5)
    assert make_permanent_(model) is model


def test_with_nothing_left_out_a_narrowed_network_is_the_same():
    model = cnn(dropout=0.3, kernel=5, activation=nn.Hardswish)
    images = torch.randn(3, 1, 16, 16)
    same = narrowed(model, 0.0)
    with torch.no_grad():
        assert torch.equal(same(images), model(images))
    assert [type(module) for module in same.modules()] == [type(module) for module in model.modules()]


def test_a_narrowed_network_equals_the_original_with_the_weak_channels_silenced():
    """The same network, computed in another way: batch norms that give 0 for the channels that are gone."""
    model = cnn()
    smaller = narrowed(model, 0.5)
    silenced = copy.deepcopy(model)
    for number in (0, 4):
        kept = strongest(filter_norms(silenced.cnn[number]), 0.5)
        gone = [c for c in range(silenced.cnn[number].out_channels) if c not in kept.tolist()]
        assert len(gone) == silenced.cnn[number].out_channels // 2
        with torch.no_grad():
            silenced.cnn[number + 1].weight[gone] = 0
            silenced.cnn[number + 1].bias[gone] = 0
    images = torch.randn(5, 1, 16, 16)
    with torch.no_grad():
        torch.testing.assert_close(smaller(images), silenced(images))
    assert [layer.out_channels for layer in smaller.cnn if isinstance(layer, nn.Conv2d)] == [4, 6]
    assert count_parameters(smaller) < 0.55 * count_parameters(model)
    assert count_macs(smaller, image_size=16, in_channels=1) < 0.5 * count_macs(
        model, image_size=16, in_channels=1
    )


def test_the_strongest_channels_stay_in_their_order():
    norms = torch.tensor([3.0, 0.5, 4.0, 1.0, 2.0])
    assert strongest(norms, 0.4).tolist() == [0, 2, 4]
    assert strongest(norms, 0.99).tolist() == [2]
    filters = nn.Conv2d(2, 3, 3)
    by_hand = [sum(abs(v) for v in filters.weight[i].flatten().tolist()) for i in range(3)]
    torch.testing.assert_close(filter_norms(filters), torch.tensor(by_hand))
    with pytest.raises(ValueError, match="torch-pruning"):
        narrowed(resnet(18, width_factor=0.125), 0.5)
    with pytest.raises(ValueError, match="share is 1"):
        narrowed(cnn(), 1)
