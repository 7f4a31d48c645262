"""Records that others send: their checks, the scores computed again, the registry of a board, and their export."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
