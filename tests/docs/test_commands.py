"""Every command and every piece of code on README.md and CONTRIBUTING.md works, in order, in a fresh clone.

`RULES` says for each command how it is run here. A command without a rule fails, and so does a rule that no
command needs any more. Long work is made short by what is added to the command or by the profile smoke.
"""

import re
import shutil
import sys
from collections.abc import Callable
from typing import NamedTuple

import pytest
from clone import ROOT, Clone
from pages import Edit, Section, read_page

README = read_page(ROOT / "README.md")
CONTRIBUTING = read_page(ROOT / "CONTRIBUTING.md")
WALKS = ("A model", "A data set", "An exercise", "A notebook")
MOST_FILES = 3
# A test file that takes a second, for commands that would run the whole suite, and this file in it.
FEW_TESTS = "tests/test_files.py"


class Rule(NamedTuple):
    """How the commands that a pattern fits are run, and why not just as they stand."""

    pattern: str
    run: Callable[[Clone, str], object]
    why: str


def as_it_stands(clone: Clone, command: str) -> None:
    clone.run(command)


def with_more(arguments: str) -> Callable[[Clone, str], object]:
    return lambda clone, command: clone.run(f"{command} {arguments}")


def with_few_tests(clone: Clone, command: str) -> None:
    # `make check` names the folder itself: the same test, and nothing below tests/ is even read.
    chosen = "-k test_files --ignore-glob=tests/*/*" if command == "make check" else FEW_TESTS
    printed = clone.run(command, PYTEST_ADDOPTS=chosen)
    assert re.search(r"\d+ passed", printed) and "failed" not in printed


def served(clone: Clone, command: str) -> None:
    clone.serve(command)


def nothing_installed(clone: Clone, command: str) -> None:
    printed = clone.run(command, PIP_DRY_RUN="1", PIP_NO_INDEX="1", PIP_NO_BUILD_ISOLATION="0")
    assert "Requirement already satisfied: torch" in printed


def nothing_left(clone: Clone, command: str) -> None:
    assert "is finished, nothing is left to resume" in clone.run(f"! {command}")


def told_by_hand(clone: Clone, command: str) -> None:
    assert "By hand:" in clone.run(f"! {command}", PYTHONPATH=f"{_without_kagglehub(clone)}:{clone.root}")


def only_said(says: str) -> Callable[[Clone, str], None]:
    def run(clone: Clone, command: str) -> None:
        assert says in clone.run(f"{command} --dry-run")

    return run


def activated(clone: Clone, command: str) -> None:
    assert shutil.which("python", path=clone.environment["PATH"]).startswith(sys.prefix)


def at_smoke(clone: Clone, command: str) -> None:
    clone.run(f"python -m course_utils run {command.split()[-1]} --profile smoke")


COURSE = "python -m course_utils"
SHORT = "--epochs 1 --set data.max_images=100"
# Else a few seconds go by with finding out which of four ways is the fastest; tests/training has it.
ONE_WAY = "--set training.precision=float32 --set training.memory_format=channels_last"
RULES = (
    Rule("make course", only_said(f"{COURSE} run"), "the next line is what make runs"),
    Rule(f"{COURSE} run", with_more("03"), "at smoke, by the environment; nbval runs the others so"),
    Rule(f"{COURSE} run 00", as_it_stands, "at smoke, by the environment"),
    Rule("make venv", as_it_stands, "finds all done: the environment of the tests stands in for .venv"),
    Rule("make (test|check)|python -m pytest -n 2 --dist loadfile", with_few_tests, "else it runs itself"),
    Rule("make lab|jupyter lab notebooks/", served, "no window; it has to answer, and is stopped"),
    Rule("source .venv/bin/activate", activated, "the Python of the tests is active instead"),
    Rule("pip install -r requirements.txt", nothing_installed, "no network: pip says that all is there"),
    Rule(f"{COURSE} data prepare .* --source kaggle", told_by_hand, "no network: it has to say what to do"),
    Rule(
        f"{COURSE} train seedlings_.*",
        with_more(f"{SHORT} {ONE_WAY} --name seedlings_efficientnet_lite0"),
        "long",
    ),
    Rule(
        rf"(torchrun .*-m course_utils|{COURSE}) train (digits|food11)_.*",
        with_more(SHORT),
        "long",
    ),
    Rule(f"{COURSE} train satellite_.*", with_more(f"{SHORT} {ONE_WAY}"), "long"),
    Rule(f"{COURSE} notebooks store 00", at_smoke, "its quick run is no matter of this test"),
    Rule(f"{COURSE} (doctor|evaluate|predict|submit|models|class) ?.*", as_it_stands, ""),
    Rule(
        f"{COURSE} resume .*", nothing_left, "the run is whole; stopped ones: faults/test_faults_training.py"
    ),
    Rule(f"{COURSE} run .+ --profile smoke.*|papermill .* -p profile smoke .*", as_it_stands, ""),
    Rule(f"{COURSE} data (list|check .+|prepare shapes)", as_it_stands, ""),
    Rule(f"{COURSE} notebooks (store 18|nav|check)", as_it_stands, ""),
    Rule("python -m zipfile -e ~/Downloads/plant-seedlings-classification.zip .+", as_it_stands, ""),
    Rule("python -m pytest tests/.+", as_it_stands, ""),
    Rule("python -m benchmarks.results", as_it_stands, ""),
    Rule("jupytext .+|rm notebooks/.+py", as_it_stands, ""),
)


