"""Data small enough to train on in a test."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

TINY: tuple[str, ...] = (
    "dataset=synthetic",
    "dataset.subjects=3",
    "dataset.videos=1",
    "dataset.frames=60",
    "dataset.size=96",
    "dataset.short_videos=true",
)
"""Words of a drawn dataset: 3 subjects, 1 video each of 60 frames with one micro-expression and landmarks."""


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="mebench-testing-")


def scratch() -> Path:
    """A folder for features that all checks of this process share; it goes when the process ends."""
    return Path(_folder().name)
