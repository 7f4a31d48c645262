"""A run on disk: its folder, the files of its folds, and its scores."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
