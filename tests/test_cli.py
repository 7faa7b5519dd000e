import subprocess
import sys

import pytest
from PIL import Image

from course_utils import cli
from course_utils.cli.notebooks import parse_assignments


def run(capsys, *arguments):
    code = cli.main(list(arguments))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["run"],
        ["notebooks"],
        ["notebooks", "store"],
        ["notebooks", "check"],
        ["notebooks", "nav"],
        ["doctor"],
        ["submit"],
        ["data"],
        ["data", "prepare"],
        ["data", "list"],
        ["data", "check"],
    ],
)
def test_every_command_has_help(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        cli.main([*arguments, "--help"])
    assert caught.value.code == 0
    assert "usage: python -m course_utils" in capsys.readouterr().out


def test_wrong_use_exits_with_2_and_one_message(capsys):
    code, out, err = run(capsys, "run", "no_such_notebook")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and err.startswith("python -m course_utils: ")
    with pytest.raises(SystemExit) as caught:
        cli.main(["run", "--profile", "fast"])
    assert caught.value.code == 2


def test_debug_shows_where_the_error_is_from(capsys):
    with pytest.raises(ValueError):
        cli.main(["run", "no_such_notebook", "--debug"])


def test_parameters_are_name_and_value():
    assert parse_assignments(["a=1", "b=x=y", "c="]) == {"a": "1", "b": "x=y", "c": ""}
    for texts in (["a"], ["=1"], ["a b=1"], ["1a=1"]):
        with pytest.raises(ValueError, match="expected NAME=VALUE"):
            parse_assignments(texts)
    with pytest.raises(ValueError, match="a is given twice"):
        parse_assignments(["a=1", "a=2"])


def test_two_profiles_contradict_each_other(capsys):
    code, _, err = run(capsys, "run", "--profile", "smoke", "-p", "profile=full")
    assert code == 2 and "contradict" in err


def test_a_missing_package_is_named_without_a_traceback(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "papermill", None)
    for name in [name for name in sys.modules if name.startswith("course_utils.notebooks")]:
        monkeypatch.delitem(sys.modules, name)
    code, _, err = run(capsys, "run", "01")
    assert code == 2
    assert "papermill" in err and "pip install -r requirements.txt" in err


def test_data_sets_are_listed_and_described(capsys):
    code, out, _ = run(capsys, "data", "list")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == [
        "name",
        "digits",
        "seedlings",
        "food11",
        "satellite",
    ]
    code, out, _ = run(capsys, "data", "list", "digits")
    assert code == 0 and "licence" in out


def test_every_name_is_checked_before_anything_is_prepared(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    code, out, err = run(capsys, "data", "prepare", "digits", "satelite")
    assert (code, out) == (2, "") and "Did you mean 'satellite'?" in err
    assert not (tmp_path / "data").exists()
    code, _, err = run(capsys, "data", "check")
    assert code == 2 and "no data set is prepared" in err


def test_checking_a_folder_with_a_damaged_picture_exits_with_1(capsys, tmp_path):
    for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8), name.encode()[0]).save(tmp_path / name)
    code, out, _ = run(capsys, "data", "check", str(tmp_path))
    assert code == 0 and "3 pictures, 2 classes" in out
    (tmp_path / "dog" / "2.png").write_bytes(b"no picture")
    code, out, _ = run(capsys, "data", "check", str(tmp_path))
    assert code == 1 and "2.png" in out


def test_doctor_tells_what_there_is(capsys):
    code, out, _ = run(capsys, "doctor")
    facts = dict(line.split(maxsplit=1) for line in out.splitlines() if line)
    assert code == 0
    assert {"python", "torch", "processor", "memory", "data", "network", "packages"} <= facts.keys()
    assert facts["packages"] == "all there"


def test_doctor_works_without_torch():
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import importlib.util as util; found = util.find_spec\n"
        "util.find_spec = lambda name, *rest: None if name == 'torch' else found(name, *rest)\n"
        "from course_utils import cli; sys.exit(cli.main(['doctor']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1, done.stderr
    assert "packages      missing: torch" in done.stdout
    assert "pip install -r requirements.txt" in done.stdout


def test_the_module_runs_as_a_program(tmp_path):
    command = [sys.executable, "-m", "course_utils", "--version"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == cli.__version__
