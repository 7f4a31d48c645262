"""Films of faces into which micro-expressions are put, and the same films untouched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from mebench.config import registry
from mebench.core import Dataset, Distractor, Expression, Frames, Repair, Scheme, SubjectKey, Video
from mebench.errors import DataError, MebenchError, describe_error
from mebench.features.activity import Activity
from mebench.features.injection import FaceCourse, InjectedFrames, Injection, draw_injections, keep_course

from .params import ANY, Params as _Params

UNTOUCHED = "untouched"
"""Name of the copy of a film into which nothing is put."""
MOVEMENTS: Mapping[Activity, str] = {"speech": "speech", "turning": "head"}
"""Kind of distractor of each activity."""


@dataclass(frozen=True)
class Film:
    """A film with a face.

    Attributes:
        video: as the folder of films has it.
        course: way of the face.
        activity: what the person mostly does.
    """

    video: Video
    course: FaceCourse
    activity: Activity


@dataclass(frozen=True)
class Copy:
    """A copy of a film, and what is put into it."""

    film: Film
    injections: tuple[Injection, ...]


class Injected(Dataset):
    """Each film becomes an untouched copy and some with micro-expressions, whose place and strength are known exactly."""

    Params = _Params
    params: _Params
    id = "injected"
    revision = "1"
    tasks = frozenset({"spot"})
    kinds = ("micro",)
    schemes = {"native": Scheme.native(["injected"])}  # noqa: RUF012  (a constant map)
    comparable = False
    remark = (
        "micro-expressions were put into films: a displacement of the skin without wrinkles, lids or parted lips. What was in the films "
        "before is unknown: count what is found beside what is found at the same places of the untouched copies"
    )

    def videos(self) -> Sequence[Video]:
        """All copies, sorted by key. The faces of films that are new are followed first, which takes a while."""
        return [self._video_of(key) for key in sorted(self._copies)]

    def frames(self, video: Video) -> Frames:
        """The frames of a copy: the film's own wherever nothing is put in.

        Raises:
            DataError: there is no such copy.
        """
        copy = self._copies.get(video.key)
        if copy is None:
            raise DataError(
                f"dataset injected has no video {video.key}: its videos are named FILM_{UNTOUCHED}, and FILM_copy1 to "
                f"FILM_copy{self.params.copies}"
            )
        clean = self._source.frames(copy.film.video)
        if not copy.injections:
            return clean  # type: ignore[no-any-return]
        params = self.params
        return InjectedFrames(
            clean, copy.film.course, copy.injections, copy.film.video.id, params.seed, params.shading, params.sham
        )

    def check(self) -> None:
        """Check for films below the root."""
        self._source.check()

    def frame_folders(self) -> Sequence[Path]:
        """The root; none if the films are named."""
        folders: Sequence[Path] = self._source.frame_folders()
        return folders

    def person(self, key: SubjectKey) -> SubjectKey:
        """The person of a folder of films."""
        return SubjectKey("films", key.subject)

    def repair_rows(self) -> Sequence[Repair]:
        """Remarks on films, and those without a face."""
        self._films  # noqa: B018  (finds them)
        return (*self._source.repair_rows(), *self._left_out)

    def injections_of(self, key: str) -> tuple[Injection, ...]:
        """What is put into the copy with this key, by time."""
        return self._copies[key].injections

    @cached_property
    def _source(self) -> Any:
        """The folder of films as a dataset of its own."""
        params = self.params
        if params.root is None and not params.videos:
            raise DataError("injected needs films of faces: give dataset.root=DIR, a folder of video files")
        folder: Any = registry.load_plugin("dataset", "folder")
        return folder(
            folder.Params(root=params.root, videos=params.videos, fps=params.fps, follow_links=params.follow_links)
        )

    @cached_property
    def _films(self) -> tuple[Film, ...]:
        """The films with a face, of the wanted activity."""
        self._left_out: list[Repair] = []
        films = []
        for video in self._source.videos():
            try:
                course = keep_course(self._source.frames(video), video.fps or 25.0, video.id)
            except MebenchError as error:
                reason = f"left out: {describe_error(error)}"
                self._left_out.append(Repair(None, "video", video.id, None, reason, altered=True))
                continue
            film = Film(video, course, course.main_activity)
            if self.params.activity in (ANY, film.activity):
                films.append(film)
        if not films:
            reasons = "; ".join(str(row) for row in self._left_out[:1]) or f"none is mostly {self.params.activity}"
            raise DataError(
                f"no film can be used: {reasons}. Name a folder of films that show faces with dataset.root=DIR"
            )
        return tuple(films)

    @cached_property
    def _copies(self) -> dict[str, Copy]:
        """All copies by key of the video."""
        copies: dict[str, Copy] = {}
        for film in self._films:
            if self.params.untouched:
                copies[self._key_of(film, UNTOUCHED)] = Copy(film, ())
            for number in range(1, self.params.copies + 1):
                drawn = draw_injections(
                    film.course, film.video.fps or 25.0, film.video.id, self.params.seed, number, self.params.strengths
                )
                copies[self._key_of(film, f"copy{number}")] = Copy(film, drawn)
        return copies

    @staticmethod
    def _key_of(film: Film, copy: str) -> str:
        return f"injected/{film.video.subject}/{film.video.id}_{copy}"

    def _video_of(self, key: str) -> Video:
        """A copy as a video with its truth; a sham has none."""
        film, injections = self._copies[key].film, self._copies[key].injections
        truth = () if self.params.sham else tuple(_expression_of(one) for one in injections)
        movements = [Distractor(MOVEMENTS[what], first, last) for first, last, what in film.course.activities]
        return replace(
            film.video, dataset="injected", id=key.rpartition("/")[2], expressions=truth, distractors=tuple(movements)
        )


def _expression_of(one: Injection) -> Expression:
    """The truth about an injection; its intensity is the displacement at the apex in distances between the eyes."""
    return Expression(
        one.onset,
        one.offset,
        "micro",
        one.apex,
        "injected",
        one.units,
        flags=(one.activity,),
        intensity=one.strength / 100,
    )


Plugin = Injected
