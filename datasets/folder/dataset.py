"""Videos without annotations: files, or folders of images. A finished run predicts them; none can be trained on."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mebench.account import Account
from mebench.annotations.annotation import with_files
from mebench.annotations.layout import Listing, check_files, check_inside
from mebench.core import Dataset, Frames, Kind, Repair, Scheme, Video
from mebench.errors import DataError, describe_error, unknown
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.images import SUFFIXES as IMAGES
from mebench.frames.videofile import SUFFIXES as VIDEOS

from .params import Params as _Params

DEPTH = 12
"""Levels below the root that are searched for videos."""
LINK = "a link out of the root was not followed: dataset.follow_links=true allows it"
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
        return self._found[0]

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
        return self._places[video.subject, self.face(video)[0]]

    def times(self, video: Video) -> NDArray[np.float64]:
        """Seconds at which each frame is shown, (n_frames,): the time stamps of a file, else by frame rate and file numbers."""
        frames = self._open(self.place(video))
        return frames.times if isinstance(frames, VideoFrames) else frames.positions / (video.fps or np.nan)

    def face(self, video: Video) -> tuple[str, Box | None]:
        """The name of the video with a face, and the part of its pictures with the face; None for all of them."""
        return self._faces[video.subject, video.id]

    @cached_property
    def _faces(self) -> dict[tuple[str, str], tuple[str, Box | None]]:
        """`face` by subject and id."""
        found: dict[tuple[str, str], tuple[str, Box | None]] = {}
        for subject, name in self._places:
            for called, box in self._parts(name).items():
                other, _ = found.setdefault((subject, called), (name, box))
                if other != name:
                    both = f"{self._places[subject, other]} and {self._places[subject, name]}"
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
        names = {name for _, name in self._places}
        for stray in sorted(found.keys() - names):
            raise DataError(unknown("video of dataset.faces", stray, names))
        return found

    def repair_rows(self) -> Sequence[Repair]:
        """Remarks on files that are not videos, or whose frame rate varies or differs from `dataset.fps`, and on images
        that are not frames.
        """
        return self._found[1]

    @property
    def failed(self) -> Mapping[str, str]:
        """Reasons why files and folders are not videos, by their would-be keys."""
        return self._found[2]

    @property
    def account(self) -> Account:
        """The files below the root, and those that are no frames and no videos, with the reasons."""
        self._found  # noqa: B018  (looks into each)
        return self._account

    @cached_property
    def _account(self) -> Account:
        return Account(self.id)

    @cached_property
    def _links(self) -> list[Path]:
        """Links out of the root that were not followed."""
        return []

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
    def _places(self) -> dict[tuple[str, str], Path]:
        """The place of each video, by subject and id."""
        if self.params.videos:
            return self._named()
        root, listing = self._root, Listing(self._root, self.params.follow_links)
        found: list[tuple[Path, tuple[str, ...]]] = []

        def look(folder: Path, above: tuple[str, ...], around: frozenset[Path] = frozenset()) -> None:
            if (real := _resolved(folder)) in around:  # a link that leads back
                return
            if len(above) > DEPTH:
                raise DataError(
                    f"{folder} lies more than {DEPTH} levels below {root}: name a folder nearer to the videos"
                )
            files = listing.files(folder)
            _count_files(folder, files, self._account, self._passed_over)
            if any(name.lower().endswith(IMAGES) for name in files):
                found.append((folder, above[:-1]))
            found.extend((folder / name, above) for name in files if name.lower().endswith(VIDEOS))
            for name in listing.folders(folder):
                if self.params.follow_links or _resolved(folder / name).is_relative_to(root.resolve()):
                    look(folder / name, (*above, name), around | {real})
                else:
                    self._links.append(folder / name)

        if root.is_file():
            self._account.hold("file", 1)
            found.append((root, ()))
        else:
            look(root, ())
        places = _keyed(found)
        if not places:
            links = f"; {self._links[0]}: {LINK}" if self._links else ""
            raise DataError(
                f"dataset.root={self.params.root} holds no videos: expected files ({', '.join(VIDEOS)}), or folders of images{links}"
            )
        return places

    @cached_property
    def _passed_over(self) -> list[Path]:
        """Files below the root that are neither videos nor images."""
        return []

    def shown_name(self, name: str) -> str:
        """The name of a video for people: with its folders if several are called alike."""
        return self._shown_names.get(name, name)

    @cached_property
    def _shown_names(self) -> dict[str, str]:
        return {}

    def _named(self) -> dict[tuple[str, str], Path]:
        """The videos that are named one by one; several of one name get the names of their folders, too."""
        paths = list(dict.fromkeys(Path(word).expanduser() for word in self.params.videos))
        for path in paths:
            if not path.exists():
                raise DataError(f"there is no video {path}: expected a video file, or a folder of images")
        for path in paths:
            if path.is_dir():
                listed = Listing(path, self.params.follow_links).files(path)
                _count_files(path, listed, self._account, self._passed_over)
            else:
                self._account.hold("file", 1)
        n_beside = Counter((path.absolute().parent, _own_name(path)) for path in paths)
        own = {path: _own_name(path, n_beside[path.absolute().parent, _own_name(path)] > 1) for path in paths}
        names = {path: _name_parts(path, own[path], 0) for path in paths}
        for n_folders in range(1, DEPTH):
            n_called = Counter(names.values())
            alike = [path for path, parts in names.items() if n_called[parts] > 1]
            if not alike:
                break
            names |= {path: _name_parts(path, own[path], n_folders) for path in alike}
        places: dict[tuple[str, str], Path] = {}
        for path, parts in names.items():
            name = "_".join(parts) if ("_".join(parts),) * 2 not in places else "__".join(parts)
            if len(parts) > 1:
                self._shown_names[name] = "/".join(parts)
            if (other := places.setdefault((name, name), path)) != path:
                raise DataError(f"{other} and {path} would both be called {name}: rename one, or take them one by one")
        return places

    @cached_property
    def _found(self) -> tuple[tuple[Video, ...], tuple[Repair, ...], dict[str, str]]:
        videos, failed = list[Video](), dict[str, str]()
        places = self._places
        remarks = [Repair(None, "folders", str(link), None, LINK) for link in self._links]
        if self._passed_over:
            reason = "left out: neither videos nor images, by their endings"
            remarks.append(Repair(None, "files", _by_ending(self._passed_over), None, reason))
        for (subject, name), path in places.items():
            try:
                frames, video = self._measured(path, subject, name)
                own_remarks = [*self._remarks_on(path, frames)]
            except Exception as error:  # whatever is wrong with one ends it alone
                failed[f"{self.id}/{subject}/{name}"] = describe_error(error)
                remarks.append(
                    Repair(None, "video", path.name, None, f"left out: {describe_error(error)}", altered=True)
                )
                self._account.leave_out("file", _n_files(path), "a video that cannot be read", path.name)
                continue
            remarks += own_remarks
            if isinstance(frames, FolderFrames):
                self._account.leave_out("file", len(frames.strays), "an image that is no frame", path.name)
            videos += [replace(video, id=called) for called in self._parts(name)]
        if not videos:
            raise DataError(next(iter(failed.values())))
        return tuple(sorted(videos, key=lambda video: video.key)), tuple(remarks), failed

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


def _count_files(folder: Path, files: Sequence[str], account: Account, passed_over: list[Path]) -> None:
    """Count the files of a folder, and those that are not taken."""
    account.hold("file", len(files))
    others = [folder / name for name in files if not name.lower().endswith((*IMAGES, *VIDEOS))]
    passed_over += others
    account.leave_out("file", len(others), "neither a video nor an image", _by_ending(others))
    *_, every_file = next(os.walk(folder), ("", [], files))
    n_hidden = len(every_file) - len(files)
    account.hold("file", n_hidden)
    account.leave_out("file", n_hidden, "a hidden file", folder.name)


def _resolved(path: Path) -> Path:
    """The place to which a path leads.

    Raises:
        DataError: its links lead in a circle.
    """
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise DataError(f"{path} is a link that leads in a circle: remove it, or link to the video itself") from None


def _by_ending(files: Sequence[Path]) -> str:
    """The endings of some files, with their numbers: `.txt 2, .csv 1`."""
    endings = Counter(file.suffix.lower() or "without an ending" for file in files)
    return ", ".join(f"{ending} {n}" for ending, n in endings.most_common())


def _n_files(path: Path) -> int:
    """Number of the images in a folder; 1 for a file."""
    if not path.is_dir():
        return 1
    return sum(file.name.lower().endswith(IMAGES) and file.name[0] not in ".~" for file in path.iterdir())


def _keyed(found: Sequence[tuple[Path, tuple[str, ...]]]) -> dict[tuple[str, str], Path]:
    """The place of each video, by subject and id.

    Videos of one name get their endings, then their folders with two strokes between: `a_b/c.mp4` beside `a/b/c.mp4`.

    Args:
        found: places of the videos, and the folders between each and the root.

    Raises:
        DataError: two have one name all the same.
    """
    keys = {path: _key(_own_name(path), above, "_") for path, above in found}
    for between in ("_", "__"):
        n_called = Counter(keys.values())
        alike = [(path, above) for path, above in found if n_called[keys[path]] > 1]
        keys |= {path: _key(_own_name(path, with_ending=True), above, between) for path, above in alike}
    places: dict[tuple[str, str], Path] = {}
    for path, key in keys.items():
        if (other := places.setdefault(key, path)) != path:
            raise DataError(f"{other} and {path} would both be the video {'/'.join(key)}: move one of them away")
    return places


def _key(name: str, above: Sequence[str], between: str) -> tuple[str, str]:
    """Subject and id of a video; without folders above it, the subject is called like the video."""
    return between.join(above) or name, name


def _own_name(path: Path, with_ending: bool = False) -> str:
    """The name of a file or a folder; that of a file without its ending, unless it is wanted."""
    if path.is_dir():
        return _called(path)
    return path.name if with_ending else path.stem


def _name_parts(path: Path, name: str, n_folders: int) -> tuple[str, ...]:
    """The names of the last folders above a video, and its own."""
    above = [part for part in path.absolute().parent.parts if part != path.anchor]
    return (*above[len(above) - n_folders :], name) if n_folders else (name,)


def _called(folder: Path) -> str:
    """The name of a folder; of a link its own, as of a linked file."""
    return folder.name if folder.name.strip(".") else folder.resolve().name


Plugin = Folder
