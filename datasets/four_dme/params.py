"""Parameters of `four_dme`."""

from mebench.annotations import SheetParams as Params

__all__ = ["Params"]
