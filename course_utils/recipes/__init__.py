"""Whole training runs as files: data, model and training in one TOML, read, checked, run, opened again."""
