"""Parameters of `samm`."""

from mebench.annotations.dataset import SheetParams as Params

__all__ = ["Params"]
