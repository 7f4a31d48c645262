"""Films of faces into which micro-expressions are put, and the same films untouched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from mebench.annotations.layout import check_inside
from mebench.core import Dataset, Distractor, Expression, Frames, Repair, Scheme, SubjectKey, Video
from mebench.errors import DataError, MebenchError, describe_error
from mebench.features.activity import Activity
from mebench.features.injection import FaceCourse, InjectedFrames, Injection, draw_injections, keep_course
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.videofile import SUFFIXES

from .params import ANY, Params as _Params
from .public_films import find_public_films

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
    revision = "2"
    tasks = frozenset({"spot"})
    kinds = ("micro",)
    schemes = {"native": Scheme.native(["injected"])}  # noqa: RUF012  (a constant map)
    comparable = False
    remark = (
        "micro-expressions were put into films: a displacement of the skin without wrinkles, lids or parted lips. What was in the films "
        "before is unknown: count what is found beside what is found at the same places of the untouched copies"
    )

    def __init__(self, params: _Params) -> None:
        super().__init__(params)
        self._left_out: list[Repair] = []

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
        clean = self._clean_frames(copy.film.video)
        if not copy.injections:
            return clean
        params = self.params
        return InjectedFrames(
            clean, copy.film.course, copy.injections, copy.film.video.id, params.seed, params.shading, params.sham
        )

    def untouched(self, video: Video) -> str:
        """The id of the untouched copy of a video's film; empty if there is none."""
        copy = self._copies[video.key]
        return f"{copy.film.video.id}_{UNTOUCHED}" if self.params.untouched and copy.injections else ""

    def check(self) -> None:
        """Check for films below the root."""
        self._files  # noqa: B018  (says what is missing)

    def frame_folders(self) -> Sequence[Path]:
        """The root; none if the films are named."""
        return () if self.params.root is None else (Path(self.params.root).expanduser(),)

    def person(self, key: SubjectKey) -> SubjectKey:
        """The person of a folder of films."""
        return SubjectKey("films", key.subject)

    def repair_rows(self) -> Sequence[Repair]:
        """Remarks on films, and those without a face."""
        self._films  # noqa: B018  (finds them)
        return tuple(self._left_out)

    def injections_of(self, key: str) -> tuple[Injection, ...]:
        """What is put into the copy with this key, by time."""
        return self._copies[key].injections

    @cached_property
    def _files(self) -> dict[tuple[str, str], Path]:
        """The file of each film, by subject and name."""
        params = self.params
        if params.root is None and not params.videos:
            raise DataError("injected needs films of faces: give dataset.root=DIR, a folder of video files")
        if params.videos:
            return {(path.stem, path.stem): path for path in map(Path, params.videos)}
        root = Path(params.root or "").expanduser()
        if not root.is_dir():
            raise DataError(f"dataset.root={params.root} is no folder: name one with films of faces, at any depth")
        if params.films is not None:
            return find_public_films(params.films, root)
        files = {}
        for path in sorted(path for path in root.rglob("*") if path.suffix.lower() in SUFFIXES and path.name[0] != "."):
            check_inside(path, root, params.follow_links)
            folders = path.relative_to(root).parts[:-1]
            files["_".join(folders) or path.stem, path.stem] = path
        if not files:
            raise DataError(f"dataset.root={params.root} holds no films: name a folder of video files")
        return files

    @cached_property
    def _clean_videos(self) -> tuple[Video, ...]:
        """The films as videos without expressions, sorted; one that cannot be read is left out."""
        videos = []
        for (subject, name), path in sorted(self._files.items()):
            try:
                frames = _open(path)
                stated = frames.fps if isinstance(frames, VideoFrames) else None
                videos.append(Video("films", subject, name, self.params.fps or stated or 25.0, len(frames)))
            except Exception as error:  # whatever is wrong with one ends it alone
                self._leave_out(path.name, error)
        return tuple(videos)

    def _clean_frames(self, video: Video) -> FolderFrames | VideoFrames:
        """The frames of a film."""
        return _open(self._files[video.subject, video.id])

    def _leave_out(self, name: str, error: Exception) -> None:
        """Remember why a film is left out."""
        reason = f"left out: {describe_error(error)}"
        self._left_out.append(Repair(None, "video", name, None, reason, altered=True))

    @cached_property
    def _films(self) -> tuple[Film, ...]:
        """The films with a face, of the wanted activity."""
        faces = Path(self.params.faces).expanduser()
        films = []
        for video in self._clean_videos:
            try:
                course = keep_course(self._clean_frames(video), video.fps or 25.0, video.id, faces)
            except MebenchError as error:
                self._leave_out(video.id, error)
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
                    film.course,
                    film.video.fps or 25.0,
                    film.video.id,
                    self.params.seed,
                    number,
                    self.params.strengths,
                    self.params.apart,
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


def _open(path: Path) -> FolderFrames | VideoFrames:
    """The frames of a file, or of a folder of images."""
    return FolderFrames(path) if path.is_dir() else VideoFrames(path)


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
