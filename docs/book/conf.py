"""Settings of the book: nothing is executed, and a reader's browser asks nobody else for anything."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
project = "Image classification, hands on"
author = "the course's authors"
copyright = "2026, the course's authors; MIT licence"
language = "en"

extensions = ["myst_nb", "math_markup"]
html_math_renderer = "mathml"  # no script to fetch
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_dmath_double_inline = True  # a formula in $$ need not stand between empty lines
myst_heading_anchors = 4
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = "Image classification, hands on"
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_search_summary = False  # it would be fetched, which browsers refuse where a book is read from files
