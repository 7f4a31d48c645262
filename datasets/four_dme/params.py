"""Parameters of `four_dme`."""

from mebench.annotations.dataset import SheetParams as Params

__all__ = ["Params"]
