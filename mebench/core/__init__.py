"""The basic types of mebench and the two plugin contracts. Names are imported when used, since `Method` needs torch."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
