"""The API reference in Markdown, read from the source: nothing is imported, so it takes a second.

The docstrings of the course are plain text with `names` in backticks, which is Markdown already.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path


def write_reference(package: Path, target: Path) -> list[str]:
    """Write a page for each part of `package` into the folder `target`; give the pages' names."""
    target.mkdir(parents=True, exist_ok=True)
    names = []
    for part in sorted(package.iterdir()):
        if part.name.startswith("__"):
            continue
        if part.suffix == ".py":
            modules, name = [part], part.stem
        elif part.is_dir() and (part / "__init__.py").exists():
            modules, name = sorted(part.rglob("*.py")), part.name
        else:
            continue
        texts = [page_of(module, module.relative_to(package.parent)) for module in modules]
        title = f"# {package.name}.{name}\n"
        if part.is_dir() and not texts[0]:  # of `__init__.py`, which comes first: what the part is for
            texts[0] = summary_of(part / "__init__.py") + "\n"
        (target / f"{name}.md").write_text("\n".join([title, *filter(None, texts)]), encoding="utf-8")
        names.append(name)
    return names


def summary_of(path: Path) -> str:
    """Give what a module says of itself as Markdown."""
    return plain(ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "")


def page_of(path: Path, relative: Path) -> str:
    """Give the section of one module, or "" if it says nothing."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    dotted = ".".join(relative.with_suffix("").parts).removesuffix(".__init__")
    doc = ast.get_docstring(tree)
    members = list(_members(tree))
    if not members and (doc is None or path.name == "__init__.py"):
        return ""
    lines = [f"## `{dotted}`\n", plain(doc or ""), ""]
    for node, owner in members:
        name = f"{owner}.{node.name}" if owner else node.name
        level = "####" if owner else "###"
        lines += [
            f"{level} `{name}`\n",
            f"```python\n{signature(node)}\n```\n",
            plain(ast.get_docstring(node) or ""),
            "",
        ]
    return "\n".join(lines)


def _members(tree: ast.Module) -> Iterator[tuple[ast.FunctionDef | ast.ClassDef, str]]:
    """Give the public functions and classes with a docstring, and the classes' public methods."""
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        yield node, ""
        if isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and not method.name.startswith("_"):
                    yield method, node.name


def signature(node: ast.FunctionDef | ast.ClassDef) -> str:
    """Give the first line or lines of a definition, as in the source but for the decorators and the body."""
    if isinstance(node, ast.ClassDef):
        bases = ", ".join(map(ast.unparse, node.bases))
        head = f"class {node.name}({bases})" if bases else f"class {node.name}"
        fields = [ast.unparse(item) for item in node.body if isinstance(item, ast.AnnAssign)]
        public = [f"    {field}" for field in fields if not field.startswith("_")]
        start = [item for item in node.body if isinstance(item, ast.FunctionDef) and item.name == "__init__"]
        return "\n".join([head, *public, *(f"    {_function(item)}" for item in start)])
    return _function(node)


def _function(node: ast.FunctionDef) -> str:
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    arguments = ast.unparse(node.args)
    line = f"{node.name}({arguments}){returns}"
    if len(line) <= 88:
        return line
    parts = re.split(r", (?=(?:\*|\w+: |\w+=|\*\*?\w+|\w+$))", arguments)
    return f"{node.name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){returns}"


def plain(docstring: str) -> str:
    """Give a docstring as Markdown: what only looks like markup is shielded, outside of code."""
    return "\n\n".join(
        part if part.startswith("    ") else _shielded(part) for part in docstring.split("\n\n")
    )


def _shielded(text: str) -> str:
    pieces = re.split(r"(`[^`\n]*`)", text)
    for place in range(0, len(pieces), 2):
        pieces[place] = re.sub(r"([<>*_$\[\]{}#|])", r"\\\1", pieces[place])
    return "".join(pieces)
