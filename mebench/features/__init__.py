"""The steps from frames to features, and the store that keeps each feature that was computed.

OpenCV, dlib, SciPy and scikit-image are loaded where a step works, not here (`mebench.heavy`).
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
