"""Parameters of `long_video_features`."""

from dataclasses import dataclass
from typing import Literal

from mebench.core.options import check_choices
from mebench.errors import ConfigError

Recordings = Literal["samm_lv", "cas_me2", "casme3"]


@dataclass(frozen=True)
class Params:
    """The place of the features and their truth, and the counting of frames.

    Attributes:
        root: folder with the features, at any depth.
        layout: the program of the features: `abpn` (AUW-GCN's too), `me_tst`, `boosting_vrme` (ME-TST+'s too), `spotformer` or
            `lgsnet` (I3D).
        of: the recordings: `samm_lv`, `cas_me2`, or part A of `casme3`.
        truth: list of the expressions. Without it, the labels of the segments of `abpn` give the expressions.
        step: frames of the recording from one frame of the features to the next; null takes the authors' value
            (README).
        sheet_step: frames of the recording for each number in the list; null takes `step` for the lists published with
            the features of `abpn`, `spotformer` and `lgsnet`, and 1 for `me_tst` and `boosting_vrme`, whose authors read
            the released sheets.
        first: the number of the first frame in the list; null takes 0 for lists of `abpn` and `spotformer`, else 1.
        unnamed: treatment of a video that the list does not name: an error (`refuse`), a video without expressions
            (`empty`), or `left_out`.
    """

    root: str | None = None
    layout: Literal["abpn", "me_tst", "boosting_vrme", "spotformer", "lgsnet"] = "abpn"
    of: Recordings = "samm_lv"
    truth: str | None = None
    step: float | None = None
    sheet_step: float | None = None
    first: int | None = None
    unnamed: Literal["refuse", "empty", "left_out"] = "refuse"

    def __post_init__(self) -> None:
        """Check names and ranges."""
        check_choices(self)
        for name, value in (("step", self.step), ("sheet_step", self.sheet_step)):
            if value is not None and not 0 < value < 1000:
                raise ConfigError(f"dataset.{name} must be a number of frames above 0 and below 1000, not {value}")
        if self.first is not None and self.first < 0:
            raise ConfigError(f"dataset.first must be the number of a frame, 0 or more, not {self.first}")
