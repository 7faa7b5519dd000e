"""The browser's helper stands beside the tests of the evaluation report, which use it too."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "evaluation"))
