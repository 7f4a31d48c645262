"""SMIC-VIS: short clips, one micro-expression each, or the long clips of SMIC-E."""

from pathlib import Path

from mebench.annotations import by_name
from mebench.annotations.smic import LABELS, MEAN2022, NATIVE, Smic
from mebench.core import Published

from .params import Params as _Params


class SmicVis(Smic):
    """Filmed by the camera of visible light."""

    Params = _Params
    id = "smic_vis"
    recording = "VIS"
    fps = 25.0
    files = ("SMIC-VIS-E_annotation*.*", "SMIC_VIS_E_annotation*.*", "*SMIC*VIS*annotation*.*")
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
        emotions=dict(zip(LABELS, (24, 28, 19))),
    )

    @classmethod
    def write_fake_tree(cls, folder: Path) -> None:
        """Draw small trees of the short and of the long clips, with the sheet and the quirks of the releases."""
        from .fake import write

        write(folder)


Plugin = SmicVis
