"""SMIC-HS: short clips, one micro-expression each, or the long clips of SMIC-E."""

from mebench.annotations import by_name
from mebench.annotations.smic import LABELS, MEAN2022, MEGC2019, NATIVE, Smic
from mebench.core import Published


class SmicHs(Smic):
    """Filmed by the high-speed camera."""

    id = "smic_hs"
    recording = "HS"
    fps = 100.0
    files = ("SMIC-HS-E_annotation*.*", "SMIC_HS_E_annotation*.*", "*SMIC*HS*annotation*.*")
    schemes = by_name(NATIVE, MEGC2019, MEAN2022)
    published_short = Published(
        source="Li et al. 2013",
        subjects=16,
        expressions={"micro": 164},
        emotions=dict(zip(LABELS, (70, 51, 43))),
    )
    published_extended = Published(
        source="Liong, See and Chan 2023 (MEAN, Table 1)",
        subjects=16,
        expressions={"micro": 157},
        emotions=dict(zip(LABELS, (66, 51, 40))),
    )


Plugin = SmicHs
