"""Plan a run, execute its folds in worker processes, keep everything in a folder, resume."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
