"""A run on disk: its folder, the files of its folds, and its scores."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
