"""The steps from frames to features, and the store that keeps each feature that was computed.

OpenCV, dlib and filelock are imported where a step or the store works, not here.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
