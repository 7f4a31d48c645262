"""The field's challenges: their tasks, checks of files before submission, and scoring programs for organisers."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
