"""Tables that compare runs: collected from run folders and committed records, never recomputed."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
