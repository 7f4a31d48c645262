"""Protocols: pure functions from videos to folds, found by name, each with a card."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
