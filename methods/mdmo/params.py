"""Parameters of `mdmo`."""

from dataclasses import dataclass

from mebench.core import Step
from mebench.features import Algorithm
from mebench.features.top import SvmParams

from .steps import FlowSinceOnset, Mdmo


@dataclass(frozen=True)
class Params(SvmParams):
    """The settings of the public program; a wider crop than that of other methods, which holds the whole outline of the face.

    Attributes:
        margin: part of the face box's width and height that is added on each side, from 0 to 2.
        flow: algorithm of the flow from the onset to each later frame.
        bins: directions of which a region has a main one.
        still_head: take the motion of the head out first, fitted to the outline of the face and the tip of the nose.
    """

    margin: float = 0.1
    flow: Algorithm = "tvl1"
    bins: int = 8
    still_head: bool = True

    @property
    def needs_landmarks(self) -> bool:
        """The regions lie between landmarks under all settings."""
        return True

    def steps(self) -> tuple[Step, ...]:
        """From frames to a (36, 1, 2) feature."""
        return self.face(), FlowSinceOnset(flow=self.flow), Mdmo(self.bins, self.still_head)
