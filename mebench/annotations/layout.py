"""Where the frames of a dataset lie below the root, wherever exactly the user points."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from mebench.annotations.paths import Listing, fold
from mebench.errors import DataError

DEPTH = 3
"""Levels below the root in which the folder of the subjects, or the sheet, is looked for."""
MOST_FOLDERS = 3_000
"""Folders that are listed in the search, so that a root such as / is no endless one."""


@dataclass(frozen=True)
class Layout:
    """One folder of images for each video.

    Attributes:
        example: a path as released, for messages: `CASME2-RAW/sub01/EP02_01f/img1.jpg`.
        folder: folders of a video below the folder that holds all: `sub{subject}/{video}`; after a `*` at the end of a part the
            real name may go on.
        homes: names of the folder that holds all, the preferred one first; any other is taken where none of these is there.
        first: file number of a video's first frame, for use where the frames are absent.
        pattern: file names of the images.
        video_name: regular expression of the video's id inside the folder's name, where the name goes on
            after it; a group `(?P<subject>...)` in it gives the subject where no part of `folder` does.
    """

    example: str
    folder: str
    homes: tuple[str, ...] = ()
    first: int = 1
    pattern: str = "*"
    video_name: str = r".+"


class Tree:
    """The folders of a dataset on this machine.

    Args:
        root: what the user calls the root.
        layout: how the dataset is laid out.
        follow_links: whether links may lead out of the root.

    Attributes:
        aside: links out of the root that a search came across and did not follow.
    """

    def __init__(self, root: Path, layout: Layout, follow_links: bool) -> None:
        self.root = root
        self.layout = layout
        self.listing = Listing(root, follow_links)
        self._parts = layout.folder.split("/")
        self.aside: list[Path] = []

    def home(self, videos: Iterable[tuple[str, str]]) -> Path | None:
        """The folder that holds the folders of all videos, or None where no frames are there.

        Args:
            videos: subject and id of the annotated ones; the folder is known by holding some of them.
        """
        part = self._parts[0].removesuffix("*")
        tops = {fold(part.format(subject=subject, video=video)) for subject, video in videos}
        found = []
        for depth, folder in self.walk(DEPTH):
            names = [fold(name) for name in self.listing.folders(folder)]
            same = self._parts[0].endswith("*")
            held = sum(1 for n in names if n in tops or (same and any(n.startswith(top) for top in tops)))
            if held:
                known = [fold(home) for home in self.layout.homes]
                rank = known.index(fold(folder.name)) if fold(folder.name) in known else len(known)
                found.append((rank, depth, -held, str(folder), folder))
        return min(found)[-1] if found else None

    def folder(self, home: Path, subject: str, video: str) -> Path | None:
        """The folder of a video, or None where it is missing.

        Raises:
            DataError: several folders fit, or a link leads out of the root.
        """
        place: Path | None = home
        for part in self._parts:
            if place is None:
                return None
            name = part.removesuffix("*").format(subject=subject, video=video)
            place = self.listing.child(place, name, prefix=part.endswith("*"))
        return place

    def expected(self, subject: str, video: str) -> str:
        """Where a video should be, below the folder that holds all."""
        return self.layout.folder.format(subject=subject, video=video)

    def all_folders(self, home: Path) -> list[tuple[str, str, Path]]:
        """Subject, id and folder of every video that is there, annotated or not."""
        patterns = [self._pattern(part) for part in self._parts]
        found = []

        def descend(folder: Path, names: dict[str, str], rest: Sequence[re.Pattern[str]]) -> None:
            if not rest:
                found.append((names.get("subject", ""), names.get("video", ""), folder))
                return
            for name in self.listing.folders(folder):
                match = rest[0].fullmatch(name)
                given = match.groupdict() if match else {}
                if match and all(names.get(key, value) == value for key, value in given.items()):
                    descend(folder / name, names | given, rest[1:])

        descend(home, {}, patterns)
        return sorted(found)

    def walk(self, depth: int) -> Iterator[tuple[int, Path]]:
        """The root and the folders below it, level by level; links out of the root are left aside unless allowed."""
        level, seen = [self.root], 0
        for below in range(depth + 1):
            for folder in level:
                yield below, folder
            seen += len(level)
            if below == depth or seen > MOST_FOLDERS:
                return
            down = [folder / name for folder in level for name in self.listing.folders(folder)]
            level = [folder for folder in down if self._may_enter(folder)][: MOST_FOLDERS - seen]

    def _may_enter(self, folder: Path) -> bool:
        if self.listing.follow_links or not folder.is_symlink():
            return True
        inside = folder.resolve().is_relative_to(self.root.resolve())
        if not inside and folder not in self.aside:
            self.aside.append(folder)
        return inside

    def _pattern(self, part: str) -> re.Pattern[str]:
        groups = {"subject": r"(?P<subject>[^/]+?)", "video": rf"(?P<video>{self.layout.video_name})"}
        pieces = re.split(r"(\{subject\}|\{video\})", part.removesuffix("*"))
        body = "".join(groups[p[1:-1]] if p in ("{subject}", "{video}") else re.escape(p) for p in pieces)
        return re.compile(body + (r"(?:\D.*)?" if part.endswith("*") else ""), re.IGNORECASE)


def real_root(root: str, id_: str, layout: Layout) -> Path:
    """The folder that the user calls the root.

    Raises:
        DataError: it is no folder.
    """
    path = Path(root).expanduser()
    if not path.is_dir():
        raise DataError(
            f"dataset.root={root} is not a folder: expected the one that holds {layout.example}. "
            f"How to ask for the dataset: mebench info {id_}"
        )
    return path
