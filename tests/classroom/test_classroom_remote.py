"""Values cross without pickle; a student's code is called from outside, bounded, and cannot fake a result."""

import math
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

from course_utils import runtime
from course_utils.classroom import grading, landlock
from course_utils.classroom.building import release_notebook
from course_utils.classroom.problem_set import read_problem_set
from course_utils.classroom.remote import ForbiddenError, Limits, Proxy, Remote, StudentError
from course_utils.classroom.values import Handle, decode, encode

pytestmark = pytest.mark.slow  # it starts processes

PLAIN = [
    None, True, 0, -(2**80), 1.5, math.inf, "ünï 中文 \x00", b"\x00\xff", [], [1, [2.0, "x"]], (1, (2,)),
    {"a": [1, None], 3: (4.0,), (1, 2): b""},
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN, ids=repr)
def test_plain_values_come_back_equal_and_of_the_same_type(value):
    again = decode(encode(value))
    assert again == value and type(again) is type(value)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32", "float64", "complex64"])
@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3, 4)])
def test_arrays_and_tensors_come_back(dtype, shape):
    array = np.asarray((np.arange(math.prod(shape)).reshape(shape) * 3).astype(dtype))
    for value in (array, array.T, torch.from_numpy(np.asarray(array.copy()))):
        again = decode(encode(value))
        assert type(again) is type(value) and again.dtype == value.dtype
        np.testing.assert_array_equal(np.asarray(again), np.asarray(value))
    scalar = decode(encode(np.float32(0.1)))
    assert type(scalar) is np.float32 and scalar == np.float32(0.1)
    assert math.isnan(decode(encode(math.nan)))


def test_what_is_no_plain_value_needs_a_keeper_and_comes_as_a_handle():
    class Sly(list):
        def __eq__(self, other):
            return True

    kept = []
    for value in (Sly(), object(), np.array([object()]), len):
        with pytest.raises(TypeError, match="no plain value"):
            encode(value)
        handle = decode(encode([value], lambda one: kept.append(one) or len(kept) - 1))[0]
        assert type(handle) is Handle and kept[handle.number] is value


def test_damaged_messages_are_refused():
    whole = encode({"a": np.arange(5), "b": [1, 2.5, "x"]})
    for length in range(len(whole)):
        with pytest.raises(ValueError, match="not a message"):
            decode(whole[:length])
    for bad in (b'{"object": 1}', b'{"array": ["|O", [1], 0]}', b"[1]", b"1", b'{"bytes": 7}'):
        with pytest.raises(ValueError, match="not a message"):
            decode(len(bad).to_bytes(8, "big") + (0).to_bytes(4, "big") + bad)


STUDENT = """
import numpy as np

def double(values, *, plus=0):
    print("called")
    return [2 * value + plus for value in values]

class Counter:
    def __init__(self, start):
        self.count = start
    def add(self, more):
        self.count += more
        return self.count
    def __iter__(self):
        return iter([self.count, self])

class Always:
    def __eq__(self, other):
        return True
    def __bool__(self):
        return True

class SlyFloat(float):
    def __eq__(self, other):
        return True
    def __sub__(self, other):
        return 0.0

sly, number, sly_number = Always(), 7, SlyFloat(3.0)
apply = lambda function, value: function(value)
"""


@pytest.fixture(scope="module")
def remote():
    with Remote(limits=Limits(request_s=5, memory_bytes=1 << 30)) as started:
        started.run("answers", STUDENT)
        yield started


def test_functions_are_called_over_there(remote):
    double = remote.get("double")
    assert double([1, 2], plus=1) == [3, 5]
    np.testing.assert_array_equal(double(np.arange(3)), [0, 2, 4])
    assert remote.get("number") == 7
    assert "called" in remote.printed


def test_objects_stay_there_and_are_used_through_their_handles(remote):
    counter = remote.get("Counter")(5)
    assert isinstance(counter, Proxy) and counter.add(2) == 7 and counter.count == 7
    first, second = counter
    assert first == 7 and second.count == 7
    assert remote.get("apply")(counter.add, 1) == 8


def test_an_object_that_says_it_equals_everything_equals_nothing(remote):
    for name in ("sly", "sly_number"):
        sly = remote.get(name)
        assert (sly == 3.0) is False and sly != 3.0 and sly not in [3.0]
        with pytest.raises(StudentError, match="not a plain value"):
            bool(sly)
        with pytest.raises(TypeError):
            abs(sly - 3.0)


