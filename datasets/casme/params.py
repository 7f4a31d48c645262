"""Parameters of `casme`."""

from mebench.annotations import SheetParams as Params

__all__ = ["Params"]
