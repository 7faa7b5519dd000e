"""Helpers of the image classification course.

Importing this package costs nothing. The heavy libraries (torch, torchvision, timm, matplotlib) are imported
by the modules that need them, when those are imported.
"""

__version__ = "0.1.0"
