"""Scoring: pure functions from tables to the summary of a run. Parts are imported on use; for Lightning see `torch`."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
