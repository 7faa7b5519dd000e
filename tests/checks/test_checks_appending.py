"""The exercises of notebook 11 say what the library says: counts, budgets, scales, shares."""

import numpy as np
import torch

from course_utils import checks
from course_utils.checks.appending import MAX_MACS, MAX_PARAMETERS
from course_utils.models.counting import count_macs, count_parameters
from course_utils.models.rdnet import DenseStage, rdnet_mini


def solution(name):
    return checks.run_solution(checks.get(name))


def test_stage_macs_are_those_of_the_library():
    for channels, growth_rate, num_blocks, side in ((48, 24, 3, 8), (64, 40, 2, 5)):
        stage = DenseStage(
            channels, growth_rate, expansion=4.0, gate=False, layer_scale=1.0, drop_paths=[0.0] * num_blocks
        )
        counted = count_macs(stage, image_size=side, in_channels=channels)
        assert solution("stage_macs")(channels, growth_rate, num_blocks, side) == counted


def test_the_budget_is_that_of_the_course_s_small_network():
    model = rdnet_mini()
    assert count_parameters(model) <= MAX_PARAMETERS < 1.02 * count_parameters(model)
    assert count_macs(model, image_size=64) <= MAX_MACS < 1.02 * count_macs(model, image_size=64)


def test_careful_gradients_are_those_of_torch_s_scaler():
    torch.manual_seed(0)
    layer = torch.nn.Linear(5, 3)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    scaler = torch.amp.GradScaler("cpu", init_scale=4096.0)
    scaler.scale(layer(torch.randn(7, 5)).square().sum()).backward()
    scaled = [parameter.grad.double().numpy() for parameter in layer.parameters()]
    scaler.unscale_(optimizer)
    torch.nn.utils.clip_grad_norm_(layer.parameters(), 0.5)
    found = solution("careful_gradients")(scaled, 4096.0, 0.5)
    for mine, parameter in zip(found, layer.parameters(), strict=True):
        np.testing.assert_allclose(mine, parameter.grad.numpy(), rtol=1e-4)


def test_loss_factors_make_the_gradient_of_the_whole_batch():
    torch.manual_seed(0)
    layer, pictures, sizes = torch.nn.Linear(4, 1), torch.randn(21, 4), [11, 7, 3]
    layer(pictures).square().mean().backward()
    whole = layer.weight.grad.clone()
    parts = []
    for factor, share in zip(solution("loss_factors")(sizes), pictures.split(sizes), strict=True):
        layer.zero_grad()
        (factor * layer(share).square().mean()).backward()
        parts.append(layer.weight.grad.clone())
    torch.testing.assert_close(torch.stack(parts).mean(0), whole)
