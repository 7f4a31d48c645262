"""Plan a run, execute its folds in worker processes, keep everything in a folder, resume."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
