"""Inspect a dataset before anything runs on it: its contents, whether this copy is sound, and how it looks."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
