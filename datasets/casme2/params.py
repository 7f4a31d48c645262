"""Parameters of `casme2`."""

from mebench.annotations import SheetParams as Params

__all__ = ["Params"]
