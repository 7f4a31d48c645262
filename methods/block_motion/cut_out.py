"""Micro-expressions alone: the motion of a film in which they are, less that of its copy in which they are not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from mebench.core import Expression, LabelledVideo

SAME_FILM = 0.5
"""Correlation of two motions from which they are of one film; others of a person hardly correlate."""


@dataclass(frozen=True)
class MovingFilm:
    """A training video.

    Attributes:
        video: the video, with its expressions.
        motion: see `relative_motion`, (channels, T).
        labels: of each kind, (kinds, T).
    """

    video: LabelledVideo
    motion: Tensor
    labels: Tensor

    @property
    def micros(self) -> list[Expression]:
        """The micro-expressions."""
        return [e for e in self.video.expressions if e.kind == "micro"]

    def has_length_of(self, other: "MovingFilm") -> bool:
        """Whether both show one person over as many frames."""
        mine, others = self.video, other.video
        return (mine.subject, mine.n_frames, mine.fps) == (others.subject, others.n_frames, others.fps)


def pair_with_untouched(films: Sequence[MovingFilm]) -> list[tuple[MovingFilm, MovingFilm]]:
    """Each film with micro-expressions that has a copy without them, and this copy.

    A copy is of the same person, as long, and moves alike: of all those without micro-expressions the one that correlates most.
    """
    without = [film for film in films if not film.micros]
    pairs = []
    for film in films:
        if not film.micros:
            continue
        candidates = [other for other in without if other.has_length_of(film)]
        likeness = [_correlate(film.motion, other.motion) for other in candidates]
        if likeness and max(likeness) > SAME_FILM:
            pairs.append((film, candidates[int(np.argmax(likeness))]))
    return pairs


def _correlate(one: Tensor, other: Tensor) -> float:
    """Correlation of two motions over all channels and frames; 0 if one of them rests."""
    if one.std() == 0 or other.std() == 0:
        return 0.0
    return float(np.corrcoef(one.numpy().ravel(), other.numpy().ravel())[0, 1])


def cut_expressions(film: MovingFilm, untouched: MovingFilm, rate: float) -> Iterator[tuple[Expression, slice, Tensor]]:
    """Each micro-expression of a film, its frames, and its motion alone, (channels, frames).

    Args:
        film: film with micro-expressions.
        untouched: the same film without them.
        rate: frames a second of the motion.
    """
    alone = film.motion - untouched.motion
    timing = film.video.timing
    per_frame = rate / timing.fps
    for expression in film.micros:
        first = max(int((expression.onset - timing.k) * per_frame) - 1, 0)
        last = min(int(expression.offset * per_frame) + 2, alone.shape[1] - 1)
        frames = slice(first, last + 1)
        if last > first:
            yield expression, frames, alone[:, frames]
