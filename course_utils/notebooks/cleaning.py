"""Take out of an executed notebook what belongs to the run and not to the reader."""

import re
from typing import Any

import nbformat

_WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
# tqdm's lines: "Train:  40%|████      | 2/5 [00:01<00:02,  1.9it/s]"; without total "12it [00:01, 9.8it/s]".
_PROGRESS_LINE = re.compile(r"\d+%\|.*\|.*\[.*\]|\d+\s?\w+ \[\d+:\d\d.*\]")
_METADATA = {
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "name": "python",
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "pygments_lexer": "ipython3",
    },
}


def clean(nb: Any) -> Any:
    """Take out, in place, what a run leaves beside its results: injected cells, timings, widgets, progress
    bars.
    """
    nb.metadata = nbformat.from_dict(
        _METADATA | {key: nb.metadata[key] for key in ("course",) if key in nb.metadata}
    )
    nb.cells = [cell for cell in nb.cells if "injected-parameters" not in cell.metadata.get("tags", [])]
    count = 0
    for cell in nb.cells:
        for key in ("papermill", "execution", "collapsed", "ExecuteTime"):
            cell.metadata.pop(key, None)
        if cell.cell_type != "code":
            continue
        ran = cell.execution_count is not None
        count += ran
        cell.execution_count = count if ran else None
        cell.outputs = [kept for output in cell.outputs if (kept := _clean_output(output)) is not None]
        for output in cell.outputs:
            if output.output_type == "execute_result":
                output.execution_count = cell.execution_count
    return nb


def _clean_output(output: Any) -> Any | None:
    """Give the output without what belongs to the run, or None if nothing is left of it."""
    if _WIDGET_VIEW in output.get("data", {}):
        return None
    if output.output_type == "stream" and output.name == "stderr":
        lines = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", output.text))
        kept = [line for line in lines if line.strip() and not _PROGRESS_LINE.search(line)]
        if not kept:
            return None
        output.text = "\n".join(kept) + "\n"
    return output
