"""The Python API (`import mebench`): the verbs as functions, with results as objects. Each module loads what it needs when it is
first used.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
