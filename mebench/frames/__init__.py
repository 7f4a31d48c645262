"""The frames of a folder of images or a video file, decoded on access.

OpenCV, or PyAV for a video file, is imported when the first frame is decoded.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
