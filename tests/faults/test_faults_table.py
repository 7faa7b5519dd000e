"""docs/faults.md names, for each fault, a file that really holds a test of it."""

import re

from course_utils import runtime

ROW = re.compile(r"^\| (F\d+) \| ([^|]+) \| ([^|]+) \| ?([^|]*) ?\|$", re.MULTILINE)


def test_every_fault_of_the_table_has_a_test_or_a_reason():
    rows = ROW.findall((runtime.project_root() / "docs" / "faults.md").read_text(encoding="utf-8"))
    numbers = [int(number.removeprefix("F")) for number, _, _, _ in rows]
    assert numbers == sorted(set(numbers)) and len(rows) == 37
    for number, _, here, test in rows:
        if not test.strip():
            assert here.startswith("no test yet: "), number
            continue
        text = (runtime.project_root() / "tests" / test.strip()).read_text(encoding="utf-8")
        assert re.search(rf"^def test_\w*{number}_", text, re.MULTILINE), f"{test} has no test of {number}"
