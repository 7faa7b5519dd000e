import math
import subprocess
import sys
from pathlib import Path

import pytest

from course_utils import params

KINDS = {
    "epochs": params.Int(smoke=1, quick=8, full=20, minimum=1),
    "learning_rate": params.Float(3e-3, above=0.0, maximum=1),
    "model": params.Choice("rdnet_tiny", options=("rdnet_tiny", "resnet34", "mobilenet_v3_small")),
    "source": params.Text("sample"),
    "shuffle": params.Bool(True),
    "limit": params.Int(smoke=50, quick=500, full=None, minimum=1),
    "widths": params.ListOf(params.Int(16, minimum=1), [16, 32]),
    "folder": params.FilePath(None),
}


def namespace(**given):
    return {"profile": None, **dict.fromkeys(KINDS), **given}


def error_of(**given):
    with pytest.raises(params.ParameterError) as caught:
        params.read(namespace(**given), **KINDS)
    return str(caught.value)


@pytest.mark.parametrize(
    ("profile", "epochs", "limit"), [("smoke", 1, 50), ("quick", 8, 500), ("full", 20, None)]
)
def test_the_profile_sets_the_defaults(profile, epochs, limit):
    settings = params.read(namespace(profile=profile), **KINDS)
    assert (settings.profile, settings.epochs, settings.limit) == (profile, epochs, limit)
    assert settings.learning_rate == 3e-3 and settings.widths == [16, 32] and settings.folder is None


def test_a_value_given_by_hand_wins():
    settings = params.read(namespace(profile="full", epochs=2, shuffle=False, folder="~/x"), **KINDS)
    assert settings.epochs == 2
    assert settings.shuffle is False
    assert settings.folder == Path.home() / "x"


def test_without_a_profile_the_environment_decides(monkeypatch):
    monkeypatch.setenv("COURSE_PROFILE", "smoke")
    assert params.read(namespace(), **KINDS).epochs == 1
    assert params.read(namespace(profile=""), **KINDS).epochs == 1
    monkeypatch.delenv("COURSE_PROFILE")
    assert params.read(namespace(), **KINDS).epochs == 8
    monkeypatch.setenv("COURSE_PROFILE", "fast")
    assert "COURSE_PROFILE is 'fast'" in error_of()
    assert params.read(namespace(profile="full"), **KINDS).epochs == 20


