"""A few expressions of a dataset, with four pictures each for a contact sheet."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Expression, Frames, Video
from mebench.errors import ConfigError, DataError, unknown
from mebench.features import EyesAndMouth, FaceCrop
from mebench.features.face_detection import NoFaceError
from mebench.features.faces import map_points
from mebench.features.landmarks import find_predictor
from mebench.features.regions import clamp_region
from mebench.grouping import group_by


class Chosen(NamedTuple):
    """An expression and its video."""

    video: Video
    expression: Expression


def choose_expressions(
    videos: Sequence[Video], n: int, subject: str | None = None, video: str | None = None
) -> list[Chosen]:
    """Up to `n` expressions, in the order of the videos' keys.

    First one of each person, then a second one of each, and so on. With more people than rows, people are chosen evenly
    spread over the sorted list.

    Args:
        videos: videos to choose from.
        n: number of expressions, 1 or more.
        subject: only expressions of this person.
        video: only expressions of this video.

    Raises:
        ConfigError: `n` is below 1, or no expression is of that person or video.
        DataError: no video has an expression.
    """
    if n < 1:
        raise ConfigError(f"--expressions must be 1 or more, not {n}")
    candidates = _candidates(videos, subject, video)
    expressions = [Chosen(v, e) for v in candidates for e in v.expressions]
    people = group_by(expressions, key=lambda one: one.video.subject_key)
    chosen: list[Chosen] = []
    for turn in zip_longest(*people.values()):
        one_of_each_person = [one for one in turn if one is not None]
        chosen += _spread_evenly(one_of_each_person, n - len(chosen))
    return sorted(chosen, key=lambda one: (one.video.key, one.expression.onset))


def _candidates(videos: Sequence[Video], subject: str | None, video: str | None) -> list[Video]:
    """The videos with expressions by key; only those of a subject, or with an id, if one is given."""
    candidates = [v for v in sorted(videos, key=lambda v: v.key) if v.expressions]
    if not candidates:
        raise DataError("these videos have no annotated expression to show")
    if subject is not None:
        _refuse_unknown("subject", subject, {v.subject for v in candidates})
        candidates = [v for v in candidates if v.subject == subject]
    if video is not None:
        _refuse_unknown("video", video, {v.id for v in candidates})
        candidates = [v for v in candidates if v.id == video]
    return candidates


def _refuse_unknown(what: str, name: str, known: Set[str]) -> None:
    """Refuse a name that no video with expressions has."""
    if name not in known:
        then = "Names are as mebench writes them, in upper and lower case"
        raise ConfigError(unknown(f"{what} with expressions", name, sorted(known)[:20], then))


def _spread_evenly(items: Sequence[Chosen], most: int) -> Sequence[Chosen]:
    """All items, or if there are more than `most`, that many, evenly spread over them."""
    if len(items) <= most:
        return items
    return [items[i * len(items) // most] for i in range(most)]


Points = NDArray[np.float64]


@dataclass(frozen=True)
class Face:
    """The face that defines all crops of a video, in pixels of its frames.

    Attributes:
        box: (x0, y0, x1, y1), `x1` and `y1` exclusive.
        landmarks: (68, 2) points (x, y), or None without landmarks from the dataset or a predictor file.
        regions: (4, 2) corners each: the eyes with their brows and the mouth, as in MEAN.
    """

    box: tuple[int, int, int, int]
    landmarks: Points | None
    regions: tuple[Points, ...]


@dataclass(frozen=True)
class Strip:
    """One expression.

    Attributes:
        chosen: the expression.
        tiles: first frame, onset, apex (or the middle if none is marked) and offset, by a title with their position: (H, W, 3) uint8, R, G,
            B, or None if the frame is missing.
        face: None if none was found.
        problem: why there is no face or no picture, or empty.
    """

    chosen: Chosen
    tiles: Mapping[str, NDArray[np.uint8] | None]
    face: Face | None
    problem: str = ""


def strip_of(dataset: Dataset, chosen: Chosen) -> Strip:
    """Decode the four frames of an expression and find the face; `problem` names what is missing."""
    video, e = chosen
    peak = "middle" if e.apex is None else "apex"
    marks = {
        "first frame 0": 0,
        f"onset {e.onset}": e.onset,
        f"{peak} {e.peak}": e.peak,
        f"offset {e.offset}": e.offset,
    }
    tiles = dict[str, NDArray[np.uint8] | None].fromkeys(marks)
    try:
        frames = dataset.frames(video)
        n_frames = len(frames)
    except DataError as error:
        return Strip(chosen, tiles, None, str(error))
    problem = ""
    for title, index in marks.items():
        try:
            if index < n_frames:
                tiles[title] = _as_rgb(frames[index])
        except DataError as error:
            problem = str(error)
    try:
        return Strip(chosen, tiles, _find_face(dataset, video, frames), problem)
    except DataError as error:
        reason = "no face found" if isinstance(error, NoFaceError) else str(error)
        return Strip(chosen, tiles, None, problem or reason)


def _as_rgb(frame: NDArray[Any]) -> NDArray[np.uint8]:
    """A gray or blue-green-red frame as (H, W, 3) in red, green, blue."""
    if frame.ndim == 2:
        return np.stack([frame] * 3, axis=-1)
    return np.ascontiguousarray(frame[..., 2::-1])


def _find_face(dataset: Dataset, video: Video, frames: Frames) -> Face:
    """The face of a video, with its regions in pixels of the frames.

    Raises:
        DataError: there is no face, or a frame cannot be read.
    """
    crop = FaceCrop()
    reference = crop.locate(frames, dataset.landmarks(video), video.key)
    if reference.landmarks is None and find_predictor(crop.landmarks) is not None:
        reference = crop.with_landmarks(frames, reference, video.key)
    # Map the regions from the crop back to the frame.
    step = EyesAndMouth() if reference.landmarks is not None else EyesAndMouth(layout="box")
    back: NDArray[np.float64] = np.linalg.inv(reference.matrix).astype(np.float64)
    regions = step.regions(reference.crop_landmarks, crop.size, crop.size)
    regions_in_frame = []
    for region in regions:
        x0, y0, x1, y1 = clamp_region(region, crop.size, crop.size)
        corners = np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], np.float64) - 0.5  # pixels end half a step before
        regions_in_frame.append(map_points(corners, back))
    return Face(reference.box, reference.landmarks, tuple(regions_in_frame))
