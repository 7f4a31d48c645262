"""Parameters of `samm`."""

from mebench.annotations.params import SheetParams as Params

__all__ = ["Params"]
