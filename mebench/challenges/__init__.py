"""The field's challenges: their tasks, checks of files before submission, and scoring programs for organisers."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
