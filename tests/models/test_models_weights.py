"""Loading says what it did; damage, strangers and hostile files are refused."""

import pickle
import random

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from course_utils import files
from course_utils.models import weights
from course_utils.models.fitting import LoadReport, load_state
from course_utils.models.simple_cnn import SimpleCNN
from course_utils.models.weights import load_weights, save_weights

CLASSES = ["cloudy", "沙漠", "green area", "water"]


def network(num_classes: int = 4, *, seed: int = 0) -> SimpleCNN:
    torch.manual_seed(seed)
    return SimpleCNN(num_classes=num_classes, image_size=8, channels=(4, 6), hidden=(5,))


def same_weights(a: nn.Module, b: nn.Module) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_round_trip_with_metadata_and_equal_bytes(tmp_path):
    model, other = network(seed=0), network(seed=1)
    path = tmp_path / "best.safetensors"
    metadata = {"model": "simple_cnn", "epoch": 3, "mean": [0.5, 0.25]}
    digest = save_weights(path, model.state_dict(), class_names=CLASSES, metadata=metadata)
    assert weights.sidecar(path).read_text() == f"{digest}  best.safetensors\n"
    assert digest == files.sha256_file(path)
    report = load_weights(other, path, class_names=CLASSES)
    assert report.complete
    assert report.verified
    assert len(report.loaded) == len(model.state_dict())
    assert same_weights(model, other)
    assert weights.read_metadata(path) == {**metadata, "class_names": CLASSES}
    again = save_weights(
        tmp_path / "again.safetensors", model.state_dict(), class_names=CLASSES, metadata=metadata
    )
    assert again == digest


def test_saves_shared_and_channels_last_tensors(tmp_path):
    model = network().to(memory_format=torch.channels_last)
    state = dict(model.state_dict(), twin=model.fc[0].weight)
    state["fc.0.weight"] = model.fc[0].weight
    save_weights(tmp_path / "a.safetensors", state)
    for name, tensor in load_file(tmp_path / "a.safetensors").items():
        assert torch.equal(tensor, state[name])


@pytest.mark.parametrize("kind", ["safetensors", "pth"])
def test_F29_20_of_20_flipped_bytes_are_found(tmp_path, kind):
    model = network()
    path = tmp_path / f"w.{kind}"
    if kind == "pth":
        torch.save(model.state_dict(), path)
        files.write_text(weights.sidecar(path), f"{files.sha256_file(path)}  {path.name}\n")
    else:
        save_weights(path, model.state_dict())
    good, rng, found = path.read_bytes(), random.Random(0), 0
    for _ in range(20):
        damaged = bytearray(good)
        damaged[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match="damaged or was replaced"):
            load_weights(network(seed=1), path)
        found += 1
    assert found == 20
    path.write_bytes(good)
    assert load_weights(network(seed=1), path).verified


