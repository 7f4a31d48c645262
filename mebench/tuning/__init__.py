"""Tuning: parameters of a method chosen by inner folds of subjects, judged on subjects that no trial has touched."""

from lazy_loader import attach_stub

__getattr__, __dir__, __all__ = attach_stub(__name__, __file__)
