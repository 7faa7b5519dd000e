"""F28 and docs/security.md: nothing in the tree unpickles, runs input, opens a shell, or fetches over http.

The checker itself is tested first, with planted examples of each rule and with innocent code.
"""

import json
from collections import Counter
from pathlib import Path

import pytest
from security_rules import in_file, in_notebook, in_python, in_text

ROOT = Path(__file__).parents[2]
ENDINGS = {".py", ".ipynb", ".md", ".toml", ".txt", ".yml", ".yaml", ".json", ".cfg", ".sh", ".html"}
NOT_OURS = {"data", "runs", "build", "dist"}  # data/README.md is looked at by name
MADE = {"_build", ".ipynb_checkpoints", "__pycache__", "node_modules"}
OWN_TEXTS = {
    "eval or exec",
    "pickle",
}  # no matter in tests: they run our notebooks, read back what they wrote
# File -> rule -> how often, with the reason beside it. What is no longer there has to go from here, too.
ALLOWED = {
    "course_utils/checks/running.py": {"eval or exec": 1},  # runs the course's own solutions and test answers
    "course_utils/classroom/student_side.py": {"eval or exec": 1},  # is the process for students' code
    "course_utils/classroom/grading.py": {"eval or exec": 1},  # runs the teacher's own cells and tests
    "benchmarks/grading.py": {"eval or exec": 1},  # the same cells of our own, timed without the grader
    "tests/faults/test_faults_checkpoints.py": {
        "unsafe load": 1,  # shows that the hostile file, which the course refuses, does harm
        "shell": 1,  # what that file would call
    },
    "tests/faults/test_faults_downloads.py": {"plain http": 3},  # addresses that are refused
    "tests/faults/test_security_tree.py": {"plain http": 5},  # planted here
}

PLANTED = {
    "unsafe load": [
        "import torch\ntorch.load(path)",
        "import torch as t\nstate = t.load(path, map_location='cpu')",
        "import torch\ntorch.load(path, weights_only=False)",
        "import torch\ntorch.load(path, weights_only=trusted)",
        "from torch import load\nload(path)",
        "read(path, weights_only=False)",
        "import torch\nmodel = torch.hub.load('owner/repository', 'net')",
        "import yaml\nyaml.load(text)",
    ],
    "pickle": [
        "import pickle\npickle.load(file)",
        "import pickle as p\np.loads(data)",
        "from pickle import loads as read\nread(data)",
        "from pickle import Unpickler\nclass Mine(Unpickler): pass",
        "import joblib\nreader = joblib.load",
        "import shelve\nshelve.open(path)",
        "import pandas as pd\npd.read_pickle(path)",
        "import numpy as np\nnp.load(path, allow_pickle=True)",
    ],
    "eval or exec": [
        "value = eval(input())",
        "exec(text, names)",
        "import builtins\nbuiltins.exec(text)",
        "from builtins import eval as read\nread(text)",
        "run = map(eval, lines)",
        "import runpy\nrunpy.run_path(path)",
    ],
    "shell": [
        "import os\nos.system('ls ' + name)",
        "from os import popen\npopen(command)",
        "import subprocess\nsubprocess.run(command, shell=True)",
        "from subprocess import Popen as start\nstart(command, shell=flag)",
        "import subprocess as s\ns.getoutput(f'cat {name}')",
    ],
    "plain http": [
        "URL = 'http://example.org/data.zip'",
        "fetch(f'HTTP://example.org/{name}')",
        "fetch(f'http://{host}/data.zip')",
        "links = '''one\nhttp://example.org/two'''",
    ],
    "unsafe unpacking": [
        "import tarfile\ntarfile.open(path).extractall(target)",
        "import shutil\nshutil.unpack_archive(path)",
    ],
    "unchecked certificate": [
        "import ssl\ncontext = ssl._create_unverified_context()",
        "import requests\nrequests.get(url, verify=False)",
    ],
}
INNOCENT = [
    "model.eval()\ntable.eval('a + b')",
    "import torch\ntorch.load(path, map_location='cpu', weights_only=True)",
    "import pickle\ntry:\n    data = pickle.dumps(x)\nexcept pickle.UnpicklingError:\n    pass",
    "import numpy as np\nnp.load(path, mmap_mode='r', allow_pickle=False)",
    "import json\njson.load(file)\njson.loads(text)",
    "import re\nre.compile('a').fullmatch(text)",
    "import subprocess\nsubprocess.run(['git', 'status'], check=True, shell=False)",
    "URL = 'https://example.org/data.zip'\nHERE = f'http://127.0.0.1:{port}/'\nonly = 'only https, no http://'",
    "from course_utils.models.weights import load\nload(path)",
    "read_plan(run, verify=False)",
]


@pytest.mark.parametrize(
    ("rule", "source"), [(rule, source) for rule, sources in PLANTED.items() for source in sources]
)
def test_F28_the_checker_finds_what_is_planted(rule: str, source: str) -> None:
    assert rule in {one.rule for one in in_python(source)}


@pytest.mark.parametrize("source", INNOCENT)
def test_F28_the_checker_leaves_innocent_code_alone(source: str) -> None:
    assert in_python(source) == []


def test_F28_the_checker_reads_notebooks_and_texts() -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Fine\n", "See http://example.org/set.\n"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "model.eval()\n", "x = eval(text)"]},
        {"cell_type": "code", "source": ["!pip install something"]},
        {"cell_type": "code", "source": ["%%bash\n", "rm -r folder"]},
    ]
    with pytest.raises(SyntaxError):
        in_notebook(json.dumps({"cells": cells}))  # a cell that is no Python is not passed over
    found = in_notebook(json.dumps({"cells": cells[:3]}))
    assert [(one.rule, one.line) for one in found] == [("plain http", 2), ("eval or exec", 3), ("shell", 1)]
    assert [one.line for one in in_text("fine\nhttp://example.org/set\nhttps://example.org")] == [2]


def tree() -> list[Path]:
    """All files of ours that are text: code, notebooks, recipes, documents."""
    tops = [
        path
        for path in ROOT.iterdir()
        if path.name not in NOT_OURS and not path.name.startswith(".") and not path.name.endswith(".egg-info")
    ]
    found = [ROOT / "data" / "README.md"]
    for top in tops:
        found += [top] if top.is_file() else [path for path in top.rglob("*") if path.is_file()]
    return sorted(path for path in found if path.suffix in ENDINGS and not MADE & set(path.parts))


def test_F28_the_tree_holds_nothing_of_it() -> None:
    looked_at = tree()
    names = {path.relative_to(ROOT).as_posix() for path in looked_at}
    assert {"course_utils/cli/__init__.py", "benchmarks/results.py", "README.md", "conftest.py"} <= names
    assert sum(path.suffix == ".ipynb" for path in looked_at) >= 5
    found = {path.relative_to(ROOT).as_posix(): in_file(path) for path in looked_at}
    for name, ones in found.items():
        if name.startswith("tests/"):
            found[name] = [one for one in ones if one.rule not in OWN_TEXTS]
    counts = {name: dict(Counter(one.rule for one in ones)) for name, ones in found.items() if ones}
    told = {name: ones for name, ones in found.items() if counts.get(name, {}) != ALLOWED.get(name, {})}
    assert counts == ALLOWED, told
