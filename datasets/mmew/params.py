"""Parameters of `mmew`."""

from mebench.annotations.dataset import SheetParams as Params

__all__ = ["Params"]
