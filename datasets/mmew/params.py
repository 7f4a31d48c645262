"""Parameters of `mmew`."""

from mebench.annotations.params import SheetParams as Params

__all__ = ["Params"]
