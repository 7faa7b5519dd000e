"""Sample sets that need no network: real digits from an installed package, and drawn pictures.

Each module has `write(target, *, seed=0, progress=False)`, which fills a folder, and `VERSION`, which changes
when what it writes changes; the drawn ones also take `num_images`. `course_utils.data.sources.prepare` calls
`write` and keeps the folder.

What may be changed: a set is added as a module of its own; CONTRIBUTING.md shows it whole. Others rely on:
the names of classes and files, which are the real sets', and the bytes for a seed: figures in RESULTS.md and
the outputs stored in the notebooks come from them.
"""
