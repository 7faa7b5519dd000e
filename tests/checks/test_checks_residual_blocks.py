"""The exercises of notebook 07 against torchvision's ResNets.

Stubs, wrong answers and other right ones of all exercises are tested in test_checks_all.py.
"""

import pytest
import torch
from torchvision.models import resnet as torchvision_resnet

from course_utils import checks
from course_utils.checks import depth_budget
from course_utils.models.counting import count_macs
from course_utils.models.resnet import BasicBlock, ResNet, resnet
from course_utils.models.simple_cnn import simple_cnn


@pytest.fixture(scope="module")
def solution():
    """Give the function that an exercise's solution defines."""
    return lambda name: checks.run_solution(checks.get(name))


def test_every_bottleneck_of_torchvisions_resnet50_is_counted_rightly(solution):
    count = solution("bottleneck_weights")
    with torch.device("meta"):
        blocks = [
            block
            for block in torchvision_resnet.resnet50().modules()
            if isinstance(block, torchvision_resnet.Bottleneck)
        ]
    assert len(blocks) == 16
    for block in blocks:
        weights = sum(parameter.numel() for parameter in block.parameters() if parameter.ndim == 4)
        assert count(block.conv1.in_channels, block.conv1.out_channels, block.stride) == weights


def test_the_two_numbers_of_the_lectures(solution):
    assert solution("bottleneck_weights")(256, 64, 1) == 69_632
    assert 2 * 9 * 256 * 256 == 1_179_648


@pytest.mark.parametrize("stride", [1, 2])
def test_the_sum_is_that_of_torchvisions_block(solution, stride):
    torch.manual_seed(0)
    projection = None
    if stride == 2:
        projection = torch.nn.Sequential(torch.nn.Conv2d(4, 8, 1, 2, bias=False), torch.nn.BatchNorm2d(8))
    block = torchvision_resnet.BasicBlock(4, 4 * stride, stride, projection).eval()
    features = torch.randn(3, 4, 6, 6)

    def branch(x):
        return block.bn2(block.conv2(block.relu(block.bn1(block.conv1(x)))))

    torch.testing.assert_close(solution("add_shortcut")(features, branch, projection), block(features))


@pytest.mark.parametrize("depth", [18, 50])
def test_the_identity_start_is_torchvisions_zero_init_residual(solution, depth):
    start = solution("start_as_identity")
    mine = resnet(depth, num_classes=2, width_factor=0.125)
    for name in mine.stage_names:
        for block in getattr(mine, name):
            start(block)
    with torch.device("meta"):  # its zeros are set by name, so the names tell
        theirs = getattr(torchvision_resnet, f"resnet{depth}")(zero_init_residual=True)
    last = "bn2" if depth == 18 else "bn3"
    expected = [name for name, _ in theirs.named_parameters() if name.endswith(f"{last}.weight")]
    zero = [name for name, p in mine.named_parameters() if name.endswith("weight") and not p.abs().max() > 0]
    assert zero == expected


def test_more_blocks_that_start_as_the_identity_change_no_answer(solution):
    torch.manual_seed(0)
    network = ResNet(BasicBlock, (1, 1), num_classes=3, width=8, keep_resolution=2).eval()
    images = torch.randn(2, 3, 8, 8)
    before = network(images)
    for name in network.stage_names:
        stage = getattr(network, name)
        stage.extend([solution("start_as_identity")(BasicBlock(*(stage[-1].conv2.out_channels,) * 2)).eval()])
    torch.testing.assert_close(network(images), before)


def test_the_budget_is_the_price_of_the_cnn():
    price = count_macs(simple_cnn(num_classes=11, image_size=32, width_factor=0.25), image_size=32)
    assert price <= depth_budget.MAX_MACS <= 1.2 * price
