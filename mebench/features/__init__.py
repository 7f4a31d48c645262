"""The steps from frames to features, and the store of computed features.

OpenCV and dlib are imported when a step works.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
