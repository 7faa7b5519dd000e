"""Turn executed notebooks into self-contained HTML pages, with an index of a run."""

import html
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbconvert import HTMLExporter

from course_utils import files
from course_utils.notebooks.progress import show_bytes, show_seconds
from course_utils.notebooks.report import NotebookRun

# JupyterLab's own template less what it loads from the network.
_TEMPLATE = """{% extends 'lab/index.html.j2' %}
{% block html_head_js_requirejs %}{% endblock %}
{% block html_head_js_mathjax %}{% endblock %}
{% block html_head_js_mermaidjs %}{% endblock %}
{% block jupyter_widgets %}{% endblock %}
"""

_INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Image classification course: a run</title>
<style>
:root {{
  color-scheme: light dark;
  --line: #d0d4d9; --quiet: #57606a; --good: #0b6e3a; --bad: #b3261e; --link: #0a58ca;
}}
@media (prefers-color-scheme: dark) {{
  :root {{ --line: #3a4048; --quiet: #a0a8b2; --good: #5fd08f; --bad: #ff8a80; --link: #8ab4ff; }}
}}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }}
h1 {{ font-size: 1.5rem; }}
a {{ color: var(--link); }}
li {{ list-style: none; border-top: 1px solid var(--line); padding: .75rem 0; overflow-wrap: anywhere; }}
ul {{ padding: 0; }}
.quiet {{ color: var(--quiet); }}
.ok {{ color: var(--good); font-weight: 600; }}
.failed, .stopped {{ color: var(--bad); font-weight: 600; }}
</style>
</head>
<body>
<main>
<h1>A run of the course, profile {profile}</h1>
<p class="quiet">{summary}</p>
<ul>
{items}
</ul>
</main>
</body>
</html>
"""


def write_page(executed: Path, page: Path) -> None:
    """Write the executed notebook as one HTML file that loads nothing from the network; images are inside."""
    nb = nbformat.read(executed, as_version=4)
    nb.metadata.pop("widgets", None)
    nb.metadata["title"] = executed.stem
    exporter = HTMLExporter(raw_template=_TEMPLATE, embed_images=True)
    body, _ = exporter.from_notebook_node(
        nb, {"metadata": {"name": executed.stem, "path": str(executed.parent)}}
    )
    files.write_text(page, body)


def write_index(page: Path, profile: str, notebooks: Sequence[NotebookRun]) -> None:
    """Write the index: for each notebook the status, time, peak memory, key results, and links to its page
    and copy.
    """
    finished = sum(run.status == "ok" for run in notebooks)
    total_s = sum(run.seconds for run in notebooks)
    summary = (
        f"{finished} of {len(notebooks)} notebooks ran to their end; {show_seconds(total_s)} minutes in all."
    )
    items = "\n".join(_index_item(run, page.parent) for run in notebooks)
    files.write_text(page, _INDEX.format(profile=html.escape(profile), summary=summary, items=items))


def _index_item(run: NotebookRun, folder: Path) -> str:
    name = html.escape(run.name)
    title = f'<a href="{name}.html">{name}</a>' if (folder / f"{run.name}.html").exists() else name
    facts = [
        f'<span class="{run.status}">{html.escape(run.outcome())}</span>',
        f"{show_seconds(run.seconds)} min",
    ]
    if run.peak_memory_bytes:
        facts.append(f"peak memory {show_bytes(run.peak_memory_bytes)}")
    if (folder / f"{run.name}.ipynb").exists():
        facts.append(f'<a href="{name}.ipynb">notebook</a>')
    return f"<li><strong>{title}</strong><br>{' · '.join(facts)}<br>{html.escape(run.results_text())}</li>"
