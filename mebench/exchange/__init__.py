"""Files of other programs: read intervals and frame scores, check them line by line, and write them."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
