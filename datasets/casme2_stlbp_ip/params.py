"""Parameters of `casme2_stlbp_ip`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Params:
    """The place of the features and their labels.

    Attributes:
        root: folder that contains `CASME2_feature_STLBP_IP.mat` and `CASME2_label.mat`.
        annotations: sheet of CASME II in its published order, CASME2-coding-20140508.xlsx; without it, the one in the root.
    """

    root: str | None = None
    annotations: str | None = None
