"""Parameters of `casme2`."""

from mebench.annotations.params import SheetParams as Params

__all__ = ["Params"]
