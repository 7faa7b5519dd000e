"""Recipes as files: what is read, what is refused with which words, what is written back."""

import json

import pytest

from course_utils.data.augmentations import build_augment
from course_utils.recipes import DataConfig, ModelConfig, Recipe, find_recipe, parse_overrides
from course_utils.training.config import TrainingConfig

GOOD = """
[data]
name = "plants"
source = "somewhere"
image_size = 32
augment = ["flip", { name = "rotation", degrees = 20 }]

[model]
name = "simple_cnn"

[training]
epochs = 2
"""


def write(folder, text=GOOD, name="mine.toml"):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_becomes_typed_sections_and_the_name_is_the_files(tmp_path):
    recipe = Recipe.load(write(tmp_path))
    assert recipe.name == "mine"
    assert (recipe.data.image_size, recipe.data.batch_size) == (32, DataConfig(name="x").batch_size)
    assert recipe.training == TrainingConfig(epochs=2)
    assert recipe.model == ModelConfig(name="simple_cnn")


def test_augmentation_is_spelt_out_so_later_defaults_change_nothing(tmp_path):
    steps = Recipe.load(write(tmp_path)).data.augment
    assert steps[0] == {"name": "flip", "p": 0.5, "direction": "horizontal"}
    assert (steps[1]["degrees"], steps[1]["fill"]) == (20, "zeros")
    assert len(build_augment(steps).steps) == 2


def test_the_table_in_config_json_gives_the_same_recipe(tmp_path):
    text = GOOD.replace("[model]", "mixing = { mixup_alpha = 0.4, cutmix_alpha = 0 }\n[model]").replace(
        "epochs = 2", 'epochs = 9\nschedule = "multi_step"\nmilestones = [3, 6]'
    )
    recipe = Recipe.load(write(tmp_path, text))
    assert recipe.data.mixing["mixup_alpha"] == 0.4 and recipe.data.mixing["label_smoothing"] == 0
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("image_size = 32", "image_sise = 32", ["[data]", "'image_sise'", "Did you mean 'image_size'"]),
        ("[training]", "[trainning]", ["'trainning'", "Did you mean 'training'"]),
        ("epochs = 2", 'epochs = "2"', ["[training] epochs", "'2'", "a whole number"]),
        ("epochs = 2", "epochs = true", ["epochs", "a whole number"]),
        ("image_size = 32", "image_size = 32.5", ["image_size", "32.5", "a whole number"]),
        ("epochs = 2", 'epochs = 2\noptimizer = "adanw"', ["adanw", "Did you mean 'adamw'"]),
        ("epochs = 2", "epochs = 2\nmomentum = 0.5", ["momentum", "no effect"]),
        ("[model]\n", "[model]\npretraned = true\n", ["[model]", "Did you mean 'pretrained'"]),
        ('"flip"', '"flipp"', ["[data] augment", "Did you mean 'flip'"]),
        ("degrees = 20", "degree = 20", ["augment", "Did you mean 'degrees'"]),
        ("image_size = 32", "mixing = { mixup = 1 }", ["[data.mixing]", "Did you mean 'mixup_alpha'"]),
        ("image_size = 32", "val_fraction = 0.6\ntest_fraction = 0.5", ["nothing to train on"]),
        ("image_size = 32", "val_fraction = 0\ntest_fraction = 0", ["both 0"]),
        ("image_size = 32", "num_folds = 5\nfold = 5", ["fold is 5 of 5"]),
        ("image_size = 32", 'normalisation = "date"', ["Did you mean 'data'"]),
        ("image_size = 32", "val_fraction = 0.0", ["patience", "val_fraction is 0"]),
        ("[training]\nepochs = 2", "", ["'training' is missing"]),
        ("epochs = 2", "seed = 2", ["lacks 'epochs'"]),
        ("epochs = 2", "epochs = ", ["no valid TOML"]),
    ],
)
def test_what_is_wrong_is_named_with_file_and_key(tmp_path, old, new, words):
    text = GOOD.replace("epochs = 2", "epochs = 2\npatience = 3") if "val_fraction = 0.0" in new else GOOD
    assert old in text
    path = write(tmp_path, text.replace(old, new))
    with pytest.raises(ValueError) as caught:
        Recipe.load(path)
    assert str(path) in str(caught.value)
    for word in words:
        assert word in str(caught.value)


def test_labels_are_not_smoothed_twice(tmp_path):
    text = GOOD.replace("[model]", "mixing = { label_smoothing = 0.1 }\n[model]")
    Recipe.load(write(tmp_path, text))
    with pytest.raises(ValueError, match="smoothed twice"):
        Recipe.load(write(tmp_path, text), {"training.label_smoothing": 0.1})


def test_values_are_replaced_from_the_command_line(tmp_path):
    given = ["training.epochs=3", "data.name=007", "data.mixing.mixup_alpha=0.3", "training.metric=val_loss"]
    recipe = Recipe.load(write(tmp_path), parse_overrides(given))
    assert (recipe.training.epochs, recipe.training.metric) == (3, "val_loss")
    assert recipe.data.name == "007"  # text stays text
    assert recipe.data.mixing["mixup_alpha"] == 0.3
    lists = parse_overrides(['data.augment=["flip"]'])
    assert [step["name"] for step in Recipe.load(write(tmp_path), lists).data.augment] == ["flip"]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["epochs"], "expected KEY=VALUE"),
        (["training.epochs=1", "training.epochs=2"], "given twice"),
    ],
)
def test_overrides_that_are_none(texts, words):
    with pytest.raises(ValueError, match=words):
        parse_overrides(texts)


def test_an_unknown_override_names_the_nearest_key(tmp_path):
    with pytest.raises(ValueError, match="Did you mean 'epochs'"):
        Recipe.load(write(tmp_path), {"training.epoch": 3})
    with pytest.raises(ValueError, match="holds nothing to replace"):
        Recipe.load(write(tmp_path), {"data.image_size.width": 3})


def test_recipes_are_found_by_name_and_a_missing_one_names_the_nearest(tmp_path, monkeypatch):
    assert find_recipe("digits_mobilenetv3_small").is_file()
    monkeypatch.chdir(tmp_path)
    write(tmp_path, name="digits_mobilenetv3_small.toml")
    assert find_recipe("digits_mobilenetv3_small.toml").resolve().parent == tmp_path  # a file at hand wins
    with pytest.raises(ValueError, match=r"Did you mean 'mine\.toml'"):
        Recipe.load(write(tmp_path).with_name("mien.toml"))


def test_another_set_or_folder_can_be_put_in(tmp_path):
    recipe = Recipe.load(write(tmp_path))
    assert recipe.with_data("digits").data.name == "digits"
    other = recipe.with_data(tmp_path)
    assert (other.data.name, other.data.source) == ("plants", str(tmp_path))


def test_a_head_start_without_pretrained_weights_is_refused():
    with pytest.raises(ValueError, match="head_start is 'library' and pretrained false"):
        ModelConfig(name="resnet18", head_start="library")
    assert ModelConfig(name="resnet18", pretrained=True, head_start="library").head_start == "library"
