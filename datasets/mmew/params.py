"""Parameters of `mmew`."""

from mebench.annotations import SheetParams as Params

__all__ = ["Params"]
