"""What isolates a fold: processes without labels, network, foreign files or names that tell anything."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
