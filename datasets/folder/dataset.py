"""Videos without annotations: files, or folders of images. A finished run predicts them; none can be trained on."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.account import Account
from mebench.annotations.annotation import with_files
from mebench.annotations.layout import check_files, check_inside
from mebench.core import Dataset, Frames, Kind, Repair, Scheme, Video
from mebench.errors import DataError, describe_error, unknown
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.images import SUFFIXES as IMAGES

from .params import Params as _Params
from .search import LINK, Search, VideoName, count_by_ending, no_videos_below, search_root, take_named

FPS_TOLERANCE = 0.02
"""Relative difference between `dataset.fps` and a file's own rate that causes no remark."""
FACE = "_face"
"""Between the name of a video and the number of a face in it."""
Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Part:
    """The same part of every frame of a video.

    Attributes:
        whole: the frames.
        box: (x0, y0, x1, y1) in their pixels, the last two exclusive.
    """

    whole: FolderFrames | VideoFrames
    box: Box

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.whole)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """The part of frame `index`."""
        x0, y0, x1, y1 = self.box
        return self.whole[index][y0:y1, x0:x1]

    def fingerprint(self) -> str:
        """Hash of the whole video's fingerprint and the box."""
        return hashlib.sha256(f"{self.whole.fingerprint()} {self.box}".encode()).hexdigest()[:32]


@dataclass(frozen=True)
class ReadFolder:
    """The videos that could be read, and those that could not.

    Attributes:
        videos: the videos, sorted by key.
        remarks: remarks on files and frame rates.
        failed: reasons why files and folders are not videos, by their would-be keys.
        account: number of files, and those that are no frames and no videos.
    """

    videos: tuple[Video, ...]
    remarks: tuple[Repair, ...]
    failed: Mapping[str, str]
    account: Account


