"""Tuning: parameters of a method chosen by inner folds of subjects, judged on subjects that no trial has touched."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
