"""Protocols: pure functions from videos to folds, found by name, each with a card."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
