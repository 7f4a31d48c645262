"""Trackers: finished runs are sent to MLflow, or to a tracker of the entry point group `mebench.trackers`."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
