"""Datasets with folders of videos at any depth, below parts, emotions, splits or cameras."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from mebench.annotations.layout import MOST_FOLDERS, Layout, Tree, check_inside, fold
from mebench.annotations.sheet_dataset import SheetDataset
from mebench.errors import DataError
from mebench.old_names import take_hook_by_old_name

LEVELS = 6
"""Levels below the root that are searched for the folder of a video."""


@dataclass(frozen=True)
class _Place:
    """The folder of a video, and the rank of its home: 0 is best."""

    rank: int
    folder: Path
    names: tuple[str, ...]
    subject: str
    video: str


class _Survey(NamedTuple):
    """The folders of a tree: those above the videos with their depths, and places of videos by their folded names."""

    folders_above: list[tuple[int, Path]]
    places: dict[tuple[str, ...], list[_Place]]


class NestedTree(Tree):
    """Finds the folder of a video by the last parts of its path, `sub{subject}/{video}`.

    If a video has several folders, for example with cropped faces beside raw ones, the one in the first of the layout's
    `homes` is taken.

    Args:
        root: root as the user calls it.
        layout: `folder` gives the last names of the path; `video_name` must tell videos from other folders.
        follow_links: whether links may lead out of the root.
        ours: function that says whether a folder of that shape belongs to the dataset, by the names from the root's own to its own.
    """

    def __init__(
        self,
        root: Path,
        layout: Layout,
        follow_links: bool,
        ours: Callable[[tuple[str, ...]], bool] = lambda names: True,
    ) -> None:
        super().__init__(root, layout, follow_links)
        self._ours = ours
        self._patterns = [self._pattern(part) for part in self._parts]

    def homes(self, videos: Iterable[tuple[str, str]]) -> list[Path]:
        """The root, then the folders of copies that are not read; empty where no frames are there."""
        if not self._survey.places:
            return []
        unread: set[Path] = set()
        for places in self._survey.places.values():
            best_rank = min(place.rank for place in places)
            copies = [place for place in places if place.rank > best_rank]
            unread |= {place.folder.parents[len(self._parts) - 1] for place in copies}
        return [self.root, *sorted(unread)]

    def folder(self, home: Path, subject: str, video: str) -> Path | None:
        """The folder of a video, or None where it is missing.

        Raises:
            DataError: several folders fit equally well, or a link leads out of the root.
        """
        names = tuple(part.format(subject=subject, video=video) for part in self._parts)
        places = self._survey.places.get(tuple(map(fold, names)), [])
        best_rank = min((place.rank for place in places), default=0)
        best = [place for place in places if place.rank == best_rank]
        exact = [place for place in best if place.names == names] or best
        if len(exact) > 1:
            listed = " and ".join(str(place.folder) for place in exact)
            raise DataError(
                f"{self.root} has several folders for {'/'.join(names)}: {listed}. Give the root of one copy"
            )
        return check_inside(exact[0].folder, self.root, self.follow_links) if exact else None

    def all_folders(self, home: Path) -> list[tuple[str, str, Path]]:
        """Subject, id and folder of every video that is there, annotated or not; with the preferred folder of each."""
        all_places = [place for places in self._survey.places.values() for place in places]
        best_last = sorted(all_places, key=lambda place: (place.rank, str(place.folder)), reverse=True)
        preferred = {place.names: (place.subject, place.video, place.folder) for place in best_last}
        return sorted(preferred.values())

    def walk(self, depth: int, aside: Collection[str] = ()) -> Iterator[tuple[int, Path]]:
        """The root and the folders above the videos, level by level, however deep."""
        yield from self._survey.folders_above

    @cached_property
    def _survey(self) -> _Survey:
        """All folders down to those of the videos."""
        above: list[tuple[int, Path]] = []
        videos: dict[tuple[str, ...], list[_Place]] = {}
        level = [self.root]
        for depth in range(LEVELS + 1):
            above += [(depth, folder) for folder in level]
            below = []
            for child in [folder / name for folder in level for name in self.folders(folder)]:
                place = self._place(child)
                if place is None:
                    below.append(child)
                elif self._ours(self._names(child)):
                    self._add_video(place, videos)
            level = [folder for folder in below if self._may_enter(folder)]
            if len(above) + len(level) > MOST_FOLDERS:
                break
        return _Survey(above, videos)

    def _add_video(self, place: _Place, videos: dict[tuple[str, ...], list[_Place]]) -> None:
        """Add the folder of a video; of cropped faces, the folder of all of them is noted instead."""
        cropped = [above for above in place.folder.relative_to(self.root).parents if self.layout.is_cropped(above)]
        if not cropped:
            videos.setdefault(tuple(map(fold, place.names)), []).append(place)
            return
        uppermost = self.root / cropped[-1]
        if uppermost not in self.cropped:
            self.cropped.append(uppermost)

    def _place(self, folder: Path) -> _Place | None:
        """A folder as that of a video; None if its name, or one above it, is of another form."""
        names = folder.relative_to(self.root).parts[-len(self._parts) :]
        given: dict[str, str] = {}
        if len(names) < len(self._parts):
            return None
        for pattern, name in zip(self._patterns, names):
            match = pattern.fullmatch(name)
            if match is None or any(given.get(key, value) != value for key, value in match.groupdict().items()):
                return None
            given |= match.groupdict()
        rank = self.layout.find_rank(self._names(folder))
        return _Place(rank, folder, names, given.get("subject", ""), given.get("video", names[-1]))

    def _names(self, folder: Path) -> tuple[str, ...]:
        """The names of the folders from the root's own to a folder."""
        return (self.root.resolve().name, *folder.relative_to(self.root).parts)


class NestedDataset(SheetDataset):
    """A `SheetDataset` on a `NestedTree`."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        take_hook_by_old_name(cls, "ours", "belongs_here", goes="0.5")

    def belongs_here(self, names: tuple[str, ...]) -> bool:
        """Whether a folder that looks like a video belongs to this dataset.

        Args:
            names: names of the folders from the root's own to its own.
        """
        return True

    @cached_property
    def _tree_or_stop(self) -> NestedTree:
        """The tree of the first layout with frames; the usual one without any."""
        plain = super()._tree_or_stop
        shapes = (plain.layout.folder, *plain.layout.also)
        layouts = [replace(plain.layout, folder=shape) for shape in shapes]
        trees = [NestedTree(plain.root, layout, self.params.follow_links, self.belongs_here) for layout in layouts]
        return next((tree for tree in trees if tree.homes(())), trees[0])
