"""Visual questions about expressions: made from annotations, answered by runs or a model, and scored."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
