"""What a check found, and how bad that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Level = Literal["error", "warning"]
Check = Literal[
    "no_frames",
    "missing_folder",
    "missing_frames",
    "numbering_gap",
    "beyond_video",
    "unreadable_image",
    "image_size",
    "video_file",
    "duplicate",
    "overlap",
    "onset_is_apex",
    "too_long",
    "no_interval",
    "counts",
]

TITLES: Mapping[Check, str] = {
    "no_frames": "frames not looked at",
    "missing_folder": "folders that are missing or cannot be opened",
    "missing_frames": "missing frames",
    "numbering_gap": "gaps in the numbering",
    "beyond_video": "annotated beyond the video",
    "unreadable_image": "unreadable images",
    "image_size": "images of different sizes",
    "video_file": "unreadable videos",
    "duplicate": "duplicate annotations",
    "overlap": "overlapping annotations",
    "onset_is_apex": "the apex is the onset",
    "too_long": "expressions that last too long",
    "no_interval": "annotations without an interval",
    "counts": "counts that differ from the published ones",
}
"""What the checks look for, in the order of a report."""

KNOWN_DEFECT = "known_defect"
"""Flag of an expression whose frames are known to be incomplete in the release itself: no error of this copy."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a check found.

    Attributes:
        level: `error`: this copy is not what was released, or cannot be read; `warning`: what the authors annotated is odd,
            or was not looked at.
        check: which check.
        where: `subject/video`, or empty for the whole dataset.
        text: one sentence.
    """

    level: Level
    check: Check
    where: str
    text: str

    def __str__(self) -> str:
        return f"{self.where}: {self.text}" if self.where else self.text