def rules_of(command: str) -> list[Rule]:
    return [rule for rule in RULES if re.fullmatch(rule.pattern, command)]


def commands_of(sections: list[Section], *, but: tuple[str, ...] = ()) -> list[str]:
    return [command for section in sections if section.title not in but for command in section.commands]


def carry_out(clone: Clone, command: str) -> None:
    (rule,) = rules_of(command)
    rule.run(clone, command)


def _without_kagglehub(clone: Clone) -> str:
    folder = clone.home / "without"
    folder.mkdir(exist_ok=True)
    (folder / "kagglehub.py").write_text("raise ImportError('not here')\n")
    return str(folder)


def test_every_command_has_one_rule_and_every_rule_a_command():
    commands = commands_of(README) + commands_of(CONTRIBUTING)
    assert {command: len(rules_of(command)) for command in commands} == dict.fromkeys(commands, 1)
    needed = {rule.pattern for command in commands for rule in rules_of(command)}
    assert needed == {rule.pattern for rule in RULES}


def test_the_chinese_page_has_no_commands_of_its_own():
    chinese = commands_of(read_page(ROOT / "README.zh-CN.md"))
    assert chinese and [command for command in chinese if command not in commands_of(README)] == []


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """One clone for the commands of both pages, with a small set where a reader's download would be."""
    from course_utils.data.samples import seedlings

    clone = Clone(tmp_path_factory.mktemp("reader"))
    pictures = tmp_path_factory.mktemp("kaggle")
    seedlings.write(pictures, num_images=160)
    (clone.home / "Downloads").mkdir()
    archive = clone.home / "Downloads" / "plant-seedlings-classification"
    shutil.make_archive(str(archive), "zip", pictures)
    return clone


@pytest.mark.slow
@pytest.mark.parametrize("command", commands_of(README))
def test_readme(clone, command):
    carry_out(clone, command)  # fails if the command does
    assert clone.changed() == set(), "what the page's commands make is not for git"


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [c for c in commands_of(CONTRIBUTING, but=WALKS) if c not in commands_of(README)]
)
def test_contributing(clone, command):
    carry_out(clone, command)
    assert clone.changed() == set(), "what the page's commands make is not for git"


@pytest.mark.slow
@pytest.mark.parametrize("title", WALKS)
def test_walk_through(tmp_path, title):
    clone = Clone(tmp_path)
    (section,) = (one for one in CONTRIBUTING if one.title == title)
    by_hand = {as_notebook(edit.path) for edit in section.edits}
    assert 1 <= len(by_hand) <= MOST_FILES
    for step in section.steps:
        if isinstance(step, Edit):
            step.apply(clone.root)
        else:
            carry_out(clone, step)
    changed = clone.changed()
    assert by_hand <= changed
    written = {
        "README.md",
        "docs/glossary.md",
        "notebooks/measured.json",
        "notebooks/17_your_own_images.ipynb",
    }
    assert changed - by_hand <= (written if title == "A notebook" else set())
    clone.run("lint-imports")
    for check in ("ruff format --check", "ruff check"):
        clone.run(f"{check} {' '.join(path for path in sorted(by_hand) if not path.endswith('.md'))}")


def as_notebook(path: str) -> str:
    """Give the notebook that a text in notebooks/ becomes; other paths as they are."""
    return re.sub(r"^(notebooks/.+)\.py$", r"\1.ipynb", path)
