"""Scoring: pure functions from tables to the summary of a run. Parts are imported on use; for Lightning see `torch`."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
