"""Places at which a film does not go on at once: missing images, lost frames, time stamps that begin again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple


class Break(NamedTuple):
    """A frame that does not follow the one before it at once.

    Attributes:
        frame: index of the frame after the break.
        missing: number of frames missing before it; 0 if none is.
        words: cause, without the time.
    """

    frame: int
    missing: int
    words: str


def read_breaks(frames: Any) -> Sequence[Break]:
    """The breaks of a film; of frames that show a part of it, those of the whole."""
    whole = getattr(frames, "whole", frames)
    breaks: Sequence[Break] = getattr(whole, "breaks", ())
    return breaks