def test_errors_of_the_student_arrive_as_text_with_the_line(remote):
    with pytest.raises(StudentError, match=r"TypeError: .*\(<answers> line 6\)"):
        remote.get("double")([1], plus="x")
    with pytest.raises(StudentError, match="NameError: missing is not defined"):
        remote.get("missing")
    with pytest.raises(StudentError, match="SystemExit: 3"):
        remote.run("end", "import sys; sys.exit(3)")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("while True: pass", "endless loop"),
        ("hoard = np.ones(3 << 27)", "(MemoryError|more than 1024 MB|ended its process)"),
        ("import os; os._exit(0)", "ended its process"),
    ],
)
def test_time_memory_and_ends_are_bounded_and_the_rest_goes_on(remote, code, words):
    with pytest.raises(StudentError, match=words):
        remote.run("bad", code)
    assert remote.get("double")([4]) == [8]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("open({secret!r}).read()", "tried to read"),
        ("import os; os.listdir({folder!r})", "tried to read"),
        ("open({new!r}, 'w')", "tried to write"),
        ("import os; os.remove({secret!r})", "tried to change"),
        ("import os; os.open({secret!r}, os.O_WRONLY)", "tried to write"),
        ("import os; os.symlink({secret!r}, 'link'); open('link').read()", "tried to"),
        ("import socket; socket.socket()", "network"),
        ("import os; os.fork()", "process"),
        ("import subprocess; subprocess.Popen(['true'])", "process"),
        ("import subprocess; subprocess._fork_exec()", "process"),
        ("import _posixsubprocess; _posixsubprocess.fork_exec()", "process"),
        ("import sqlite3; sqlite3.connect({new!r})", "tried to write"),
        ("import os; os.kill(os.getppid(), 9)", "process"),
        ("import ctypes; ctypes.CDLL(None)", "below Python"),
        ("import gc; gc.get_objects()", "below Python"),
        ("try:\n    open({secret!r})\nexcept BaseException:\n    pass", "tried to read"),
    ],
)
def test_F37_what_no_solution_needs_ends_the_submission(tmp_path, code, words):
    secret = tmp_path / "solution.py"
    secret.write_text("42")
    names = {"secret": str(secret), "folder": str(tmp_path), "new": str(tmp_path / "new")}
    with Remote() as remote, pytest.raises(ForbiddenError, match=words):
        remote.run("attack", code.format(**names))
    assert secret.read_text() == "42" and sorted(tmp_path.iterdir()) == [secret]


@pytest.mark.skipif(landlock.version() < 1, reason="needs Linux with Landlock")
@pytest.mark.parametrize(
    "code",
    [
        "import torch; found = bytes(torch.from_file({secret!r}, size=2, dtype=torch.uint8).tolist())",
        "from torchvision.io import read_file; found = bytes(read_file({secret!r}).tolist())",
        "import torch; torch._C.PyTorchFileWriter({new!r}); found = b'wrote'",
        "import ssl; ssl.create_default_context().load_cert_chain({secret!r}); found = b'read'",
    ],
)
def test_F37_what_libraries_open_in_C_is_refused_by_the_kernel(tmp_path, code):
    secret = tmp_path / "solution.py"
    secret.write_text("42")
    with Remote(import_first=["numpy", "torch", "torchvision"]) as remote:
        with pytest.raises(StudentError, match="Error: "):
            remote.run("attack", code.format(secret=str(secret), new=str(tmp_path / "new.pt")))
        with pytest.raises(StudentError, match="found is not defined"):
            remote.get("found")
    assert sorted(tmp_path.iterdir()) == [secret]


def test_F37_the_checkout_beside_the_package_is_out_of_reach(tmp_path, monkeypatch):
    root = runtime.project_root()
    monkeypatch.setenv("PYTHONPATH", str(root))  # what is on the path may be read, but for what is hidden
    mark = grading.grade_one(
        read_problem_set(Path(__file__).with_name("tiny.py")),
        handed_in_with(tmp_path, middle=f"found = open({str(Path(__file__))!r}).read()"),
        student="x",
    )
    assert mark.status == "forbidden" and mark.earned == 0 and "tried to read" in mark.reason


def handed_in_with(folder, **answers):
    notebook = release_notebook(read_problem_set(Path(__file__).with_name("tiny.py")))
    for cell in notebook.cells:
        cell.source = answers.get(cell.metadata.nbgrader.grade_id, cell.source)
    nbformat.write(notebook, folder / "tiny.ipynb")
    return folder / "tiny.ipynb"


def test_F37_all_files_together_are_bounded():
    with Remote(limits=Limits(folder_bytes=3 << 20)) as remote:
        with pytest.raises(StudentError, match="wrote files of more than 3 MB"):
            remote.run("many", "for n in range(4): open(f'{n}', 'wb').write(bytes(1 << 20))")
        remote.run("again", "import os; left = os.listdir()")
        assert remote.get("left") == []


def test_what_is_hidden_inside_a_readable_folder_is_left_out(tmp_path):
    for name in ("a/x", "a/y/z", "b/c"):
        (tmp_path / name).mkdir(parents=True)
    assert landlock.without(tmp_path, [tmp_path / "a" / "y"]) == [tmp_path / "a" / "x", tmp_path / "b"]
    assert landlock.without(tmp_path / "b", [tmp_path / "a"]) == [tmp_path / "b"]
    assert landlock.without(tmp_path / "b" / "c", [tmp_path / "b"]) == []


def test_own_files_and_readable_folders_can_be_used(tmp_path):
    (tmp_path / "given.txt").write_text("hello")
    (tmp_path / "hidden").mkdir()
    (tmp_path / "hidden" / "key.txt").write_text("secret")
    with Remote(readable=[tmp_path], hidden=[tmp_path / "hidden"]) as remote:
        remote.run("own", "open('mine.txt', 'w').write('x'); text = open('mine.txt').read()")
        assert remote.get("text") == "x"
        remote.run("given", f"given = open({str(tmp_path / 'given.txt')!r}).read()")
        assert remote.get("given") == "hello"
        remote.run("imports", "import statistics, fractions; mean = statistics.mean([1, 3])")
        assert remote.get("mean") == 2
        with pytest.raises(ForbiddenError, match="tried to read"):
            remote.run("key", f"open({str(tmp_path / 'hidden' / 'key.txt')!r})")
