"""What a reader is shown: text in a terminal, tables in every form, numbers, progress, and results as JSON."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
