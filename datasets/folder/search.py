"""Search for videos below a root, or take those that are named, and account for every file that lies there."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mebench.account import LeftOut
from mebench.annotations.layout import Listing
from mebench.errors import DataError
from mebench.frames.images import SUFFIXES as IMAGES
from mebench.frames.videofile import SUFFIXES as VIDEOS

DEPTH = 12
"""Levels below the root that are searched for videos."""
LINK = "a link out of the root was not followed: dataset.follow_links=true allows it"
VideoName = tuple[str, str]
"""Subject and id of a video."""


@dataclass(frozen=True)
class Search:
    """The places of videos, and everything beside them.

    Attributes:
        places: file or folder of images of each video.
        n_files: number of files that were looked at, hidden ones too.
        left_out: files that are no videos and no images.
        others: those of them that are not hidden.
        links: links out of the root that were not followed, sorted.
        shown_names: names for people of videos that are called alike, by id.
    """

    places: Mapping[VideoName, Path]
    n_files: int
    left_out: tuple[LeftOut, ...] = ()
    others: tuple[Path, ...] = ()
    links: tuple[Path, ...] = ()
    shown_names: Mapping[str, str] = field(default_factory=dict)


class VisitedFolder(NamedTuple):
    """A folder of the search.

    Attributes:
        path: the folder.
        above: names of the folders from the root to it, its own included.
        files: names of the files in it that are not hidden.
        links: links in it that were not followed.
    """

    path: Path
    above: tuple[str, ...]
    files: Sequence[str]
    links: Sequence[Path] = ()

    @property
    def holds_images(self) -> bool:
        """Whether it is a video of images."""
        return any(name.lower().endswith(IMAGES) for name in self.files)

    @property
    def others(self) -> list[Path]:
        """The files that are neither videos nor images."""
        return [self.path / name for name in self.files if not name.lower().endswith((*IMAGES, *VIDEOS))]

    @property
    def n_hidden(self) -> int:
        """Number of hidden files."""
        *_, every_file = next(os.walk(self.path), ("", [], self.files))
        return len(every_file) - len(self.files)


def search_root(root: Path, follow_links: bool) -> Search:
    """All videos below a root, which may be one file; there may be none.

    Args:
        root: the root.
        follow_links: whether links out of the root are followed.

    Raises:
        DataError: two bear one name, or folders lie too deep.
    """
    if root.is_file():
        return Search(_name_by_folders([(root, ())]), n_files=1)
    folders = list(_visit_folders(root, root, Listing(root, follow_links), follow_links))
    found: list[tuple[Path, tuple[str, ...]]] = []
    for folder in folders:
        if folder.holds_images:
            found.append((folder.path, folder.above[:-1]))
        found += [(folder.path / name, folder.above) for name in folder.files if name.lower().endswith(VIDEOS)]
    return Search(
        _name_by_folders(found),
        n_files=sum(len(folder.files) + folder.n_hidden for folder in folders),
        left_out=_left_out_of(folders),
        others=tuple(file for folder in folders for file in folder.others),
        links=tuple(sorted(link for folder in folders for link in folder.links)),
    )


def _visit_folders(
    folder: Path,
    root: Path,
    listing: Listing,
    follow_links: bool,
    above: tuple[str, ...] = (),
    around: frozenset[Path] = frozenset(),
) -> Iterator[VisitedFolder]:
    """A folder and all below it; links that lead back are passed over.

    Args:
        folder: the folder.
        root: root of the search.
        listing: listing of folders below the root.
        follow_links: whether links out of the root are followed.
        above: names of the folders from the root to this one.
        around: real places of the folders around it.

    Raises:
        DataError: folders lie too deep, or a link leads in a circle.
    """
    real = _resolved(folder)
    if real in around:
        return
    if len(above) > DEPTH:
        raise DataError(f"{folder} lies more than {DEPTH} levels below {root}: name a folder nearer to the videos")
    files, inside, links = listing.files(folder), list[str](), list[Path]()
    for name in listing.folders(folder):
        if follow_links or _resolved(folder / name).is_relative_to(root.resolve()):
            inside.append(name)
        else:
            links.append(folder / name)
    yield VisitedFolder(folder, above, files, links)
    for name in inside:
        yield from _visit_folders(folder / name, root, listing, follow_links, (*above, name), around | {real})


def take_named(words: Sequence[str], follow_links: bool) -> Search:
    """The videos that are named one by one; several of one name get the names of their folders, too.

    Args:
        words: files and folders of images.
        follow_links: whether links to images elsewhere are followed.

    Raises:
        DataError: one does not exist, or two would bear one name.
    """
    paths = list(dict.fromkeys(Path(word).expanduser() for word in words))
    for path in paths:
        if not path.exists():
            raise DataError(f"there is no video {path}: expected a video file, or a folder of images")
    folders = [VisitedFolder(path, (), Listing(path, follow_links).files(path)) for path in paths if path.is_dir()]
    n_in_folders = sum(len(folder.files) + folder.n_hidden for folder in folders)
    places: dict[VideoName, Path] = {}
    shown_names: dict[str, str] = {}
    for path, parts in _names_of_paths(paths).items():
        name = "_".join(parts) if ("_".join(parts),) * 2 not in places else "__".join(parts)
        if len(parts) > 1:
            shown_names[name] = "/".join(parts)
        if (other := places.setdefault((name, name), path)) != path:
            raise DataError(f"{other} and {path} would both be called {name}: rename one, or take them one by one")
    return Search(
        places,
        n_files=n_in_folders + len(paths) - len(folders),
        left_out=_left_out_of(folders),
        others=tuple(file for folder in folders for file in folder.others),
        shown_names=shown_names,
    )


def _names_of_paths(paths: Sequence[Path]) -> dict[Path, tuple[str, ...]]:
    """The name of each video, after those of as many folders above it as tell it from the others."""
    n_beside = Counter((path.absolute().parent, _own_name(path)) for path in paths)
    own = {path: _own_name(path, n_beside[path.absolute().parent, _own_name(path)] > 1) for path in paths}
    names = {path: _name_parts(path, own[path], 0) for path in paths}
    for n_folders in range(1, DEPTH):
        n_called = Counter(names.values())
        alike = [path for path, parts in names.items() if n_called[parts] > 1]
        if not alike:
            break
        names |= {path: _name_parts(path, own[path], n_folders) for path in alike}
    return names


def _left_out_of(folders: Sequence[VisitedFolder]) -> tuple[LeftOut, ...]:
    """The files of folders that are no videos and no images, and hidden ones."""
    left_out = list[LeftOut]()
    for folder in folders:
        others, n_hidden = folder.others, folder.n_hidden
        if others:
            reason = "neither a video nor an image"
            left_out.append(LeftOut("file", len(others), reason, count_by_ending(others)))
        if n_hidden:
            left_out.append(LeftOut("file", n_hidden, "a hidden file", folder.path.name))
    return tuple(left_out)


def count_by_ending(files: Sequence[Path]) -> str:
    """The endings of some files, with their numbers: `.txt 2, .csv 1`."""
    endings = Counter(file.suffix.lower() or "without an ending" for file in files)
    return ", ".join(f"{ending} {n}" for ending, n in endings.most_common())


def no_videos_below(root: str | None, search: Search) -> DataError:
    """The error of a root without videos, which names the first link that was not followed."""
    hint = f"; {search.links[0]}: {LINK}" if search.links else ""
    return DataError(
        f"dataset.root={root} holds no videos: expected files ({', '.join(VIDEOS)}), or folders of images{hint}"
    )


def _resolved(path: Path) -> Path:
    """The place to which a path leads.

    Raises:
        DataError: its links lead in a circle.
    """
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        raise DataError(f"{path} is a link that leads in a circle: remove it, or link to the video itself") from None


def _name_by_folders(found: Sequence[tuple[Path, tuple[str, ...]]]) -> dict[tuple[str, str], Path]:
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
