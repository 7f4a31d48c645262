"""Parameters of `samm`."""

from mebench.annotations import SheetParams as Params

__all__ = ["Params"]
