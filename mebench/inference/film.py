"""What is seen in a film before it is spotted in: faces, stretches without a face, cuts; and spotting between the cuts."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.core import Kind, Prediction, SpottingParams, Video
from mebench.core.peaks import Curve
from mebench.features import Flow
from mebench.features.activity import Activity, find_activities, measure_face_motion
from mebench.features.cuts import find_cuts, find_other_pictures, frames_across_cuts
from mebench.features.face_detection import find_stretches_without_face
from mebench.features.gray_frames import to_gray
from mebench.features.pipeline import VideoSource, route_of
from mebench.frames.breaks import read_breaks
from mebench.lazy_imports import lazy_imports

with lazy_imports():
    from mebench.core import method as core_method

if TYPE_CHECKING:
    from mebench.core import Chain, VideoView
    from mebench.runner import FittedMethod


GRAY_DIMENSIONS = 3
"""Dimensions of gray crops: frames, rows, columns."""


@dataclass(frozen=True)
class Film:
    """Facts about the face crops of a film.

    Attributes:
        blind: frames whose score says nothing about the face, (n_frames,): no face is visible, or their pair of frames has a
            cut or a jump of the followed box between.
        unseen: first and last frame, both inclusive, of stretches without a visible face, if searched.
        faces: number of faces in the frame where the face was found; 0 if not searched.
        cuts: frame at which another picture begins, and the one by which it stands, of each cut.
        box: box of the followed face in the frame where it was found, pixels; None for ready-made features.
        found: frame in which the face was found.
        activities: stretches in which the person speaks or turns the head, if searched.
    """

    blind: NDArray[np.bool_]
    unseen: tuple[tuple[int, int], ...] = ()
    faces: int = 0
    cuts: tuple[tuple[int, int], ...] = ()
    box: tuple[int, int, int, int] | None = None
    found: int = 0
    activities: tuple[tuple[int, int, Activity], ...] = ()

    @property
    def parts(self) -> list[tuple[int, int]]:
        """First and last frame, both inclusive, of each part between cuts."""
        firsts = [0, *(last for _, last in self.cuts)]
        lasts = [*(first - 1 for first, _ in self.cuts), len(self.blind) - 1]
        return [(first, last) for first, last in zip(firsts, lasts) if first <= last]


def look_at_film(
    source: VideoSource, chains: Sequence[Chain], video: Video, n_frames: int, gap: int, search_faces: bool
) -> Film:
    """Look for cuts in the crops of a film, and for stretches without a face.

    Where more frames are missing than lie between the two of a pair, there is a cut, too.

    Args:
        source: source of the film.
        chains: chains that are read; crops are those of the first chain for frames, else of the first one.
        video: the film.
        n_frames: number of its frames.
        gap: frames from a frame to the second one of its pair.
        search_faces: whether to search stretches without a visible face.
    """
    blind = np.zeros(n_frames, np.bool_)
    chain = min(chains, key=lambda chain: chain.scope == "clips", default=None)
    if chain is None or source.provided(chain) is not None:
        return Film(blind)
    crops, about = source.make_crops(chain)
    route = route_of(chain)
    holes = {break_.frame for break_ in read_breaks(source.frames()) if break_.missing > gap}
    changes = find_cuts(crops, video.fps or 25.0, holes)
    blind |= frames_across_cuts(changes, n_frames, route.core if isinstance(route.core, Flow) else None)
    cuts = _cuts_of_film(changes, holes, source, video)
    x0, y0, x1, y1 = about["face"]
    film = Film(blind, cuts=tuple(cuts), box=(x0, y0, x1, y1), found=about["frame"])
    if not search_faces:
        return film
    faces = about.get("faces")
    if faces is None:  # crops that an earlier version stored
        frame = about["frame"]
        faces = len(route.crop.detect_faces(to_gray(source.frames()[frame], frame, video.key)))
    unseen = find_stretches_without_face(crops, video.fps or 0.0)
    for first, last in unseen:  # a flow pair that begins up to `gap` frames earlier ends there
        blind[max(first - gap, 0) : last + 1] = True
    fps = video.fps or 25.0
    activities = find_activities(measure_face_motion(crops, fps), fps) if crops.ndim == GRAY_DIMENSIONS else ()
    return replace(film, unseen=tuple(unseen), faces=faces, activities=activities)


def _cuts_of_film(
    changes: Sequence[tuple[int, int]], holes: Container[int], source: VideoSource, video: Video
) -> list[tuple[int, int]]:
    """Where the film shows another picture: first frame that does, and the last frame of the change of the crops, or that before the next
    cut in it. In other changes of the crops the followed box jumped, or the head moved far.

    Args:
        changes: first and last frame of each change.
        holes: frames before which frames are missing.
        source: source of the film.
        video: the film.
    """
    candidates = {frame for first, last in changes for frame in range(first, last + 1)}
    others = find_other_pictures(source.frames(), video.key, candidates)
    cuts: list[tuple[int, int]] = []
    for first, last in changes:
        begins = [frame for frame in range(first, last + 1) if frame in others or frame in holes]
        ends = [*(frame - 1 for frame in begins[1:]), last]
        cuts += zip(begins, ends)
    return cuts


@dataclass(frozen=True)
class SpottedPart:
    """The intervals of a part of a film, and their curves by kind."""

    predictions: list[Prediction]
    curves: dict[Kind, Curve]


def spot_between_cuts(
    spotter: FittedMethod, view: VideoView, scores: NDArray[np.float64], film: Film
) -> list[SpottedPart]:
    """Spot in each part between two cuts as in a film of its own; no peak lies in a blind frame.

    A method with its own way to intervals sees the whole film.

    Args:
        spotter: the method that spots.
        view: the film.
        scores: its frame scores, (n_frames, n_kinds).
        film: facts about its crops.
    """
    makes_own_intervals = type(spotter.method).propose is not core_method.Method.propose
    parts = [(0, len(scores) - 1)] if makes_own_intervals else film.parts
    has_baseline = SpottingParams.from_params(spotter.method.params).baseline is not None
    spotted = []
    for first, last in parts:
        own = scores
        if len(parts) > 1:
            own = np.full_like(scores, np.nan)
            own[first : last + 1] = scores[first : last + 1]
        own = _flattened_in_blind_frames(own, film, as_nan=has_baseline and not makes_own_intervals)
        proposed = spotter.propose(view, own)
        predictions = [_clamp(p, first, last, len(scores)) for p in proposed if not _is_blind(p, film)]
        spotted.append(SpottedPart(predictions, dict(spotter.method.curves)))
    return spotted


def _is_blind(prediction: Prediction, film: Film) -> bool:
    """Whether the peak of an interval lies in a blind frame."""
    last = len(film.blind) - 1
    return bool(film.blind[min(max(prediction.apex, 0), last)])


def _clamp(prediction: Prediction, first: int, last: int, n_frames: int) -> Prediction:
    """An interval that does not reach across a cut; at the ends of the film it stays."""
    onset = prediction.onset
    offset = prediction.offset
    if first > 0:
        onset = min(max(onset, first), prediction.apex)
    if last < n_frames - 1:
        offset = max(min(offset, last), prediction.apex)
    return replace(prediction, onset=onset, offset=offset)


def _flattened_in_blind_frames(scores: NDArray[np.float64], film: Film, as_nan: bool) -> NDArray[np.float64]:
    """All scores, flat or NaN in blind frames, so that these give no peak.

    Args:
        scores: (n_frames, n_kinds).
        film: facts about the crops.
        as_nan: NaN in blind frames, for spotting with a baseline; else the median of the others.
    """
    flat = scores.copy()
    if not film.blind.any():
        return flat
    for column, column_scores in enumerate(scores.T):
        is_defined = ~np.isnan(column_scores)
        known = column_scores[~film.blind & is_defined]
        median = np.median(known) if len(known) else 0.0
        flat[film.blind & is_defined, column] = np.nan if as_nan else median
    return flat
