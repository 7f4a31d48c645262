"""The videos that a run left out because they show no face (`no_face=skip`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mebench.runner.folder import RunFolder

FILE = "skipped.json"
"""In the run folder, written where `no_face=skip`: the reason for each video, by its key."""

SHOWN = 5


def read_skipped(folder: RunFolder) -> dict[str, str]:
    """The videos that the run left out and why; empty for a run that leaves none out.

    Raises:
        RunError: the file is damaged.
    """
    if not (folder.path / FILE).is_file():
        return {}
    found: dict[str, str] = folder.read_json(FILE)
    return found


def write_skipped(folder: RunFolder, reasons: Mapping[str, str], n_videos: int) -> str:
    """Write down what is left out, with a line among the warnings of the run, which every report of it shows.

    Args:
        folder: of the run, described already.
        reasons: why each video is left out, by its key.
        n_videos: of the run.

    Returns:
        The line, empty if nothing is left out.
    """
    folder.write_json(FILE, dict(reasons))
    if not reasons:
        return ""
    line, about = skipped_line(list(reasons), n_videos), folder.read_json("folds.json")
    if line not in about["warnings"]:  # a run that goes on says it already
        folder.write_json("folds.json", {**about, "warnings": [*about["warnings"], line]})
    return line


def skipped_line(videos: Sequence[str], n_videos: int) -> str:
    """What was left out, in one line.

    >>> skipped_line(["casme2/01/a"], 255)
    'no face in 1 of 255 videos, left out of training and counted as missed: casme2/01/a'
    """
    more = f" and {len(videos) - SHOWN} more" if len(videos) > SHOWN else ""
    return (
        f"no face in {len(videos)} of {n_videos} videos, left out of training and counted as missed: "
        f"{', '.join(videos[:SHOWN])}{more}"
    )
