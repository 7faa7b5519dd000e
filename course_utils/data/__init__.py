"""From "a folder of pictures, a zip, a known name" to batches: sources, statistics, splits, loaders."""
