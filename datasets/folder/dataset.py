"""Videos that nobody annotated: files, or folders of images. A finished run predicts them; none can be trained on."""

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from mebench.annotations.annotation import with_files
from mebench.annotations.layout import Listing, check_files, check_inside
from mebench.core import Dataset, Frames, Kind, Repair, Scheme, Video
from mebench.errors import DataError
from mebench.frames import FolderFrames, VideoFrames
from mebench.frames.images import SUFFIXES as IMAGES
from mebench.frames.videofile import SUFFIXES as VIDEOS

from .params import Params as _Params

DEPTH = 12
"""Levels below the root in which videos are looked for."""
FPS_TOLERANCE = 0.02
"""Share by which `dataset.fps` may differ from what a file says without a remark."""


class Folder(Dataset):
    """Each video file and each folder that holds images is a video.

    A video is called as its file or folder is, without the ending. Its subject is called as the folders between the root and
    it are, joined by `_`; where none is, nobody says who is seen, and each video is a subject of its own.
    """

    Params = _Params
    params: _Params
    id = "folder"
    revision = "1"
    tasks = frozenset({"spot"})
    kinds: tuple[Kind, ...] = ("micro", "macro")
    schemes = {"native": Scheme.native(["unknown"])}  # noqa: RUF012  (a constant map)
    comparable = False
    remark = "nobody annotated these videos, so there is nothing to score"

    def videos(self) -> Sequence[Video]:
        """All videos, sorted by key; each with its frame rate, from its file or `dataset.fps`."""
        return self._found[0]

    def frames(self, video: Video) -> Frames:
        """The frames of a video, from its file or its folder of images."""
        return self._open(self._places[video.subject, video.id])

    def check(self) -> None:
        """Look for videos below the root."""
        self._places  # noqa: B018  (says what is missing)

    def frame_folders(self) -> Sequence[Path]:
        """The root."""
        return (self._root,)

    def repair_rows(self) -> Sequence[Repair]:
        """Files of which the frame rate varies, or is said to be another one than `dataset.fps`."""
        return self._found[1]

    @cached_property
    def _root(self) -> Path:
        if self.params.root is None:
            raise DataError(
                "folder needs videos: give dataset.root=DIR, a folder of video files or of folders of images"
            )
        root = Path(self.params.root).expanduser()
        if not root.exists():
            raise DataError(
                f"dataset.root={self.params.root} is not there: expected a folder of video files or of folders of images"
            )
        return root

    @cached_property
    def _places(self) -> dict[tuple[str, str], Path]:
        """Where each video lies, by subject and id."""
        root, listing = self._root, Listing(self._root, self.params.follow_links)
        places: dict[tuple[str, str], Path] = {}

        def take(path: Path, name: str, above: tuple[str, ...]) -> None:
            key = "_".join(above) or name, name
            if (other := places.setdefault(key, path)) != path:
                raise DataError(f"{other} and {path} would both be the video {'/'.join(key)}: move one of them away")

        def look(folder: Path, above: tuple[str, ...], around: frozenset[Path] = frozenset()) -> None:
            if (real := folder.resolve()) in around:  # a link that leads back
                return
            if len(above) > DEPTH:
                raise DataError(
                    f"{folder} lies more than {DEPTH} levels below {root}: name a folder nearer to the videos"
                )
            files = listing.files(folder)
            if any(name.lower().endswith(IMAGES) for name in files):
                take(folder, folder.resolve().name, above[:-1])
            for name in files:
                if name.lower().endswith(VIDEOS):
                    take(folder / name, Path(name).stem, above)
            for name in listing.folders(folder):
                look(check_inside(folder / name, root, self.params.follow_links), (*above, name), around | {real})

        if root.is_file():
            take(root, root.stem, ())
        else:
            look(root, ())
        if not places:
            raise DataError(
                f"dataset.root={self.params.root} holds no videos: expected files ({', '.join(VIDEOS)}), or folders of images"
            )
        return places

    @cached_property
    def _found(self) -> tuple[tuple[Video, ...], tuple[Repair, ...]]:
        videos, remarks = [], []
        for (subject, name), path in self._places.items():
            frames = self._open(path)
            said = frames.fps if isinstance(frames, VideoFrames) else None
            fps = self.params.fps or said
            if fps is None:
                what = "a folder of images" if path.is_dir() else "a file"
                raise DataError(f"{path} is {what} that says no frame rate: give dataset.fps=N, in frames per second")
            if said and abs(said - fps) > FPS_TOLERANCE * fps:
                reason = f"{path.name} says another rate, and dataset.fps counts"
                remarks.append(Repair(None, "fps", f"{said:g}", f"{fps:g}", reason))
            if isinstance(frames, VideoFrames) and (uneven := frames.uneven):
                reason = f"the frames of {path.name} are {uneven}: durations go by their mean rate"
                remarks.append(Repair(None, "fps", f"{fps:g}", None, reason))
            video = Video(self.id, subject, name, fps, len(frames))
            videos.append(with_files(video, frames.numbers) if isinstance(frames, FolderFrames) else video)
        return tuple(sorted(videos, key=lambda video: video.key)), tuple(remarks)

    def _open(self, path: Path) -> FolderFrames | VideoFrames:
        if path.is_dir():
            check_files(path, self._root, self.params.follow_links)
            return FolderFrames(path)
        if self._root.is_dir():
            check_inside(path, self._root, self.params.follow_links)
        return VideoFrames(path)


Plugin = Folder
