"""From "a folder of pictures, a zip, a known name" to batches: sources, statistics, splits, loaders.

What may be changed: augmentations (`augmentation_registry`), sets (`catalog`, `samples`) and layouts of
folders (`layouts`) are added at will. Others rely on: the names of augmentations and their options, which
stand in recipes and in the folders of runs; the columns of `split.csv`; which picture falls into which part
for a seed (`apportion`); and the pixels of `images.read_image`. A change of the pixels raises
`cache.CODE_VERSION`, one of what a sample draws its `VERSION`, one of a file's form its `FORMAT`.
"""
