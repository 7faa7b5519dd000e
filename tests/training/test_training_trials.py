"""Short trainings for experiments: they follow from the seed, leave nothing behind, and compare fairly."""

import numpy as np
import pytest
import torch
from tiny_training import bright_or_dark, small_network

from course_utils.data.mixing import Mixing
from course_utils.training.config import TrainingConfig
from course_utils.training.loop import evaluate
from course_utils.training.trials import Spread, over_seeds, recorded, trial

RULE = {"mean": [0.5], "std": [0.3], "batch_size": 8}


def run(seed=0, epochs=3, **options):
    config = TrainingConfig(epochs=epochs, seed=seed)
    return trial(
        small_network_without_seed,
        bright_or_dark(24),
        bright_or_dark(16, seed=1),
        config=config,
        **RULE,
        **options,
    )


def small_network_without_seed():
    return small_network(seed=int(torch.randint(0, 1000, ())))


def weights_of(result):
    return torch.cat([value.flatten().float() for value in result.model.state_dict().values()])


def test_the_seed_alone_decides():
    first, again, other = run(), run(), run(seed=1)
    assert torch.equal(weights_of(first), weights_of(again))
    assert first.val_loss == again.val_loss
    assert not torch.equal(weights_of(first), weights_of(other))


def test_it_learns_and_the_figures_are_those_of_the_model():
    from course_utils.data.loaders import Batches

    result = run(epochs=12)
    assert result.val_accuracy >= 0.9
    again = evaluate(result.model, Batches(bright_or_dark(16, seed=1), batch_size=5, mean=[0.5], std=[0.3]))
    assert (result.val_loss, result.val_accuracy) == pytest.approx(again)
    assert not result.model.training


def test_augmentation_and_mixing_reach_the_training():
    plain = weights_of(run())
    assert not torch.equal(plain, weights_of(run(augment=["flip"])))
    mix = Mixing(num_classes=2, label_smoothing=0.0)
    mixed = run(mix=mix)
    assert not torch.equal(plain, weights_of(mixed))
    other_mix_seed = Mixing(num_classes=2, label_smoothing=0.0, seed=5)
    assert torch.equal(weights_of(mixed), weights_of(run(mix=other_mix_seed)))  # config.seed counts


def test_over_seeds_keeps_order_and_tells_the_spread():
    spread = over_seeds(lambda seed: seed / 10, [3, 1, 2])
    assert spread.values == (0.3, 0.1, 0.2)
    assert np.isclose(spread.mean, 0.2)
    assert str(spread) == "0.200 (0.100 to 0.300)"
    assert str(Spread((0.5,))) == "0.500 (0.500 to 0.500)"
    with pytest.raises(ValueError, match="no seeds"):
        over_seeds(lambda seed: 0.0, [])


def test_an_experiment_is_measured_once_for_the_same_question(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_RUNS", str(tmp_path))
    calls = []

    def measure():
        calls.append(1)
        return {"flip": [0.5, 0.1 + 0.2]}

    first = recorded("table", {"epochs": 3}, measure, data_fingerprint="abc")
    again = recorded("table", {"epochs": 3}, measure, data_fingerprint="abc")
    assert first == again == {"flip": [0.5, 0.1 + 0.2]}
    assert len(calls) == 1
    recorded("table", {"epochs": 4}, measure, data_fingerprint="abc")
    recorded("table", {"epochs": 3}, measure, data_fingerprint="other")
    recorded("table", {"epochs": 3}, measure, data_fingerprint="abc", reuse=False)
    assert len(calls) == 4
