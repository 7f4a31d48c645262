"""Trackers: finished runs are sent to MLflow, or to a tracker of the entry point group `mebench.trackers`."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
