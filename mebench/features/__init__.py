"""The steps from frames to features, and the store of computed features.

OpenCV, dlib and SciPy are imported when a step works (`mebench.heavy`).
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
