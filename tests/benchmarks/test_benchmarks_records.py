"""Records say which code made them; the runner and RESULTS.md show it. No time is measured here."""

import importlib
import json
import socket
import subprocess
import time

import pytest

from benchmarks import __main__ as runner
from benchmarks import grading, growth, made_up_class, measuring, provenance, results
from benchmarks.record_notebook import without_folders
from benchmarks.registry import BENCHMARKS, Outcome
from course_utils import runtime
from course_utils.classroom.problem_set import read_problem_set


@pytest.fixture
def checkout(tmp_path):
    """A git repository with one commit."""
    git(tmp_path, "init", "--quiet")
    (tmp_path / "code.py").write_text("x = 1\n")
    (tmp_path / ".gitignore").write_text("runs/\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "--quiet", "-m", "one")
    return tmp_path


def git(folder, *arguments):
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_tree_is_clean_but_for_what_is_made_from_records(checkout):
    commit = git(checkout, "rev-parse", "HEAD")
    assert provenance.tree_state(checkout) == {"commit": commit, "clean_tree": True}
    for path in ("benchmarks/recorded/one.json", "RESULTS.md", "runs/log.txt"):
        (checkout / path).parent.mkdir(parents=True, exist_ok=True)
        (checkout / path).write_text("{}")
    assert provenance.tree_state(checkout)["clean_tree"] is True


@pytest.mark.parametrize("path", ["code.py", "new.py", "benchmarks/new.py"])
def test_a_changed_or_new_file_is_told(checkout, path):
    (checkout / path).parent.mkdir(exist_ok=True)
    (checkout / path).write_text("x = 2\n")
    state = provenance.tree_state(checkout)
    assert state["clean_tree"] is False and len(state["commit"]) == 40  # the commit itself stays readable


def test_outside_a_checkout_nothing_is_claimed(tmp_path):
    assert provenance.tree_state(tmp_path) == {"commit": None, "clean_tree": None}


def test_a_tree_that_changes_during_the_measurement_was_not_clean(monkeypatch):
    clean = {"commit": "a" * 40, "clean_tree": True}
    for now, want in (
        (clean, True),
        ({**clean, "commit": "b" * 40}, False),
        ({**clean, "clean_tree": False}, False),
    ):
        monkeypatch.setattr(provenance, "tree_state", lambda root=None, now=now: now)
        made = provenance.origin(clean)
        assert (made["commit"], made["clean_tree"]) == ("a" * 40, want)


@pytest.mark.parametrize(
    ("facts", "words", "warns"),
    [
        ({"commit": "c" * 40, "clean_tree": True}, "commit cccccccccc", False),
        ({"commit": "c" * 40, "clean_tree": False}, "commit cccccccccc", True),
        ({"commit": "c" * 40 + "-dirty"}, "commit cccccccccc", True),  # how records said it before
        ({"commit": "c" * 40}, "commit cccccccccc", False),
        ({"commit": None, "clean_tree": None}, "not known", False),
    ],
)
def test_results_show_whether_the_tree_was_clean(facts, words, warns):
    record = {
        "name": "one", "command": "python -m one", "what": "Something.", "date": "2026-01-01",
        "rows": [measuring.row("ours", [1.0, 2.0, 4.0], "s")],
        "tables": [measuring.table(["step", "s"], [["a", 0.12345], ["b", 2]])],
        "hardware": {"cpu_cores": 2, "processor": "P"},
        "versions": {"python": "3", "torch": "2", "torchvision": "0"},
        **facts,
    }  # fmt: skip
    text = results.ratio_section(record)
    assert words in text and ("**the tree was not clean**" in text) == warns
    assert "| ours | 2 s | 1 to 4 |" in text and "| a | 0.1235 |" in text


def test_a_record_is_written_under_its_name(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(measuring, "RECORDED", tmp_path)
    rows = [measuring.ratio("usual / ours", [4.0, 6.0], [2.0, 2.0])]
    for record, path in (("named", tmp_path / "named.json"), (str(tmp_path / "a" / "b.json"), None)):
        measuring.show_or_record(record, command="c", what="w", rows=rows)
        kept = json.loads((path or tmp_path / "a" / "b.json").read_text(encoding="utf-8"))
        assert kept["rows"][0]["median"] == 2.5 and {"commit", "clean_tree", "versions"} <= kept.keys()
    assert kept["name"] == "b" and "usual / ours" in capsys.readouterr().out


def test_ways_take_turns_and_nobody_is_always_first():
    order = []
    ways = {name: (lambda name=name: order.append(name)) for name in "abc"}
    found = measuring.take_turns(ways, 2, after=lambda: order.append("|"))
    assert "".join(order).replace("|", "") == "abcbcacab" and order.count("|") == 9
    assert {name: len(values) for name, values in found.items()} == {"a": 2, "b": 2, "c": 2}


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_each_benchmark_is_a_program_that_takes_a_record(name):
    module = importlib.import_module(f"benchmarks.{BENCHMARKS[name].module}")
    with open(module.__file__, encoding="utf-8") as file:  # noqa: PTH123
        source = file.read()
    assert '"--record"' in source and callable(module.main)


def test_the_runner_tells_ratios_then_the_limit(tmp_path):
    rows = [
        measuring.row("ours", [1.0], "s"),
        measuring.ratio("ours / decoding alone", [1.1], [1.0]),
        measuring.ratio("the usual loop / ours", [3.0], [1.0]),
    ]
    outcome = Outcome("channel_statistics", 12.0, {"rows": rows})
    head, *lines = runner.told(BENCHMARKS["channel_statistics"], outcome)
    assert head.startswith("channel_statistics: ") and "(12 s)" in head
    assert [line.split("  ")[1].strip() for line in lines[:2]] == ["ratio", "near the limit"]
    assert lines[2].strip() == "the limit is decoding every file on all cores"
    failed = runner.told(BENCHMARKS["splits"], Outcome("splits", 1.0, {}, "exit code 1: no"))
    assert failed[-1].strip() == "FAILED: exit code 1: no"


def test_growth_compares_the_time_of_a_picture():
    found = {"cache": {100: [(1.0, 5e8), (3.0, 6e8)], 1000: [(12.0, 7e8), (24.0, 8e8)]}}
    rows, table = growth.report(found)
    assert rows[0]["median"] == pytest.approx((1.2 + 0.8) / 2)  # 0.012 / 0.01 and 0.024 / 0.03
    assert rows[-1]["median"] == pytest.approx(0.8) and rows[-1]["unit"] == "GB"
    assert table["rows"] == [["cache", 2.0, 18.0, 600, 800]]


def test_growth_counts_children_and_draws_distinct_pictures(tmp_path, monkeypatch):
    import psutil
    from PIL import Image

    assert growth.memory_of_tree(psutil.Process()) > 20e6
    monkeypatch.setattr(growth.runtime, "cpu_count", lambda: 1)
    sets = growth.draw_sets(tmp_path, 100)
    files = {count: sorted(path.glob("*/*.png")) for count, path in sets.items()}
    assert {count: len(paths) for count, paths in files.items()} == {10: 10, 100: 100}
    assert len({path.read_bytes() for path in files[100]}) == 100
    with Image.open(files[10][0]) as picture:
        assert picture.size == (128, 128)


@pytest.mark.parametrize("name", list(BENCHMARKS))
def test_each_benchmark_knows_the_options_that_it_is_started_with(name):
    one = BENCHMARKS[name]
    with open(importlib.import_module(f"benchmarks.{one.module}").__file__, encoding="utf-8") as file:  # noqa: PTH123
        source = file.read()
    for option in (*one.full, *one.quick):
        assert not option.startswith("--") or f'"{option}"' in source, option
    assert one.near and one.limit and one.compares


def test_without_a_warm_up_every_round_counts():
    calls = []
    found = measuring.take_turns({"a": lambda: calls.append(1)}, 2, warm_up=False)
    assert len(calls) == 2 and len(found["a"]) == 2


def test_the_made_up_class_is_of_30_and_its_marks_are_compared(tmp_path):
    problem_set = read_problem_set(runtime.project_root() / "assignments" / "ps1_data.py")
    students = made_up_class.made_up(problem_set, source=tmp_path / "s", secret=tmp_path / "t", port=1)
    assert len({one.student for one in students}) == 30 and len(made_up_class.ATTACKS) == 8
    assert sum(made_up_class.points_of_answers(problem_set).values()) == 38
    by_name = {one.student: one for one in students}
    some = {"good1": 38, "empty1": 0, "frames": 0, "without_copies": 35}
    assert {name: by_name[name].points for name in some} == some
    made_up_class.write_class(problem_set, students, tmp_path / "inbox")
    assert len(list((tmp_path / "inbox").glob("*/*.ipynb"))) == 30
    marks = tmp_path / "marks"
    marks.mkdir()
    for one in students:
        questions = [{"earned": one.points}, {"earned": None}]
        value = {"questions": questions, "status": one.status}
        (marks / f"{one.student.replace(' ', '_')}.json").write_text(json.dumps(value))
    assert made_up_class.wrong_marks(students, marks) == []
    (marks / "frames.json").write_text(json.dumps({"questions": [{"earned": 3}], "status": "graded"}))
    (marks / "good2.json").unlink()
    assert made_up_class.wrong_marks(students, marks) == [
        "good2: no marks",
        "frames: got (3, 'graded'), expected (0, 'graded')",
    ]


def test_who_connects_is_counted():
    with grading.listening() as (port, calls):
        with socket.create_connection(("127.0.0.1", port), 5):
            pass
        for _ in range(100):
            if calls:
                break
            time.sleep(0.05)
    assert len(calls) == 1


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("source=/home/ada/photos/food11_64px", "source=food11_64px"),
        ("source=sample", "source=sample"),
        ("sizes=[16, 64]", "sizes=[16, 64]"),
    ],
)
def test_a_record_does_not_tell_where_data_lie(given, shown):
    assert without_folders(given) == shown
