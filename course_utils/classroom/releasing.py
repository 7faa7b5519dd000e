"""What students get: a zip with the notebook, a check of their set-up and one of their work."""

import io
import zipfile
from pathlib import Path

import nbformat

from course_utils import files
from course_utils.classroom.building import release_notebook
from course_utils.classroom.problem_set import ProblemSet

_WHEN = (2026, 1, 1, 0, 0, 0)  # the same bytes at every release
_CHECK_ENVIRONMENT = '''"""Is everything there that the problem set needs? Run: python check_environment.py"""

import importlib.util
import sys

NEEDED = {needed!r}

if sys.version_info < (3, 11):
    sys.exit(f"Python 3.11 or newer is needed, this is {{sys.version.split()[0]}}")
missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if missing:
    sys.exit(f"missing: {{', '.join(missing)}}. Install the course first: pip install -r requirements.txt")
print("Everything is there.")
'''
_CHECK_WORK = '''"""Before you hand in: are all cells there, and do the tests that you see pass?

    python check_my_work.py
"""

import sys

from course_utils.classroom.self_check import main

sys.exit(main("{name}.ipynb"))
'''
_READ_ME = """{title}

1. python check_environment.py     says whether your machine has what is needed
2. jupyter lab {name}.ipynb        work; write your answers where it says so
3. python check_my_work.py         says whether all cells are there and the tests that you see pass
4. hand in {name}.ipynb, and only that

Do not delete, copy, split or rename cells. Add cells of your own as you like; they are not graded.
When your work is graded, more tests are run than those you see: they ask the same questions of other numbers.
"""


def write_release(problem_set: ProblemSet, target: str | Path, *, pictures: Path | None = None) -> Path:
    """Write the students' zip into the folder `target`; the same source gives the same bytes.

    `pictures`: a folder that goes along as contest/.
    """
    name = problem_set.name
    modules = {
        module.split(".")[0]
        for cell in problem_set.of_kind("given", "answer", "test")
        for module in cell.modules
    }
    notebook = nbformat.writes(release_notebook(problem_set)) + "\n"
    contents = {
        f"{name}.ipynb": notebook,
        "check_environment.py": _CHECK_ENVIRONMENT.format(
            needed=sorted({*modules, "jupyterlab", "course_utils"})
        ),
        "check_my_work.py": _CHECK_WORK.format(name=name),
        "handed_out.ipynb": notebook,  # to compare with
        "README.txt": _READ_ME.format(title=problem_set.title, name=name),
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for file_name, text in contents.items():
            archive.writestr(zipfile.ZipInfo(f"{name}/{file_name}", _WHEN), text.encode())
        if pictures is not None:
            for file in sorted(path for path in pictures.rglob("*") if path.is_file()):
                inside = zipfile.ZipInfo(f"{name}/contest/{file.relative_to(pictures).as_posix()}", _WHEN)
                archive.writestr(inside, file.read_bytes())
    path = Path(target) / f"{name}.zip"
    files.write_bytes(path, stream.getvalue())
    return path
