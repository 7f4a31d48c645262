"""The basic types of mebench and the two plugin contracts. Names are imported when used, since `Method` needs torch."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
