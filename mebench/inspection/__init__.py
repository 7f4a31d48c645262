"""A dataset looked at before anything is run on it: what it holds, whether this copy is sound, and what it looks like."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
