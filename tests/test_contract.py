"""The package keeps its shape: who imports whom, what an import costs, who reads the environment."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MOST_LINES = 320
HEAVY = (
    "torch",
    "torchvision",
    "timm",
    "numpy",
    "matplotlib",
    "PIL",
    "sklearn",
    "papermill",
    "nbconvert",
    "IPython",
)


def test_imports_go_downwards_only():
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command; lint_imports_command()",
    ]
    done = subprocess.run([*command, "--no-cache"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"Contracts: \d+ kept, 0 broken", done.stdout)


@pytest.mark.parametrize(
    "module",
    [
        "course_utils",
        "course_utils.files",
        "course_utils.runtime",
        "course_utils.params",
        "course_utils.runs",
    ],
)
def test_the_frame_imports_no_heavy_library(module):
    assert loaded_by(f"import {module}") == set()


def test_help_of_the_command_line_imports_no_heavy_library():
    code = "import course_utils.cli as cli\ntry: cli.main(['run', '--help'])\nexcept SystemExit: pass"
    assert loaded_by(code) == set()


def test_only_runtime_reads_the_environment():
    reading = re.compile(r"\b(environ|getenv|putenv)\b")
    found = [
        path.relative_to(ROOT).as_posix()
        for path in sorted((ROOT / "course_utils").rglob("*.py"))
        if reading.search(path.read_text(encoding="utf-8"))
    ]
    assert found == ["course_utils/runtime.py"]


def test_no_file_is_long_without_a_reason():
    """A file over 320 lines says in its first comment why it is one, after the word `length:`."""
    folders = ("course_utils", "benchmarks", "tests", "docs", "assignments")
    for path in (path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))):
        lines = path.read_text(encoding="utf-8").splitlines()
        if len(lines) > MOST_LINES:
            assert any("length:" in line for line in lines[:10]), (
                f"{path.relative_to(ROOT)}: {len(lines)} lines"
            )


def test_errors_speak_in_one_voice():
    """One sentence ends without a full stop, several end with one each; none begins with a capital letter.

    Reasons of exercises (`Wrong`) go on after "Not yet: " and have a form of their own.
    """
    odd = []
    for path in sorted((ROOT / "course_utils").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and node.exc.args:
                text = spoken(node.exc.args[0])
                several = re.search(r"[.?!][)'\"`]? +[A-Z`{]|}\s+[A-Z][a-z]", text)
                if ast.unparse(node.exc.func) == "Wrong" or len(text) < 12:
                    continue
                wrong_end = r"[\w)'\"`]$" if several else r"(?<!\.\.)\.$"
                if re.search(wrong_end, text) or re.match("[A-Z][a-z]", text):
                    odd.append(f"{path.relative_to(ROOT)}:{node.lineno}: {text}")
    assert not odd, "\n".join(odd)


def spoken(node: ast.expr) -> str:
    """Give the text of a string in the source, with {} for what is filled in."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(map(spoken, node.values))
    return spoken(node.left) + spoken(node.right) if isinstance(node, ast.BinOp) else "{}"


def loaded_by(code: str) -> set[str]:
    """Give which heavy libraries a fresh Python has loaded after `code`."""
    code += f"\nimport sys\nprint('loaded:', *[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])
