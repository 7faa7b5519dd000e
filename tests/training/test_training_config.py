"""The configuration: every field checked, options without effect refused, files round trip."""

import json
import tomllib

import pytest

from course_utils.training.config import METRICS, OPTIMIZERS, SCHEDULES, TrainingConfig

FULL = {
    "epochs": 30,
    "learning_rate": 0.1,
    "optimizer": "sgd",
    "schedule": "multi_step",
    "weight_decay": 1e-4,
    "momentum": 0.95,
    "warmup_epochs": 0.5,
    "milestones": (10, 20),
    "decay_factor": 0.2,
    "loss": "focal",
    "label_smoothing": 0.1,
    "focal_gamma": 1.5,
    "class_weights": "balanced",
    "clip_norm": 1.0,
    "accumulation_steps": 4,
    "freeze_epochs": 2,
    "ema_decay": 0.99,
    "ema_warmup": False,
    "patience": 5,
    "metric": "ema_val_balanced_accuracy",
    "top_k": 5,
    "precision": "auto",
    "memory_format": "auto",
    "compile": True,
    "tensorboard": True,
    "seed": 7,
}


def test_every_option_survives_json_and_toml():
    config = TrainingConfig.from_dict(FULL)
    again = TrainingConfig.from_dict(json.loads(json.dumps(config.as_dict())))
    assert again == config and again.milestones == (10, 20)
    lines = tomllib.loads(
        'epochs = 30\nschedule = "multi_step"\nmilestones = [10, 20]\nlearning_rate = 0.1\n'
    )
    assert TrainingConfig.from_dict(lines).milestones == (10, 20)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_every_optimiser_goes_with_every_schedule(name, schedule):
    milestones = (2,) if schedule == "multi_step" else ()
    config = TrainingConfig(epochs=5, optimizer=name, schedule=schedule, milestones=milestones)
    assert (config.optimizer, config.schedule) == (name, schedule)


@pytest.mark.parametrize(
    ("every", "after"), [(1, [1, 2, 3, 4, 5]), (2, [2, 4, 5]), (5, [5]), (9, [5]), (0, [5])]
)
def test_the_last_epoch_is_always_validated(every, after):
    config = TrainingConfig(epochs=5, validate_every=every)
    assert [epoch + 1 for epoch in range(5) if config.validates_after(epoch)] == after


def test_only_a_loss_is_better_when_lower():
    configs = [TrainingConfig(epochs=1, metric=metric, ema_decay=0.9) for metric in METRICS]
    better_lower = {config.metric for config in configs if not config.higher_is_better}
    assert better_lower == {"val_loss", "ema_val_loss"} and len(METRICS) == 6


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"optimizer": "rangr"}, "'ranger'"),
        ({"schedule": "platau"}, "'plateau'"),
        ({"loss": "fokal"}, "'focal'"),
        ({"class_weights": True}, "class_weights is True"),
        ({"precision": "half"}, "precision is 'half'"),
        ({"memory_format": "nhwc"}, "memory_format is 'nhwc'"),
        ({"metric": "accuracy"}, "metric is 'accuracy'"),
        ({"learning_rate": True}, "learning_rate is True"),
        ({"learning_rate": "0.1"}, "learning_rate is '0.1'"),
        ({"ema_decay": 1.0}, "ema_decay is 1.0"),
        ({"accumulation_steps": 0}, "accumulation_steps is 0"),
        ({"top_k": -1}, "top_k is -1"),
        ({"keep": "lst"}, "'last'"),
        ({"keep": "last", "patience": 3}, "patience is 3 with keep 'last'"),
        ({"validate_every": -1}, "validate_every is -1"),
        ({"validate_every": 2, "patience": 3}, "validate_every is 2, and patience counts"),
        ({"validate_every": 0, "schedule": "plateau"}, "validate_every is 0, and schedule 'plateau'"),
        ({"compile": 1}, "compile is 1; expected True or False"),
        ({"decay_factor": 1.5, "schedule": "step"}, "decay_factor is 1.5"),
        ({"milestones": [1], "schedule": "multi_step"}, "expected a tuple"),
        ({"milestones": (3, 2), "schedule": "multi_step"}, "that rise"),
        ({"milestones": (5,), "schedule": "multi_step"}, "in 1 to 4"),
        ({"schedule": "multi_step"}, "without milestones"),
        ({"warmup_epochs": 5, "schedule": "cosine"}, "warmup_epochs is 5 of 5"),
    ],
)
def test_impossible_values_name_the_field(values, message):
    with pytest.raises(ValueError, match=message):
        TrainingConfig(epochs=5, **values)


@pytest.mark.parametrize(
    "values",
    [
        {"momentum": 0.5},
        {"milestones": (2,), "schedule": "cosine"},
        {"step_epochs": 2, "schedule": "multi_step", "milestones": (2,)},
        {"decay_factor": 0.5, "schedule": "cosine"},
        {"restart_factor": 3, "schedule": "step"},
        {"plateau_patience": 1, "schedule": "cosine"},
        {"warmup_epochs": 1.0},
        {"focal_gamma": 1.0},
        {"ema_warmup": False},
        {"metric": "ema_val_accuracy"},
    ],
)
def test_an_option_without_effect_is_refused(values):
    """The first key is the one that does nothing; with its partner it is taken."""
    name = next(iter(values))
    with pytest.raises(ValueError, match=f"^{name} is "):
        TrainingConfig(epochs=5, **values)
    partner = {
        "momentum": {"optimizer": "sgd"},
        "milestones": {"schedule": "multi_step"},
        "step_epochs": {"schedule": "cosine_restarts"},
        "decay_factor": {"schedule": "plateau"},
        "restart_factor": {"schedule": "cosine_restarts"},
        "plateau_patience": {"schedule": "plateau"},
        "warmup_epochs": {"schedule": "step"},
        "focal_gamma": {"loss": "focal"},
        "ema_warmup": {"ema_decay": 0.9},
        "metric": {"ema_decay": 0.9},
    }[name]
    taken = TrainingConfig(epochs=5, **{name: values[name]}, **partner)
    assert getattr(taken, name) == values[name]


def test_epochs_has_to_be_given():
    with pytest.raises(ValueError, match="no epochs"):
        TrainingConfig.from_dict({"learning_rate": 0.1})
