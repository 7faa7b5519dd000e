"""Sample sets that need no network: real digits from an installed package, and drawn pictures.

Each module has `write(target, *, seed=0, progress=False)`, which fills a folder, and `VERSION`, which changes
when what it writes changes. `course_utils.data.sources.prepare` calls it and keeps the folder.
"""
