"""The options of the face crop that every method shares."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mebench.features.faces import Align, FaceCrop, Track


@dataclass(frozen=True)
class FaceParams:
    """How the face is found and cut out; the defaults are those of MEAN. A method's `Params` may inherit them.

    They do nothing where a dataset brings the features ready-made.

    Attributes:
        align: `eyes` turns all frames of a video by one angle, until the line between the eyes of the first face is level;
            `pose` turns the face of each frame to the front by its own 68 landmarks, for heads that move freely, and needs a
            landmark file; `none` turns nothing.
        track: `frame` lets the face box follow a head that really moves, as `pose` does anyway; `none` keeps that of the first
            face.
        margin: part of the face box's width and height that is added on each side, from 0 to 2.
        half_size: look for the face in frames of half the width and height: four times as fast, but the smallest face that is
            found is twice as wide.
    """

    align: Align = "none"
    track: Track = "none"
    margin: float = 0.0
    half_size: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        self.face()

    def face(self) -> FaceCrop:
        """The first step of a chain.

        Raises:
            ConfigError: an option is unknown or out of range.
        """
        return FaceCrop(**{option.name: getattr(self, option.name) for option in fields(FaceParams)})
