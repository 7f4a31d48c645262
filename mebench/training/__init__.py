"""One fold: samples, and Lightning's Trainer over the stages of a method."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
