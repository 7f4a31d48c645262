"""Reports on one or several runs: scores, figures, pages."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
