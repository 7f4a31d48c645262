"""A dataset of a sheet and films: one video file, or one folder of images, for each video."""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from mebench.annotations.layout import Layout, Tree, check_inside, fold
from mebench.annotations.sheet_dataset import SheetDataset
from mebench.core import Frames, Video
from mebench.errors import DataError
from mebench.frames import VideoFrames
from mebench.frames.images import SUFFIXES as IMAGES
from mebench.frames.videofile import SUFFIXES as FILMS, without_film_ending

LEVELS = 5
"""Levels below the root that are searched for films."""


def plain_film_name(name: str) -> str:
    """A film's name without differences of spelling: lower case, no leading zeros, one sign between words, no ending.

    >>> plain_film_name("sub01-1.mp4") == plain_film_name("Sub1_01"), plain_film_name("sub11-1") == plain_film_name("sub1-11")
    (True, False)
    """
    return "-".join(re.findall(r"[^\W_]+", fold(without_film_ending(name.strip()))))


class FilmDataset(SheetDataset):
    """Reads a sheet as `SheetDataset` does, and finds the file of each video. Where it has none, its folder of images is found.

    Frames of a film are counted as the sheet counts them, from the first number of `layout`. Where the folder of `layout` has the subject
    in it, a film lies in the folder of its subject, and films that no row names are videos without expressions; otherwise names are
    unique, and films without a row are not read, since nobody says who is seen.
    """

    layout: ClassVar[Layout]

    @classmethod
    def film_name(cls, path: Path) -> str:
        """The name by which the sheet calls a video file or a folder of images."""
        return path.name

    def frames(self, video: Video) -> Frames:
        """The frames of a video, from its file or its folder of images.

        Raises:
            DataError: both are missing.
        """
        path = self.folder(video)
        if path is not None and path.is_file():
            return VideoFrames(check_inside(path, self._tree_or_stop.root, self.params.follow_links))
        return super().frames(video)

    @cached_property
    def packed(self) -> str:
        """Nothing: films are read as they are."""
        return ""

    @cached_property
    def _tree_or_stop(self) -> Tree:
        tree = super()._tree_or_stop
        return FilmTree(tree.root, tree.layout, self.params.follow_links, self.film_name)

    def _expected(self, video: Video) -> str:
        """The expected place of a film, in words."""
        if self.params.root is None:
            return super()._expected(video)
        name = without_film_ending(video.id)
        place = self.layout.folder.format(subject=video.subject, video=name)
        return f"a file {place}.mp4, or a folder of that name with its images, below {self._tree_or_stop.root}"

    def _numbers(self, subject: str, video: str) -> Sequence[int | None] | None:
        """Number of each frame as the sheet counts; images may be numbered from 0 where the sheet begins with 1."""
        first = self.layout.first
        path = self._folder(subject, video)
        if path is not None and path.is_file():
            try:
                return range(first, first + len(VideoFrames(path)))
            except DataError:  # its frames report the fault
                return None
        numbers = super()._numbers(subject, video)
        counts_from_zero = bool(numbers) and numbers is not None and numbers[0] == 0
        return range(first, first + len(numbers)) if numbers and counts_from_zero else numbers


class FilmTree(Tree):
    """The films below a root, each a video file or a folder with images.

    Args:
        root: as the user names it.
        layout: layout of the dataset; its folder says whether films lie in folders of their subjects.
        follow_links: whether links may lead out of the root.
        name_of: the name by which the sheet calls a file or a folder.
    """

    def __init__(self, root: Path, layout: Layout, follow_links: bool, name_of: Callable[[Path], str]) -> None:
        super().__init__(root, layout, follow_links)
        self._name_of = name_of
        self._in_folders_of_subjects = "{subject}" in layout.folder

    def homes(self, videos: Iterable[tuple[str, str]]) -> list[Path]:
        """The root, if a film is there."""
        return [self.root] if self._films else []

    def folder(self, home: Path, subject: str, video: str) -> Path | None:
        """The file of a film, else its folder of images; None where both are missing.

        Raises:
            DataError: several fit equally well, or a link leads out of the root.
        """
        found = self._films.get(plain_film_name(video), [])
        if self._in_folders_of_subjects:
            found = [path for path in found if fold(path.parent.name) == fold(subject)]
        best = [path for path in found if path.is_file()] or found
        if len(best) > 1:
            listed = " and ".join(map(str, best))
            raise DataError(f"{self.root} has several films called {video}: {listed}. Give the root of one copy")
        return check_inside(best[0], self.root, self.follow_links) if best else None

    def all_folders(self, home: Path) -> list[tuple[str, str, Path]]:
        """Subject, name and path of all films; empty where no folder names the subject."""
        if not self._in_folders_of_subjects:
            return []
        paths = [path for same_name in self._films.values() for path in same_name]
        return [(path.parent.name, without_film_ending(self._name_of(path)), path) for path in sorted(paths)]

    @cached_property
    def _films(self) -> dict[str, list[Path]]:
        """Video files and folders of images by plain name."""
        found: dict[str, list[Path]] = {}
        for _, folder in self.walk(LEVELS):
            files = self.files(folder)
            paths = [folder / name for name in files if name.lower().endswith(FILMS)]
            if folder != self.root and any(name.lower().endswith(IMAGES) for name in files):
                paths.append(folder)
            for path in paths:
                found.setdefault(plain_film_name(self._name_of(path)), []).append(path)
        return found
