"""Notebook parameters: typed, checked at once, with three profiles.

A notebook has one cell tagged `parameters` in which every value is None, and one line that reads them:

    profile: str = None  # "smoke", "quick" or "full"; None: COURSE_PROFILE, else quick
    epochs: int = None  # passes over the training set; None: the profile decides

    from course_utils import params

    settings = params.read(
        globals(),
        epochs=params.Int(smoke=1, quick=8, full=20, minimum=1),
        learning_rate=params.Float(3e-3, above=0.0),
        model=params.Choice("mobilenet_v3_small", options=("mobilenet_v3_small", "mobilenet_v3_large")),
    )
    settings  # shows a table: parameter, value, where it comes from

None means that the profile decides; any other value was given by hand (edited, or by papermill) and wins. A
misspelt name, a wrong type or an impossible value raises one ParameterError that lists everything that is
wrong. Notebook 00 explains the use.

What may be changed: a kind of parameter is added to `kinds`. Others rely on: the three profiles' names, the
form of the messages ("epochs: got -1, expected ..."), and on None for "the profile decides".
"""

from course_utils.params.kinds import (
    Bool,
    Choice,
    FilePath,
    Float,
    Int,
    Kind,
    ListOf,
    Text,
    check_choice,
    did_you_mean,
)
from course_utils.params.reading import ParameterError, read
from course_utils.params.settings import Settings

__all__ = [
    "Bool",
    "Choice",
    "FilePath",
    "Float",
    "Int",
    "Kind",
    "ListOf",
    "ParameterError",
    "Settings",
    "Text",
    "check_choice",
    "did_you_mean",
    "read",
]