def test_damaged_or_empty_checksum_file_is_not_taken_for_agreement(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(path, network().state_dict())
    for text in ("", "5", "0" * 64):
        weights.sidecar(path).write_text(text)
        with pytest.raises(ValueError, match="damaged or was replaced"):
            load_weights(network(), path)


def test_without_checksum_the_report_says_so(tmp_path):
    path = tmp_path / "w.safetensors"
    digest = save_weights(path, network().state_dict())
    weights.sidecar(path).unlink()
    report = load_weights(network(), path)
    assert not report.verified
    assert "no checksum" in str(report)
    assert load_weights(network(), path, sha256=digest[:16]).verified
    with pytest.raises(ValueError, match="damaged or was replaced"):
        load_weights(network(), path, sha256="0" * 16)


def test_F29_another_head_is_refused_unless_asked_for(tmp_path):
    path = tmp_path / "w.safetensors"
    source, target = network(4, seed=0), network(7, seed=1)
    save_weights(path, source.state_dict())
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    with pytest.raises(ValueError, match=r"fc.2.weight \(file 4 x 5, model 7 x 5\)") as caught:
        load_weights(target, path)
    assert str(path) in str(caught.value)
    assert all(torch.equal(tensor, before[name]) for name, tensor in target.state_dict().items())

    report = load_weights(target, path, allow_partial=True)
    assert [str(item) for item in report.skipped] == [
        "fc.2.weight (file 4 x 5, model 7 x 5)",
        "fc.2.bias (file 4, model 7)",
    ]
    assert not report.complete
    assert len(report.loaded) == len(before) - 2
    assert torch.equal(target.cnn[0].weight, source.cnn[0].weight)
    assert torch.equal(target.fc[2].weight, before["fc.2.weight"])


def test_F29_missing_and_unexpected_are_named():
    model = network()
    state = dict(model.state_dict())
    del state["cnn.0.weight"], state["cnn.1.num_batches_tracked"]
    state["extra.weight"] = torch.zeros(2)
    report = load_state(network(), state, allow_partial=True)
    assert report.missing == ("cnn.0.weight",)  # the counter is not missed
    assert report.unexpected == ("extra.weight",)
    text = str(report)
    assert "missing in the file: cnn.0.weight" in text
    assert "unexpected in the file: extra.weight" in text
    with pytest.raises(ValueError, match=r"missing in the file: cnn\.0\.weight"):
        load_state(network(), state)


@pytest.mark.parametrize(
    "prefix", ["module.", "backbone.", "model_ema.", "_orig_mod.", "module._orig_mod.", "model."]
)
def test_prefixes_are_taken_off(prefix):
    source, target = network(seed=0), network(seed=1)
    report = load_state(target, {prefix + name: tensor for name, tensor in source.state_dict().items()})
    assert report.complete
    assert same_weights(source, target)


def test_a_prefix_that_belongs_to_the_model_stays():
    wrapped = nn.ModuleDict({"backbone": nn.Linear(2, 2)})
    assert load_state(
        wrapped, {"module.backbone.weight": torch.ones(2, 2), "backbone.bias": torch.ones(2)}
    ).complete
    assert wrapped["backbone"].weight.sum() == 4


def test_two_tensors_for_one_place():
    state = network().state_dict()
    both = {
        f"{prefix}{name}": tensor for prefix in ("module.", "model_ema.") for name, tensor in state.items()
    }
    with pytest.raises(ValueError, match=r"two tensors for cnn.0.weight: module.cnn.0.weight and model_ema"):
        load_state(network(), both, allow_partial=True)


def test_nothing_fitting_is_an_error_even_when_partial_is_allowed():
    with pytest.raises(
        ValueError, match=r"none of the 1 tensors fits.*the file has layer9.weight.*cnn.0.weight"
    ):
        load_state(network(), {"layer9.weight": torch.zeros(3)}, allow_partial=True)


def test_torch_files_flat_nested_and_ambiguous(tmp_path):
    source, path = network(seed=0), tmp_path / "c.pth"
    nested = {"epoch": 3, "state_dict": source.state_dict(), "loss": 0.5}
    for content in (source.state_dict(), nested):
        torch.save(content, path)
        target = network(seed=1)
        assert load_weights(target, path).complete
        assert same_weights(source, target)
    torch.save({"model": network(seed=2).state_dict(), "ema": source.state_dict()}, path)
    with pytest.raises(ValueError, match="2 tables of tensors; choose with key= one of: model, ema"):
        load_weights(network(), path)
    target = network(seed=1)
    assert load_weights(target, path, key="ema").complete
    assert same_weights(source, target)
    torch.save({"epoch": 3}, path)
    with pytest.raises(ValueError, match="there is none"):
        load_weights(network(), path)


class Hostile:
    """What a hostile checkpoint looks like: unpickling it calls a function."""

    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (type(self.target).write_text, (self.target, "ran"))


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_F28_hostile_checkpoint_is_refused_and_runs_nothing(tmp_path, writer):
    path, witness = tmp_path / "evil.pth", tmp_path / "witness.txt"
    content = {"state_dict": network().state_dict(), "evil": Hostile(witness)}
    if writer == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(content))
    with pytest.raises(ValueError, match=r"evil\.pth"):
        load_weights(network(), path)
    assert not witness.exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pth"])
@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", bytes(range(256)) * 4])
def test_files_that_are_no_weights(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")):
        load_weights(network(), path)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (["cloudy", "green area", "沙漠", "water"], "same names in another order"),
        (["cloudy", "desert", "green area", "water"], "only there: 沙漠; only here: desert"),
        (CLASSES[:3], "only there: water; only here: none"),
    ],
)
def test_class_names_are_compared_by_name_and_order(tmp_path, wanted, message):
    path = tmp_path / "w.safetensors"
    save_weights(path, network().state_dict(), class_names=CLASSES)
    with pytest.raises(ValueError, match=message):
        load_weights(network(), path, class_names=wanted)
    weights.save_weights(path, network().state_dict())
    with pytest.raises(ValueError, match="stores no class names"):
        load_weights(network(), path, class_names=wanted)


def test_killed_between_weights_and_checksum_leaves_no_wrong_checksum(tmp_path, monkeypatch):
    path = tmp_path / "w.safetensors"
    save_weights(path, network(seed=0).state_dict())

    def killed(*_arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(files, "write_text", killed)
    with pytest.raises(KeyboardInterrupt):
        save_weights(path, network(seed=1).state_dict())
    target = network(seed=2)
    load_weights(target, path)
    assert same_weights(target, network(seed=1))


def test_save_refuses_other_endings(tmp_path):
    with pytest.raises(ValueError, match=r"should end in \.safetensors"):
        save_weights(tmp_path / "w.pth", network().state_dict())


def test_long_reports_are_shortened():
    report = LoadReport((), (), tuple(f"layer{i}" for i in range(40)), ())
    assert "layer5 and 34 more" in str(report)
    assert "layer6" not in str(report)
