"""docs/faults.md names, for each fault of its table, the figure shown and every test that shows it.

    python tests/faults/test_faults_table.py

prints the rows of the second table's last column as the tests have them, to be copied there.
"""

import ast
import re
from collections import defaultdict

from course_utils import runtime

TESTS = runtime.project_root() / "tests"
ROW = re.compile(r"^\| (F\d+) \| (.+) \| (.+) \|$", re.MULTILINE)


def by_id() -> dict[str, dict[str, list[str]]]:
    """Give the names of the tests of each fault, by id and file."""
    found: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for path in sorted(TESTS.rglob("test_*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                for number in re.findall(r"_(F\d+)(?=_)", node.name):
                    found[number][path.relative_to(TESTS).as_posix()].append(node.name)
    return found


def in_words(files: dict[str, list[str]]) -> str:
    """Give the cell of the table for the tests of one fault."""
    return "<br>".join(
        f"{file}: {', '.join(f'`{name}`' for name in names)}" for file, names in sorted(files.items())
    )


def halves() -> tuple[list[tuple[str, str, str]], list[tuple[str, str, str]]]:
    """Give the rows of the table of faults and of the table of tests."""
    text = (runtime.project_root() / "docs" / "faults.md").read_text(encoding="utf-8")
    faults, _, shown = text.partition("## What the tests show")
    return ROW.findall(faults), ROW.findall(shown)


def test_every_fault_of_the_table_has_its_figure_and_its_tests():
    faults, shown = halves()
    numbers = [int(number.removeprefix("F")) for number, _, _ in faults]
    assert numbers == sorted(set(numbers)) and len(faults) == 37
    assert [number for number, _, _ in shown] == [number for number, _, _ in faults]
    there = by_id()
    assert set(there) == {number for number, _, _ in shown}
    for number, _, tests in shown:
        assert tests == in_words(there[number]), f"{number}: run this file and copy its line"


if __name__ == "__main__":
    for number, files in sorted(by_id().items(), key=lambda item: int(item[0][1:])):
        print(f"{number}: {in_words(files)}")
