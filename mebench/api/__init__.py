"""The Python API (`import mebench`): the verbs as functions, with results as objects. Each module loads what it needs when it is
first used.
"""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
