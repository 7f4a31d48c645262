"""Trained models on new videos: predictions, live video, Grad-CAM, and export."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
