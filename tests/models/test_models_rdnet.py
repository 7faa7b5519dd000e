"""RDNet against timm's: same names, same outputs, same gradients."""

import pytest
import timm
import torch
from timm.models.rdnet import RDNet as TimmRDNet
from torch import nn

from course_utils.models.convnext_block import DropPath
from course_utils.models.rdnet import MINI, DenseBlock, DenseStage, RDNet, rdnet_mini, rdnet_tiny


def awake(model: nn.Module) -> nn.Module:
    """Raise the layer scales from 1e-6: else a wrong block would not show in the output."""
    for name, parameter in model.named_parameters():
        if name.endswith("gamma"):
            nn.init.uniform_(parameter, 0.5, 1.0)
    return model


def timm_mini(**options) -> nn.Module:
    return TimmRDNet(
        growth_rates=(24, 32, 48, 64),
        num_blocks_list=(3, 3, 3, 3),
        is_downsample_block=(None, True, True, True),
        block_type=("Block", "Block", "BlockESE", "BlockESE"),
        num_init_features=48,
        **options,
    )


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [(rdnet_tiny, lambda **options: timm.create_model("rdnet_tiny", **options)), (rdnet_mini, timm_mini)],
    ids=["tiny", "mini"],
)
def test_outputs_equal_timm(ours, theirs):
    torch.manual_seed(0)
    reference, model = awake(theirs(num_classes=12)).eval(), ours(num_classes=12).eval()
    model.load_state_dict(reference.state_dict(), strict=True)
    images = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        expected = reference(images)
        assert expected.std() > 1e-3
        torch.testing.assert_close(model(images), expected, rtol=0, atol=1e-6)


def test_gradients_equal_timm_in_training():
    torch.manual_seed(1)
    reference, model = awake(timm_mini(num_classes=12)).train(), rdnet_mini(num_classes=12).train()
    model.load_state_dict(reference.state_dict())
    images, targets = torch.randn(4, 3, 64, 64), torch.tensor([0, 1, 2, 3])
    for network in (reference, model):
        nn.functional.cross_entropy(network(images), targets).backward()
    expected = dict(reference.named_parameters())
    for name, parameter in model.named_parameters():
        torch.testing.assert_close(parameter.grad, expected[name].grad)
        assert parameter.grad.abs().sum() > 0, name


def test_parameter_counts():
    with torch.device("meta"):
        counts = [
            sum(p.numel() for p in model.parameters())
            for model in (rdnet_tiny(), rdnet_tiny(num_classes=12), rdnet_mini())
        ]
    assert counts == [23_863_008, 22_834_500, 1_247_428]


def test_initialisation_has_timm_distribution():
    torch.manual_seed(2)
    reference, model = timm_mini(num_classes=12).state_dict(), rdnet_mini().state_dict()
    for name, tensor in model.items():
        expected = reference[name]
        if tensor.numel() > 2000:
            assert tensor.std().item() == pytest.approx(expected.std().item(), rel=0.1), name
        elif expected.std() == 0:
            assert torch.equal(tensor, expected), name


def test_a_stage_keeps_its_input_and_appends():
    stage = DenseStage(16, 8, expansion=4, gate=False, layer_scale=1.0, drop_paths=(0.0, 0.0, 0.0))
    images = torch.randn(2, 16, 9, 9)
    result = stage(images)
    assert result.shape == (2, 16 + 3 * 8, 9, 9)
    assert torch.equal(result[:, :16], images)
    # the second block reads the input and the first block's channels, nothing else
    assert torch.equal(result[:, 24:32], stage.dense_block1([images, result[:, 16:24]]))


def test_inner_width_follows_the_input_not_the_growth_rate():
    for growth_rate in (8, 64):
        assert DenseBlock(40, growth_rate).layers.layers[2].out_channels == 160


def test_drop_path_keeps_the_expectation_and_drops_whole_pictures():
    torch.manual_seed(0)
    drop_path = DropPath(0.25).train()
    result = drop_path(torch.ones(20_000, 2, 1, 1))
    assert torch.equal(result[:, 0], result[:, 1])
    assert result.unique().tolist() == [0.0, pytest.approx(4 / 3)]
    assert result.mean().item() == pytest.approx(1.0, abs=0.02)  # standard error 0.004
    images = torch.randn(2, 3, 4, 4)
    assert torch.equal(drop_path.eval()(images), images)


def test_drop_path_rates_rise_along_the_depth_as_in_timm():
    ours = [m.rate for m in rdnet_mini(drop_path=0.2).modules() if isinstance(m, DropPath)]
    theirs = [
        m.drop_path_rate for m in timm_mini(drop_path_rate=0.2).modules() if hasattr(m, "drop_path_rate")
    ]
    assert ours == pytest.approx(theirs)
    assert ours[0] == 0.0
    assert ours[-1] == pytest.approx(0.2)


def test_sizes_grey_images_and_patch_size():
    model = RDNet(MINI._replace(patch_size=2), num_classes=4, in_channels=1, layer_scale=0.1)
    assert model(torch.randn(2, 1, 32, 32)).shape == (2, 4)
    assert model.get_classifier().out_features == 4
    assert model.stem(torch.randn(1, 1, 32, 32)).shape[-1] == 16
    with pytest.raises(
        ValueError, match=r"one entry for each stage.*growth_rates 4, blocks 1, halves 4, gates 4"
    ):
        RDNet(MINI._replace(blocks=(3,)))
