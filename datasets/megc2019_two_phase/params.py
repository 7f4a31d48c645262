"""Parameters of `megc2019_two_phase`."""

from dataclasses import dataclass
from pathlib import Path

LIST = "combined_3_class2_for_optical_flow.csv"
MAPS = "datasets/STSNet_whole_norm_u_v_os"
LABELS = "datasets/three_norm_u_v_os"
"""Where the list of clips, their maps and the folders by class lie in the repository."""


@dataclass(frozen=True)
class Params:
    """Where the maps are.

    Attributes:
        root: the authors' repository as cloned: the list of clips, and `datasets/STSNet_whole_norm_u_v_os/*.png`.
        classes: folder with `<subject>/u_test/<0|1|2>/*.png`, such as the root of `megc2019_flow`, whose clips and classes must
            be those of the list; null takes `datasets/three_norm_u_v_os` of the clone where it is there.
    """

    root: str | None = None
    classes: Path | None = None
