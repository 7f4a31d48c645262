"""Parameters of `megc2019_two_phase`."""

from dataclasses import dataclass
from pathlib import Path

LIST = "combined_3_class2_for_optical_flow.csv"
MAPS = "datasets/STSNet_whole_norm_u_v_os"
LABELS = "datasets/three_norm_u_v_os"
"""Places of the list of clips, the maps and the folders by class in the repository."""


@dataclass(frozen=True)
class Params:
    """The place of the maps.

    Attributes:
        root: the authors' repository as cloned: the list of clips, and `datasets/STSNet_whole_norm_u_v_os/*.png`.
        classes: folder with `<subject>/u_test/<0|1|2>/*.png`, such as the root of `megc2019_flow`, whose clips and
            classes must equal those of the list; null takes `datasets/three_norm_u_v_os` of the clone if it exists.
    """

    root: str | None = None
    classes: Path | None = None
