"""Parameters of `smic_vis`."""

from mebench.annotations.smic import SmicParams as Params

__all__ = ["Params"]
