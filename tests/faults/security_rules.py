"""Finds what the course forbids itself in Python source, notebooks and texts; `test_security_tree` uses it.

Names are followed through imports (`import torch as t; t.load`, `from pickle import loads`), and a name
counts wherever it is used, called or not. It is a net for mistakes, not a proof: `getattr` with a made-up
name passes.
"""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PICKLES = ("pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle")
LOADERS = ("load", "loads", "Unpickler", "open", "decode")
FORBIDDEN = {
    "pandas.read_pickle": "pickle",
    "numpy.lib.format.read_array": "pickle",
    "torch.hub.load": "unsafe load",
    "torch.jit.load": "unsafe load",
    "yaml.load": "unsafe load",
    "yaml.unsafe_load": "unsafe load",
    "builtins.eval": "eval or exec",
    "builtins.exec": "eval or exec",
    "runpy.run_path": "eval or exec",
    "code.InteractiveInterpreter": "eval or exec",
    "os.system": "shell",
    "os.popen": "shell",
    "subprocess.getoutput": "shell",
    "subprocess.getstatusoutput": "shell",
    "asyncio.create_subprocess_shell": "shell",
    "pty.spawn": "shell",
    "ssl._create_unverified_context": "unchecked certificate",
    "ssl.CERT_NONE": "unchecked certificate",
    "shutil.unpack_archive": "unsafe unpacking",
    **{f"{module}.{name}": "pickle" for module in PICKLES for name in LOADERS},
}
METHODS = {"extractall": "unsafe unpacking"}
KEYWORDS = {  # keyword -> (the only literal that may be given, rule)
    "weights_only": (True, "unsafe load"),
    "allow_pickle": (False, "pickle"),
    "shell": (False, "shell"),
}
CLIENTS = ("requests", "httpx", "urllib3", "aiohttp")
PLAIN_HTTP = re.compile(r"http://(?!127\.0\.0\.1|localhost|\[::1\]|www\.w3\.org/)[\w\[]", re.IGNORECASE)
SHELL_MAGIC = re.compile(r"^\s*(?:!|%%?(?:bash|sh|script|system|sx|cmd)\b|%%(?:perl|ruby)\b)", re.MULTILINE)


class Finding(NamedTuple):
    """A rule that is broken, in which line of what."""

    rule: str
    line: int
    text: str


def in_python(source: str) -> list[Finding]:
    """Give what is forbidden in Python source, in the order of lines."""
    tree = ast.parse(source)
    known = _imported(tree)
    found = [one for node in ast.walk(tree) for one in _in_node(node, known)]
    return sorted(set(found), key=lambda one: one.line)


def in_text(text: str) -> list[Finding]:
    """Give the plain http addresses of a text."""
    return [
        Finding("plain http", number, line.strip())
        for number, line in enumerate(text.splitlines(), 1)
        if PLAIN_HTTP.search(line)
    ]


def in_notebook(text: str) -> list[Finding]:
    """Give what is forbidden in the cells of a notebook; lines count from the top of their cell."""
    found = []
    for cell in json.loads(text)["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] != "code":
            found += in_text(source)
            continue
        found += [Finding("shell", 1, one.group()) for one in SHELL_MAGIC.finditer(source)]
        lines = ["" if re.match(r"\s*[%!]", line) else line for line in source.splitlines()]
        found += in_python("\n".join(lines))
    return found


def in_file(path: Path) -> list[Finding]:
    """Give what is forbidden in a file, by its ending."""
    text = path.read_text(encoding="utf-8")
    look = {".py": in_python, ".ipynb": in_notebook}.get(path.suffix, in_text)
    return look(text)


def _imported(tree: ast.AST) -> dict[str, str]:
    """What each imported name stands for: {"t": "torch", "loads": "pickle.loads"}."""
    known = {"eval": "builtins.eval", "exec": "builtins.exec"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for one in node.names:
                known[one.asname or one.name.split(".")[0]] = (
                    one.name if one.asname else one.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            known |= {one.asname or one.name: f"{node.module}.{one.name}" for one in node.names}
    return known


def _full_name(node: ast.AST, known: dict[str, str]) -> str:
    """The dotted name that an expression stands for, or ""."""
    if isinstance(node, ast.Name):
        return known.get(node.id, "")
    if isinstance(node, ast.Attribute):
        base = _full_name(node.value, known)
        return f"{base}.{node.attr}" if base else ""
    return ""


def _in_node(node: ast.AST, known: dict[str, str]) -> Iterator[Finding]:
    if isinstance(node, ast.Name | ast.Attribute):
        name = _full_name(node, known)
        if name in FORBIDDEN:
            yield Finding(FORBIDDEN[name], node.lineno, name)
        elif isinstance(node, ast.Attribute) and node.attr in METHODS:
            yield Finding(METHODS[node.attr], node.lineno, node.attr)
    elif isinstance(node, ast.Call):
        yield from _in_call(node, _full_name(node.func, known))
    elif isinstance(node, ast.JoinedStr):
        for one in node.values[:-1]:  # f"http://{host}"
            if isinstance(one, ast.Constant) and str(one.value).lower().endswith("http://"):
                yield Finding("plain http", node.lineno, ast.unparse(node))
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        for one in in_text(node.value):
            yield one._replace(line=node.lineno + one.line - 1)


def _is_false(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is False


def _in_call(node: ast.Call, name: str) -> Iterator[Finding]:
    given = {word.arg for word in node.keywords}
    if name == "torch.load" and "weights_only" not in given:
        yield Finding("unsafe load", node.lineno, "torch.load without weights_only=True")
    for word in node.keywords:
        if word.arg in KEYWORDS:
            allowed, rule = KEYWORDS[word.arg]
            if not (isinstance(word.value, ast.Constant) and word.value.value is allowed):
                yield Finding(rule, node.lineno, f"{word.arg}={ast.unparse(word.value)}")
        elif word.arg == "verify" and name.split(".")[0] in CLIENTS and _is_false(word.value):
            yield Finding("unchecked certificate", node.lineno, "verify=False")
