"""Trained models on new videos: predictions, live video, Grad-CAM, and export."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
