"""SMIC-NIR: short clips, one micro-expression each, or the long clips of SMIC-E."""

from mebench.annotations import by_name
from mebench.annotations.smic import LABELS, MEAN2022, NATIVE, Smic
from mebench.core import Published


class SmicNir(Smic):
    """Filmed by the near-infrared camera."""

    id = "smic_nir"
    recording = "NIR"
    fps = 25.0
    files = ("SMIC-NIR-E_annotation*.*", "SMIC_NIR_E_annotation*.*", "*SMIC*NIR*annotation*.*")
    schemes = by_name(NATIVE, MEAN2022)
    published_short = Published(
        source="Li et al. 2013",
        subjects=8,
        expressions={"micro": 71},
    )
    published_extended = Published(
        source="Liong, See and Chan 2023 (MEAN, Table 1)",
        subjects=8,
        expressions={"micro": 71},
        emotions=dict(zip(LABELS, (23, 28, 20))),
    )


Plugin = SmicNir
