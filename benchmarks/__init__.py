"""Each claim of speed as a program: ours and the usual way, in one run.

What may be changed: a benchmark is a module more and an entry of `registry`. Others rely on: the form of the
records in `recorded/`, of which `results` makes RESULTS.md; a record is made by its command and never edited.
"""
