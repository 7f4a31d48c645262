"""The steps from frames to features, and the store of computed features.

OpenCV and dlib are imported when a step works.
"""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
