"""Parameters of `smic_hs`."""

from mebench.annotations.smic import SmicParams as Params

__all__ = ["Params"]
