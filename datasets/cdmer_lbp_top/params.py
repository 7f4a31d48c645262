"""Parameters of `cdmer_lbp_top`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """The place of the features.

    Attributes:
        root: folder that contains `SMIC_VIS_Corpus_LBPTOP.mat` and `SMIC_NIR_Corpus_LBPTOP.mat`.
    """

    root: str | None = None
