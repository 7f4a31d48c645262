"""What people read: scores, tables and figures as text, Markdown, LaTeX and pictures."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
