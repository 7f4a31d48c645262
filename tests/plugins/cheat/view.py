"""What stands behind a view of a video, and is meant for nobody."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from mebench.core import ClipView, LabelledVideo, VideoView

MAPS = "onset_apex_flow_28"
"""Name of the ready-made feature of `megc2019_flow`."""


def views_of(video: VideoView | LabelledVideo) -> Any:
    """The object that answers for the features of a view."""
    return video._frames.func.__self__  # type: ignore[attr-defined]


def hidden_video_of(clip: ClipView) -> Any:
    """The video for which a clip's view asks."""
    return clip.video._frames.args[0]  # type: ignore[attr-defined]


def request_of(video: VideoView) -> Any:
    """The function by which a fold asks its host."""
    views = views_of(video)
    return views.home(views.job.test[0])[0]._request


def picture_of(clip: ClipView) -> Any:
    """The ready-made map of a clip."""
    home = views_of(clip.video).home(hidden_video_of(clip))
    return home[0].provided(hidden_video_of(clip), MAPS)


def digest_of(picture: Any) -> str:
    """A hash of what a picture shows."""
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest()


def read_picture(file: Path) -> Any:
    """A picture from a file."""
    import cv2  # most ways find nothing to read

    return cv2.imread(str(file))


def digests_of_maps(root: Path) -> dict[str, Path]:
    """The tested maps of a folder, by the digest of what they show."""
    return {digest_of(read_picture(file)): file for file in root.rglob("u_test/*/*.png")}


def labels_by_digest(root: Path) -> dict[str, int]:
    """The labels of the maps of a folder, by the digest of what they show."""
    return {digest: int(file.parent.name) for digest, file in digests_of_maps(root).items()}
