"""Exported networks give what PyTorch gives; without the packages the error says what to install."""

import sys

import pytest
import torch
from torch import nn

from course_utils.models import export
from course_utils.models.export import OnnxNetwork, export_onnx, quantise_onnx
from course_utils.models.mobilenet_v3 import mobilenet_v3_small
from course_utils.models.simple_cnn import SimpleCNN


def cnn():
    torch.manual_seed(0)
    return SimpleCNN(num_classes=3, image_size=16, in_channels=1, channels=(6, 8), hidden=(10,), dropout=0.5)


def test_without_the_packages_the_error_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match="pip install onnx onnxruntime onnxscript"):
        export_onnx(cnn(), tmp_path / "x.onnx", image_size=16, in_channels=1)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def packages():
    for name in ("onnx", "onnxscript", "onnxruntime"):
        pytest.importorskip(name)


@pytest.mark.usefixtures("packages")
def test_outputs_equal_pytorchs_for_any_batch(tmp_path, recwarn, capfd):
    model = cnn().train()
    difference = export_onnx(model, tmp_path / "cnn.onnx", image_size=16, in_channels=1)
    assert 0 <= difference < 1e-4 and model.training
    assert [path.name for path in tmp_path.iterdir()] == ["cnn.onnx"]
    model.eval()
    network = OnnxNetwork(tmp_path / "cnn.onnx")
    for count in (1, 2, 7):
        images = torch.randn(count, 1, 16, 16)
        with torch.no_grad():
            torch.testing.assert_close(network(images), model(images), rtol=1e-4, atol=1e-4)
    assert not recwarn.list and capfd.readouterr() == ("", "")


@pytest.mark.slow
@pytest.mark.usefixtures("packages")
def test_a_network_with_shortcuts_and_attention(tmp_path):
    torch.manual_seed(0)
    model = mobilenet_v3_small(num_classes=4, width_factor=0.25)
    assert export_onnx(model, tmp_path / "m.onnx", image_size=(32, 48)) < 1e-4


class Random(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(16, 2)

    def forward(self, images):
        logits = self.fc(images.flatten(1))
        return logits + torch.rand_like(logits)


@pytest.mark.usefixtures("packages")
def test_a_file_that_differs_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="nothing was written"):
        export_onnx(Random(), tmp_path / "x.onnx", image_size=4, in_channels=1)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ValueError, match=r"should end in \.onnx"):
        export_onnx(cnn(), tmp_path / "x.pt", image_size=16, in_channels=1)
    (tmp_path / "bad.onnx").write_bytes(b"no network")
    with pytest.raises(ValueError, match="cannot be run as an ONNX network"):
        OnnxNetwork(tmp_path / "bad.onnx")


@pytest.mark.usefixtures("packages")
def test_int8_is_smaller_and_nearly_the_same(tmp_path):
    torch.manual_seed(0)
    model = SimpleCNN(num_classes=3, image_size=16, in_channels=1, channels=(32, 32), hidden=(64,)).eval()
    export_onnx(model, tmp_path / "float.onnx", image_size=16, in_channels=1)
    batches = [torch.randn(16, 1, 16, 16) for _ in range(4)]
    target = quantise_onnx(tmp_path / "float.onnx", tmp_path / "int8.onnx", calibration=batches)
    assert target.stat().st_size < 0.45 * (tmp_path / "float.onnx").stat().st_size
    images = torch.randn(32, 1, 16, 16)
    with torch.no_grad():
        expected = model(images)
    error = (OnnxNetwork(target)(images) - expected).abs().max() / expected.std()
    assert 0 < error < 0.25
    with pytest.raises(ValueError, match="calibration is empty"):
        quantise_onnx(tmp_path / "float.onnx", tmp_path / "y.onnx", calibration=[])


def test_nothing_optional_is_imported_with_the_module():
    assert not {"onnx", "onnxruntime", "onnxscript"} & set(vars(export))
