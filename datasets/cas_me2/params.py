"""Parameters of `cas_me2`."""

from mebench.annotations.dataset import SheetParams as Params

__all__ = ["Params"]
