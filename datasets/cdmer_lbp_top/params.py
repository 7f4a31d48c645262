"""Parameters of `cdmer_lbp_top`."""

from dataclasses import dataclass

from mebench.errors import ConfigError, check_known

RECORDINGS = ("casme2", "smic_hs", "smic_nir", "smic_vis")
"""The datasets of CDMER."""


@dataclass(frozen=True)
class Params:
    """The place of the features.

    Attributes:
        root: folder that contains `SMIC_VIS_Corpus_LBPTOP.mat` and its neighbours.
        recordings: recordings that are read, two or more of casme2, smic_hs, smic_nir and smic_vis; casme2 needs
            `protocol.type=II`.
    """

    root: str | None = None
    recordings: tuple[str, ...] = ("smic_nir", "smic_vis")

    def __post_init__(self) -> None:
        """Check the names."""
        for name in self.recordings:
            check_known("recording", name, RECORDINGS, where="dataset.recordings")
        if len(set(self.recordings)) != len(self.recordings) or len(self.recordings) < 2:
            raise ConfigError(
                f"dataset.recordings must name two recordings or more, each once, not {list(self.recordings)}: choose among "
                f"{', '.join(RECORDINGS)}"
            )
