"""Visual questions about expressions: make them from annotations, answer them by runs or a model, and score the
answers.
"""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
