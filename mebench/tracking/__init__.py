"""Trackers: finished runs handed over to MLflow, or to whatever an entry point of the group `mebench.trackers` names."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