@pytest.mark.parametrize(
    ("given", "parts"),
    [
        ({"epochs": "3"}, ["epochs: got '3' (text), expected a whole number, at least 1"]),
        ({"epochs": True}, ["epochs: got True (a truth value), expected a whole number"]),
        ({"epochs": 3.5}, ["epochs: got 3.5", "expected a whole number"]),
        ({"epochs": -1}, ["epochs: got -1, expected a whole number, at least 1"]),
        ({"epochs": math.nan}, ["epochs: got nan"]),
        ({"epochs": math.inf}, ["epochs: got inf"]),
        ({"learning_rate": math.nan}, ["learning_rate: got nan", "finite"]),
        ({"learning_rate": math.inf}, ["learning_rate: got inf"]),
        ({"learning_rate": 0.0}, ["learning_rate: got 0.0, expected a number, above 0 and at most 1"]),
        ({"learning_rate": 1.5}, ["at most 1"]),
        ({"learning_rate": "1e-3"}, ["learning_rate: got '1e-3' (text)"]),
        ({"model": "rdnett"}, ["model: got 'rdnett'", "Did you mean 'rdnet_tiny'?"]),
        ({"model": 3}, ["model: got 3, expected one of rdnet_tiny, resnet34, mobilenet_v3_small"]),
        (
            {"source": 7},
            ["source: got 7", "papermill's -p turns digits into a number, its -r keeps the text"],
        ),
        ({"source": " "}, ["source: got ' '"]),
        ({"shuffle": 1}, ["shuffle: got 1", "True or False"]),
        ({"shuffle": "false"}, ["shuffle: got 'false'"]),
        ({"widths": "[1, 2]"}, ["widths: got '[1, 2]'", "-y"]),
        ({"widths": [16, 0]}, ["widths: in the list [16, 0]: got 0", "at least 1"]),
        ({"widths": []}, ["widths: got []"]),
        ({"folder": 3}, ["folder: got 3"]),
        ({"profile": "fast"}, ["profile: got 'fast', expected one of smoke, quick, full"]),
        ({"profile": "smok"}, ["Did you mean 'smoke'?"]),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(given, parts):
    message = error_of(**given)
    for part in parts:
        assert part in message
    assert message.startswith("One parameter does not fit:")


def test_whole_floats_are_whole_numbers_and_whole_numbers_are_floats():
    settings = params.read(namespace(epochs=3.0, learning_rate=1), **KINDS)
    assert settings.epochs == 3 and isinstance(settings.epochs, int)
    assert settings.learning_rate == 1.0 and isinstance(settings.learning_rate, float)


def test_all_problems_are_listed_at_once():
    values = namespace(epochs=-1, model="resnet")
    del values["source"]
    with pytest.raises(params.ParameterError) as caught:
        params.read(values, given=["epoch"], **KINDS)
    message = str(caught.value)
    assert message.startswith("4 parameters do not fit:")
    assert "epoch: this notebook has no such parameter. Did you mean 'epochs'?" in message
    assert "source: missing" in message
    assert "Did you mean 'resnet34'?" in message


def test_names_that_papermill_set_are_found_in_the_history():
    history = ["", "epochs: int = None", "# Parameters\nepoch = 1\nprofile = \"smoke\"\nlr = float('nan')\n"]
    with pytest.raises(params.ParameterError) as caught:
        params.read(namespace(In=history), **KINDS)
    assert "epoch: this notebook has no such parameter" in str(caught.value)
    assert "lr: this notebook" in str(caught.value)
    assert "profile: this" not in str(caught.value)


@pytest.mark.parametrize(
    "source",
    [
        "epoch = 1",  # not papermill's cell
        "# Parameters of my own experiment\nepoch = 1",
        "# Parameters\nepoch = settings.epochs + 1",  # computed: a learner's cell
        "# Parameters\nfor epoch in range(3): pass",
        "# Parameters\nepoch =",  # does not even parse
        "# Parameters\nepochs = 3\nPAPERMILL_INPUT_PATH = 'x.ipynb'",
    ],
)
def test_a_learners_own_variables_raise_nothing(source):
    assert params.read(namespace(In=["", source, None]), **KINDS).profile


def test_settings_are_frozen_and_name_the_nearest_when_asked_for_another():
    settings = params.read(namespace(), **KINDS)
    with pytest.raises(AttributeError, match="frozen: set epochs in the parameters cell"):
        settings.epochs = 3
    with pytest.raises(AttributeError, match=r"no setting 'epoch'. Did you mean 'epochs'\?"):
        _ = settings.epoch
    settings.as_dict()["epochs"] = 99
    assert settings.epochs != 99


def test_the_table_says_where_each_value_is_from():
    settings = params.read(namespace(profile="quick", source="<b>"), **KINDS)
    lines = {line.split()[0]: line for line in repr(settings).splitlines()}
    assert lines["epochs"].split(maxsplit=2)[1:] == ["8", "quick profile"]
    assert lines["source"].endswith("given by hand")
    assert lines["learning_rate"].endswith("all profiles")
    assert list(settings.as_dict()) == ["profile", *KINDS]
    assert "<b>" not in settings._repr_html_() and "&lt;b&gt;" in settings._repr_html_()


def test_mistakes_of_the_notebooks_author_are_found_at_once():
    with pytest.raises(ValueError, match="all of smoke=, quick=, full="):
        params.Int(smoke=1, quick=2)
    with pytest.raises(ValueError, match="one value for all profiles"):
        params.Int()
    with pytest.raises(ValueError, match="default of the profile full is wrong: got 0"):
        params.Int(smoke=1, quick=1, full=0, minimum=1)
    with pytest.raises(ValueError, match="profile is read for every notebook"):
        params.read(namespace(), profile=params.Text("x"))


def test_a_choice_that_there_is_not_names_the_nearest():
    params.check_choice("fit", "crop", ("squash", "crop"))
    with pytest.raises(ValueError, match=r"expected one of squash, crop\. Did you mean 'squash'\?"):
        params.check_choice("fit", "squish", ("squash", "crop"))
    with pytest.raises(ValueError, match=r"^fit is 7; expected one of squash, crop$"):
        params.check_choice("fit", 7, {"squash": 0, "crop": 1})


def test_ipython_shows_the_message_alone():
    code = (
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance(colors='NoColor')\n"
        "shell.run_cell('epochs = -1')\n"
        "shell.run_cell('from course_utils import params')\n"
        "shell.run_cell('params.read(globals(), epochs=params.Int(1, minimum=1))')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    shown = done.stdout.strip().splitlines()
    assert shown == [
        "ParameterError: One parameter does not fit:",
        "  - epochs: got -1, expected a whole number, at least 1",
    ]
