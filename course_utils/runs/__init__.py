"""The folder of a run: what was asked (config), what came out (card, metrics.csv), all that is needed to
repeat it.

`runs/<name>/` holds `config.json`, `metrics.csv` (a row per epoch) and, once the run is finished,
`card.json` (git commit, data fingerprint, versions, hardware, seed, time, memory, final metrics). Two runs
never share a folder. Notebook 09 uses it.

What may be changed: a card may hold more. Others rely on: the names of the files and the keys in them, by
which runs of earlier versions are found again, resumed and reported.
"""

from course_utils.runs.folder import RunFolder, find_finished
from course_utils.runs.results import RESULTS_MIMETYPE, KeyResults, key_results, show_value

__all__ = ["RESULTS_MIMETYPE", "KeyResults", "RunFolder", "find_finished", "key_results", "show_value"]
