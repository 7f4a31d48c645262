"""Samples, Lightning's Trainer over the stages of a method, and networks that methods share."""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