class Folder(Dataset):
    """Each video file and each folder with images is a video.

    A video is called as its file or folder is; a file without its ending, unless two videos would have one name. The
    folders between the root and the video, joined by `_`, name its subject; without such folders the person is unknown,
    and each video is a subject of its own.
    """

    Params = _Params
    params: _Params
    id = "folder"
    revision = "1"
    tasks = frozenset({"spot"})
    kinds: tuple[Kind, ...] = ("micro", "macro")
    schemes = {"native": Scheme.native(["unknown"])}  # noqa: RUF012  (a constant map)
    comparable = False
    remark = "these videos have no annotations, so nothing can be scored"

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key; each with its frame rate, from its file or `dataset.fps`."""
        return self._read.videos

    def frames(self, video: Video) -> Frames:
        """The frames of a video, from its file or its folder of images; for a face, only its part."""
        frames, (_, box) = self._open(self.place(video)), self.face(video)
        return frames if box is None else Part(frames, box)

    def check(self) -> None:
        """Check for videos below the root."""
        self._faces  # noqa: B018  (says what is missing)

    def frame_folders(self) -> Sequence[Path]:
        """The root; none if the videos are named, which may lie anywhere."""
        return () if self.params.videos else (self._root,)

    def place(self, video: Video) -> Path:
        """The file or folder of images of a video, or of a face in one."""
        return self._search.places[video.subject, self.face(video)[0]]

    def times(self, video: Video) -> NDArray[np.float64]:
        """Seconds at which each frame is shown, (n_frames,): the time stamps of a file, else by frame rate and file numbers."""
        frames = self._open(self.place(video))
        return frames.times if isinstance(frames, VideoFrames) else frames.positions / (video.fps or np.nan)

    def face(self, video: Video) -> tuple[str, Box | None]:
        """The name of the video with a face, and the part of its pictures with the face; None for all of them."""
        return self._faces[video.subject, video.id]

    @cached_property
    def _faces(self) -> dict[VideoName, tuple[str, Box | None]]:
        """`face` by subject and id."""
        found: dict[VideoName, tuple[str, Box | None]] = {}
        for subject, name in self._search.places:
            for called, box in self._parts(name).items():
                other, _ = found.setdefault((subject, called), (name, box))
                if other != name:
                    both = f"{self._search.places[subject, other]} and {self._search.places[subject, name]}"
                    raise DataError(f"{both} would both have the video {subject}/{called}: rename one of them")
        return found

    def _parts(self, name: str) -> Mapping[str, Box | None]:
        """The videos from a file or folder of that name, by id: its faces, or the whole."""
        return {f"{name}{FACE}{n}": box for n, box in enumerate(self._boxes.get(name, ()), 1)} or {name: None}

    @cached_property
    def _boxes(self) -> dict[str, list[Box]]:
        """The parts with a face, by the name of the video."""
        found: dict[str, list[Box]] = {}
        for name, *box in self.params.faces:
            found.setdefault(name, []).append((box[0], box[1], box[2], box[3]))
        names = {name for _, name in self._search.places}
        for stray in sorted(found.keys() - names):
            raise DataError(unknown("video of dataset.faces", stray, names))
        return found

    def repair_rows(self) -> Sequence[Repair]:
        """Remarks on files that are not videos, or whose frame rate varies or differs from `dataset.fps`, and on images
        that are not frames.
        """
        return self._read.remarks

    @property
    def failed(self) -> Mapping[str, str]:
        """Reasons why files and folders are not videos, by their would-be keys."""
        return self._read.failed

    @property
    def account(self) -> Account:
        """The files below the root, and those that are no frames and no videos, with the reasons."""
        return self._read.account

    @cached_property
    def _root(self) -> Path:
        if self.params.root is None:
            raise DataError(
                "folder needs videos: give dataset.root=DIR, a folder of video files or of folders of images"
            )
        root = Path(self.params.root).expanduser()
        if not root.exists():
            raise DataError(
                f"dataset.root={self.params.root} does not exist: expected a folder of video files or of "
                "folders of images"
            )
        return root

    @cached_property
    def _search(self) -> Search:
        """The places of the videos, and what lies beside them."""
        if self.params.videos:
            return take_named(self.params.videos, self.params.follow_links)
        search = search_root(self._root, self.params.follow_links)
        if not search.places:
            raise no_videos_below(self.params.root, search)
        return search

    def shown_name(self, name: str) -> str:
        """The name of a video for people: with its folders if several are called alike."""
        return self._search.shown_names.get(name, name)

    @cached_property
    def _read(self) -> ReadFolder:
        """The videos at the places that were found; one that cannot be read ends alone."""
        search, videos, failed = self._search, list[Video](), dict[str, str]()
        remarks, account = _remarks_on_search(search), Account(self.id, {"file": search.n_files}, [*search.left_out])
        for (subject, name), path in search.places.items():
            try:
                frames, video = self._measured(path, subject, name)
                own_remarks = [*self._remarks_on(path, frames)]
            except Exception as error:  # whatever is wrong with one ends it alone
                reason = describe_error(error)
                failed[f"{self.id}/{subject}/{name}"] = reason
                remarks.append(Repair(None, "video", path.name, None, f"left out: {reason}", altered=True))
                account.leave_out("file", _n_files(path), "a video that cannot be read", path.name)
                continue
            remarks += own_remarks
            if isinstance(frames, FolderFrames):
                account.leave_out("file", len(frames.strays), "an image that is no frame", path.name)
            videos += [replace(video, id=called) for called in self._parts(name)]
        if not videos:
            raise DataError(next(iter(failed.values())))
        return ReadFolder(tuple(sorted(videos, key=lambda video: video.key)), tuple(remarks), failed, account)

    def _measured(self, path: Path, subject: str, name: str) -> tuple[FolderFrames | VideoFrames, Video]:
        """The frames at a place, and their video.

        Raises:
            DataError: they cannot be read, or have no frame rate.
        """
        frames = self._open(path)
        said = frames.fps if isinstance(frames, VideoFrames) else None
        n_frames, fps = len(frames), self.params.fps or said
        if fps is None:
            what = "a folder of images" if path.is_dir() else "a file"
            raise DataError(
                f"{path} is {what} without a frame rate: give dataset.fps=N (mebench spot: --fps N), in frames per second"
            )
        video = Video(self.id, subject, name, fps, n_frames)
        return frames, with_files(video, frames.numbers) if isinstance(frames, FolderFrames) else video

    def _remarks_on(self, path: Path, frames: FolderFrames | VideoFrames) -> Iterator[Repair]:
        """Remarks on the rate and the files of a video."""
        said, fps = frames.fps if isinstance(frames, VideoFrames) else None, self.params.fps
        if said and fps and abs(said - fps) > FPS_TOLERANCE * fps:
            reason = f"{path.name} states another rate, but dataset.fps counts"
            yield Repair(None, "fps", f"{said:g}", f"{fps:g}", reason)
        what = "images" if isinstance(frames, FolderFrames) else "video"
        for note in frames.notes:
            yield Repair(None, what, path.name, None, note)

    def _open(self, path: Path) -> FolderFrames | VideoFrames:
        if path.is_dir():
            check_files(path, path if self.params.videos else self._root, self.params.follow_links)
            return FolderFrames(path)
        if not self.params.videos and self._root.is_dir():
            check_inside(path, self._root, self.params.follow_links)
        return VideoFrames(path, accept=self.params.damaged == "accept")


def _remarks_on_search(search: Search) -> list[Repair]:
    """Remarks on links that were not followed, and on files that are neither videos nor images."""
    remarks = [Repair(None, "folders", str(link), None, LINK) for link in search.links]
    if search.others:
        reason = "left out: neither videos nor images, by their endings"
        remarks.append(Repair(None, "files", count_by_ending(search.others), None, reason))
    return remarks


def _n_files(path: Path) -> int:
    """Number of the images in a folder; 1 for a file."""
    if not path.is_dir():
        return 1
    return sum(file.name.lower().endswith(IMAGES) and file.name[0] not in ".~" for file in path.iterdir())


Plugin = Folder
