"""Parameters of `smic_nir`."""

from mebench.annotations.smic import SmicParams as Params

__all__ = ["Params"]
