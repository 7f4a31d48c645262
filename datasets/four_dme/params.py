"""Parameters of `four_dme`."""

from mebench.annotations.params import SheetParams as Params

__all__ = ["Params"]
