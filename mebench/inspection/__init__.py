"""Inspect a dataset before anything runs on it: its contents, whether this copy is sound, and how it looks."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
