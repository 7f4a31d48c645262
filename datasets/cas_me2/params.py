"""Parameters of `cas_me2`."""

from mebench.annotations import SheetParams as Params

__all__ = ["Params"]
