"""Several runs as one: their stored predictions combined, with weights that are chosen on other people."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
