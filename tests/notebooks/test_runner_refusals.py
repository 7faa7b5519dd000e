"""What the runner refuses before a kernel starts: names, types, folders; how it finds notebooks."""

import io

import nbformat
import pytest

from course_utils import notebooks
from course_utils.notebooks import inspecting
from course_utils.notebooks.finding import find_notebooks
from course_utils.params import ParameterError

# What is refused before a kernel starts


def refused(paths, parameters, **options):
    with pytest.raises(ValueError) as caught:
        notebooks.run_notebooks(paths, parameters=parameters, stream=io.StringIO(), **options)
    return str(caught.value)


@pytest.fixture
def no_kernel(monkeypatch):
    def started(*arguments: object, **options: object) -> None:
        raise AssertionError("a kernel was started")

    monkeypatch.setattr("course_utils.notebooks.kernels.execute", started)


def test_F32_a_name_that_no_notebook_declares_is_refused_with_the_nearest(tmp_path, make_notebook, no_kernel):
    paths = [make_notebook(tmp_path / "01_a.ipynb"), make_notebook(tmp_path / "02_b.ipynb")]
    out = tmp_path / "out"
    message = refused(paths, {"epoch": "3", "epochs": "x"}, out=out)
    assert "epoch: no chosen notebook has such a parameter. Did you mean 'epochs'?" in message
    assert "epochs: got 'x', expected int in 01_a" in message
    assert not out.exists()


def test_a_wrong_profile_is_refused(tmp_path, make_notebook, no_kernel):
    message = refused([make_notebook(tmp_path / "01_a.ipynb")], {}, profile="fast", out=tmp_path / "out")
    assert "profile: got 'fast', expected one of smoke, quick, full" in message


@pytest.mark.parametrize(
    ("text", "type_name", "value"),
    [
        ("007", "str", "007"),
        ("007", "int", 7),
        ("-1", "int", -1),
        ("1e-3", "float", 0.001),
        ("2", "float", 2.0),
        ("true", "bool", True),
        ("No", "bool", False),
        ("[1, 2]", "list", [1, 2]),
        ("1, 2", "list", [1, 2]),
        ('["a"]', "list", ["a"]),
        (3, "int", 3),
        ((1, 2), "list", [1, 2]),
        (True, "bool", True),
    ],
)
def test_text_is_read_as_the_declared_type(text, type_name, value):
    result = inspecting.as_declared(text, type_name)
    assert result == value and type(result) is type(value)


@pytest.mark.parametrize(
    ("value", "type_name"),
    [
        ("x", "int"),
        ("1.5", "int"),
        ("x", "float"),
        ("2", "bool"),
        ("maybe", "bool"),
        ("[1", "list"),
        ("a", "list"),
        (True, "int"),
        (1.5, "int"),
        (True, "float"),
        (3, "str"),
        (1, "bool"),
        ("", "int"),
    ],
)
def test_another_type_is_refused(value, type_name):
    with pytest.raises(ValueError, match=rf"got .* expected {type_name}"):
        inspecting.as_declared(value, type_name)


def test_parameters_are_declared_once_and_with_a_type(tmp_path, make_notebook):
    path = make_notebook(tmp_path / "01_a.ipynb")
    declared = inspecting.declared_parameters(path)
    assert [(parameter.name, parameter.type_name) for parameter in declared.values()] == [
        ("profile", "str"),
        ("epochs", "int"),
        ("model", "str"),
    ]
    assert declared["epochs"].help == "passes"
    untyped = make_notebook(tmp_path / "02_b.ipynb", parameters="epochs = None")
    with pytest.raises(ValueError, match="epochs declares the type None; write it as `epochs: int = None"):
        inspecting.declared_parameters(untyped)
    nb = nbformat.read(path, as_version=4)
    nb.cells[2].metadata["tags"] = ["parameters"]
    nbformat.write(nb, path)
    with pytest.raises(ValueError, match="has 2 cells tagged `parameters`; it needs exactly one"):
        inspecting.declared_parameters(path)


def test_a_folder_with_something_in_it_is_refused(tmp_path, make_notebook, no_kernel):
    (tmp_path / "mine.txt").write_text("mine")
    assert "holds something already" in refused([make_notebook(tmp_path / "01_a.ipynb")], {}, out=tmp_path)


def test_notebooks_are_found_by_number_name_and_path(tmp_path, make_notebook):
    first = make_notebook(tmp_path / "01_mean_std.ipynb")
    second = make_notebook(tmp_path / "10_rdnet.ipynb")
    make_notebook(tmp_path / ".ipynb_checkpoints" / "01_mean_std-checkpoint.ipynb")
    assert find_notebooks(folder=tmp_path) == [first, second]
    for name in ("01", "1", "01_mean_std", "01_mean_std.ipynb", str(first), first):
        assert find_notebooks([name], folder=tmp_path) == [first]
    assert find_notebooks(["10", "01", "10"], folder=tmp_path) == [second, first]
    with pytest.raises(ValueError, match=r"no notebook '01_meam'.* Did you mean '01_mean_std'\?"):
        find_notebooks(["01_meam"], folder=tmp_path)
    with pytest.raises(ValueError, match="there is no notebook in"):
        find_notebooks(folder=tmp_path / "empty")
    make_notebook(tmp_path / "01_other.ipynb")
    with pytest.raises(ValueError, match="fits several notebooks: 01_mean_std, 01_other"):
        find_notebooks(["01"], folder=tmp_path)


def test_parameter_errors_are_value_errors():
    assert issubclass(ParameterError, ValueError)
