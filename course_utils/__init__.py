"""Helpers of the image classification course.

Importing this package costs nothing. The heavy libraries (torch, torchvision, timm, matplotlib) are imported
by the modules that need them, when those are imported.

Where a change belongs is said at the top of each part (`data`, `models`, `training` ...), together with what
others rely on there. CONTRIBUTING.md shows the four changes that are made most often.
"""

__version__ = "0.1.0"
