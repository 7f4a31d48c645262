"""The frames of a folder of images or a video file, decoded on access.

OpenCV, or PyAV for a video file, is imported when the first frame is decoded.
"""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
