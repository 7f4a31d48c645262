"""Shared parts of adapters for real datasets: sheets, cleaning with a report, action units, emotion schemes, layouts.

An adapter subclasses `SheetDataset` and declares its columns, folders, kinds and schemes.
"""

from mebench.lazy_imports import attach_front

__getattr__, __dir__, __all__ = attach_front(__name__, __file__)
