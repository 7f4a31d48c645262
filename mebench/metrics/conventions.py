"""Conventions: the rules of a scorer as data, so that a score can say exactly what was counted."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from mebench.errors import ConfigError, unknown


@dataclass(frozen=True, slots=True)
class Convention:
    """The rules under which intervals and classes are scored.

    Attributes:
        name: what the configuration calls it.
        ends: `inclusive` counts both ends of an interval as frames, `half_open` leaves the offset out.
        threshold: IoU from which on a spotted interval finds a truth; exact, so that a half is a half.
        reaching: whether an IoU equal to the threshold suffices.
        matching: `maximum` pairs spotted intervals and truths one to one, as many as possible (see `matching.match`).
        videos: `all` scores every video, with or without expressions, so that false positives count everywhere.
        classes: `in_truth` averages over the scheme's classes that occur in the truth; 0/0 counts 0.
    """

    name: str
    ends: Literal["inclusive", "half_open"] = "inclusive"
    threshold: Fraction = Fraction(1, 2)
    reaching: bool = True
    matching: Literal["maximum"] = "maximum"
    videos: Literal["all"] = "all"
    classes: Literal["in_truth"] = "in_truth"

    def describe(self) -> str:
        """The rules in one sentence.

        >>> print(CONVENTIONS["strict"].describe())
        strict: a spotted interval is a true positive if its IoU with a truth of the same video and kind (both ends
            counted)
        is at least 0.5, matched one to one with the most pairs, then the largest total IoU, then the higher confidence,
        then the earlier onset; every video counts, with or without expressions; classes are those that occur in the
        truth, and 0/0 counts 0.
        """
        ends = "both ends counted" if self.ends == "inclusive" else "the offset left out"
        bound = "at least" if self.reaching else "more than"
        return (
            f"{self.name}: a spotted interval is a true positive if its IoU with a truth of the same video and kind "
            f"({ends}) is {bound} {float(self.threshold):g}, {_MATCHING[self.matching]}; {_VIDEOS[self.videos]}; "
            f"{_CLASSES[self.classes]}."
        )


_MATCHING = {
    "maximum": "matched one to one with the most pairs, then the largest total IoU, then the higher confidence, "
    "then the earlier onset"
}
_VIDEOS = {"all": "every video counts, with or without expressions"}
_CLASSES = {"in_truth": "classes are those that occur in the truth, and 0/0 counts 0"}

CONVENTIONS: dict[str, Convention] = {"strict": Convention("strict")}


def named(name: str) -> Convention:
    """The convention of that name.

    Raises:
        ConfigError: there is none.
    """
    if name not in CONVENTIONS:
        raise ConfigError(unknown("convention", name, CONVENTIONS))
    return CONVENTIONS[name]
