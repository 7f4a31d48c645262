"""Visual questions about expressions: make them from annotations, answer them by runs or a model, and score the
answers.
"""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
