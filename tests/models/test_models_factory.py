"""One function for every network: names, options, errors, what input the weights expect."""

import pytest
import timm
import torch
import torchvision
from timm.data import resolve_model_data_config
from torch import nn

from course_utils.models import factory
from course_utils.models.factory import OURS, build_model, check_model_name, normalisation
from course_utils.models.rdnet import rdnet_mini, rdnet_tiny
from course_utils.models.resnet import ResNet


@pytest.mark.parametrize("name", OURS)
def test_every_network_of_ours_can_be_built(name):
    with torch.device("meta"):
        model = build_model(name, num_classes=7, in_channels=1, image_size=64)
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    assert first.in_channels == 1
    assert model.get_classifier().out_features == 7


@pytest.mark.parametrize("name", ["timm:resnet10t", "tf_efficientnet_lite0", "vit_tiny_patch16_224"])
def test_timm_networks_train_on_grey_pictures(name):
    model = build_model(name, num_classes=3, in_channels=1, image_size=32, drop_rate=0.1).train()
    model(torch.randn(2, 1, 32, 32)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_ours_comes_before_timm_of_the_same_name():
    with torch.device("meta"):
        assert isinstance(build_model("resnet18", num_classes=2), ResNet)
        assert isinstance(build_model("timm:resnet18", num_classes=2), timm.models.resnet.ResNet)


def test_options_arrive():
    model = build_model("rdnet_mini", num_classes=3, drop_rate=0.4, drop_path_rate=0.2)
    assert model.head.drop.p == 0.4
    assert model.dense_stages[3][-1].dense_block2.drop_path.rate == pytest.approx(0.2)
    model = build_model(
        "mobilenet_v3_small", num_classes=3, drop_rate=0.0, keep_resolution=1, width_factor=0.5
    )
    assert model.classifier[2].p == 0.0
    assert model.features[0][0].stride == (1, 1)
    assert model.classifier[0].out_features == 512
    assert build_model("simple_cnn", num_classes=3, image_size=64, width_factor=0.125).image_size == (64, 64)
    assert (
        build_model("simple_cnn", num_classes=3, image_size=64, drop_path_rate=0.0) is not None
    )  # asks nothing
    assert build_model("timm:resnet10t", num_classes=3, drop_rate=0.3).drop_rate == 0.3


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rdnett", {}, "nearest names are rdnet_tiny"),
        ("mobilenetv3_smal", {}, "mobilenet_v3_small"),
        ("timm:rdnet_mini", {}, "unknown model 'timm:rdnet_mini'"),
        ("hf-hub:somebody/something", {}, "unknown model"),
        ("resnet18.made_up", {}, r"unknown weights 'resnet18.made_up'; timm has .*resnet18\.tv_in1k"),
        ("resnet18", {"drop_path_rate": 0.1}, "drop_path_rate is 0.1, but resnet18 has no such option"),
        ("rdnet_tiny", {"keep_resolution": 1}, "keep_resolution is 1, but rdnet_tiny has no such option"),
        ("timm:vgg11", {"width_factor": 0.5}, "options of our networks"),
        ("mobilenet_v3_small", {"keep_resolution": 9}, "keep_resolution is 9"),
        ("simple_cnn", {"image_size": 16}, "32 pixels or more"),
        ("simple_cnn", {"pretrained": True}, "no published weights for simple_cnn"),
        ("timm:efficientnet_b8", {"pretrained": True}, "no published weights for efficientnet_b8"),
        ("resnet18", {"fine_tune": "layr4"}, "no layer 'layr4'; the nearest name is 'layer4'"),
        ("resnet18", {"num_classes": 0}, "num_classes is 0"),
        ("resnet18", {"head_start": "quit"}, "head_start is 'quit'; expected quiet or library"),
    ],
)
def test_errors_say_what_to_do(name, options, message):
    with pytest.raises(ValueError, match=message), torch.device("meta"):
        build_model(name, **{"num_classes": 2, **options})


def test_an_option_that_timm_does_not_take_is_an_error():
    def picky(name, **options):
        raise TypeError(f"{name} got an unexpected keyword argument {sorted(options)[0]!r}")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timm, "create_model", picky)
        with pytest.raises(ValueError, match="vgg11 does not take one of the given options"):
            build_model("vgg11", num_classes=2, drop_path_rate=0.1)


def test_all_names_are_known_to_the_check():
    for name in (*OURS, "timm:resnet18", "tf_efficientnet_lite0", "resnet18.tv_in1k"):
        check_model_name(name)


def test_fine_tune_freezes():
    model = build_model("resnet18", num_classes=2, fine_tune="head", width_factor=0.125)
    assert [name for name, p in model.named_parameters() if p.requires_grad] == ["fc.weight", "fc.bias"]
    model = build_model("resnet18", num_classes=2, fine_tune="layer4", width_factor=0.125)
    assert {name.split(".")[0] for name, p in model.named_parameters() if p.requires_grad} == {"layer4", "fc"}


def test_normalisation_comes_from_the_models_own_data_config():
    for name in ("tf_efficientnet_lite0", "rdnet_tiny", "vit_tiny_patch16_224"):
        with torch.device("meta"):
            config = resolve_model_data_config(timm.create_model(name))
        found = normalisation(name)
        assert (found.mean, found.std, found.interpolation) == (
            config["mean"],
            config["std"],
            config["interpolation"],
        )
        assert found.image_size == config["input_size"][-1]
    assert normalisation("tf_efficientnet_lite0").mean == (0.5, 0.5, 0.5)
    for name in ("resnet34", "mobilenet_v3_large"):
        preset = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        found = normalisation(name)
        assert list(found.mean) == preset.mean
        assert list(found.std) == preset.std
        assert [found.image_size] == preset.crop_size
        assert found.interpolation == preset.interpolation.value


def test_normalisation_of_a_network_equals_that_of_its_name():
    with torch.device("meta"):
        for name in ("resnet18", "mobilenet_v3_small", "timm:tf_efficientnet_lite0"):
            assert normalisation(build_model(name, num_classes=4)) == normalisation(name)
        for model in (rdnet_mini(), nn.Linear(2, 2), "rdnet_mini", "simple_cnn"):
            with pytest.raises(ValueError, match="no published weights"):
                normalisation(model)
        assert normalisation(rdnet_tiny()) == normalisation("rdnet_tiny")


def test_normalisation_of_grey_pictures():
    grey = normalisation("resnet18", in_channels=1)
    assert grey.mean == (pytest.approx(0.449),)
    assert grey.std == (pytest.approx(0.226),)
    with pytest.raises(ValueError, match="in_channels is 4"):
        normalisation("resnet18", in_channels=4)


def test_one_import_gives_the_tools():
    assert all(hasattr(factory, name) for name in factory.__all__)
