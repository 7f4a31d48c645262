"""The field's challenges: what each asks, checks of files before they are sent, and scoring programs for organisers."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
