"""Find the files of a dataset below the root or an inner folder."""

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from mebench.annotations.sheets import SUFFIXES
from mebench.annotations.table import Columns, Header, table_of_file
from mebench.annotations.text import visible_text
from mebench.annotations.unpack import ARCHIVES, FOREIGN, packed_files
from mebench.errors import DataError, list_first
from mebench.system import join_words


def check_name(name: str, where: str) -> None:
    """Refuse a name that is a path: it could climb out of the dataset's folder.

    Raises:
        DataError: with the name and where it stands.
    """
    if name in (".", "..") or re.search(r"[/\\\0]", name) or re.match(r"[A-Za-z]:", name):
        raise DataError(
            f"{where}: {name!r} is a path, and a name in a sheet must not lead anywhere else: correct the sheet"
        )


def root_folder(root: str | None, needs: str, expected: str) -> Path:
    """The folder that `dataset.root` names.

    Args:
        root: the setting.
        needs: sentence for a root that is not given.
        expected: content of the folder, in words.

    Raises:
        DataError: it is not given, or no folder.
    """
    if root is None:
        raise DataError(needs)
    folder = Path(root).expanduser()
    if folder.is_file() and folder.name.lower().endswith((*ARCHIVES, *FOREIGN)):
        raise DataError(f"dataset.root={root} is an archive: {_way_to_unpack(folder)} Expected there: {expected}")
    if not folder.is_dir():
        raise DataError(f"dataset.root={root} is not a folder: expected {expected}")
    return folder


def _way_to_unpack(archive: Path) -> str:
    """How an archive becomes a folder that `dataset.root` may name."""
    if archive.name.lower().endswith(FOREIGN):
        return "unpack it with the program that it was made with, and give dataset.root=FOLDER."
    return f"unpack it with: {join_words(['mebench', 'data', 'unpack', str(archive), '-o', 'FOLDER'])}, and give dataset.root=FOLDER."


def archives_in(folder: Path) -> str:
    """A sentence on the archives in a folder; empty without any."""
    names = sorted(path.name for path in folder.iterdir() if path.name.lower().endswith((*ARCHIVES, *FOREIGN)))
    return f". There lies {list_first(names)}: {_way_to_unpack(folder / names[0])}".rstrip(".") if names else ""


def check_inside(path: Path, root: Path, follow_links: bool) -> Path:
    """The path, if its target lies below the root or links may be followed.

    Raises:
        DataError: a link leads out of the root.
    """
    real = path.resolve()
    if not follow_links and not real.is_relative_to(root.resolve()):
        raise DataError(
            f"{path} is a link to {real}, outside {root}: allow it with dataset.follow_links=true, or copy the files"
        )
    return path


def fold(name: str) -> str:
    """A name without case, blanks and leading zeros, for comparison of spellings.

    >>> fold("sub01") == fold("Sub1"), fold("15_0101 disgust") == fold("15_101disgust"), fold("006") == fold("6")
    (True, True, True)
    """
    plain = "".join(visible_text(name)[0].casefold().split())
    return re.sub(r"\d{1,99}", lambda digits: str(int(digits.group())), plain)


def check_files(folder: Path, root: Path, follow_links: bool) -> None:
    """Refuse links out of the root, unless links may be followed.

    Raises:
        DataError: the first such link, and where it leads.
    """
    if follow_links:
        return
    with os.scandir(folder) as entries:
        links = sorted(entry.name for entry in entries if entry.is_symlink())
    for name in links:
        check_inside(folder / name, root, follow_links)


class Listing:
    """A cache of the contents of folders."""

    def __init__(self, root: Path, follow_links: bool) -> None:
        self.root = root
        self.follow_links = follow_links
        self._listed: dict[Path, tuple[list[str], list[str]]] = {}

    def folders(self, folder: Path) -> list[str]:
        """Names of the folders in a folder, sorted, without hidden ones; links that may not be followed count too."""
        return self._list(folder)[0]

    def files(self, folder: Path) -> list[str]:
        """Names of the files in a folder, sorted, without hidden and lock files."""
        return self._list(folder)[1]

    def child(self, folder: Path, name: str, prefix: bool = False) -> Path | None:
        """The folder of that name: exactly, else in another case or with other blanks or leading zeros.

        Args:
            folder: where to search.
            name: name in the sheet.
            prefix: whether the folder's name may be longer than `name`, if no digit follows.

        Raises:
            DataError: several folders fit equally well, or a link leads out of the root.
        """
        fits = self._names_like(name, self.folders(folder), prefix)
        if len(fits) > 1:
            raise DataError(
                f"{folder} has several folders for {name!r}: {' and '.join(fits)}. Rename or remove all but one"
            )
        return check_inside(folder / fits[0], self.root, self.follow_links) if fits else None

    @staticmethod
    def _names_like(name: str, names: Sequence[str], prefix: bool) -> list[str]:
        """The names equal to `name`; else those in another spelling; else, with `prefix`, the longer ones."""
        if name in names:
            return [name]
        folded = fold(name)
        spellings = [other for other in names if fold(other) == folded]
        if spellings or not prefix:
            return spellings
        longer = [other for other in names if fold(other).startswith(folded)]
        return [other for other in longer if not fold(other)[len(folded) :][:1].isdigit()]

    def _list(self, folder: Path) -> tuple[list[str], list[str]]:
        """The names of the folders and of the files in a folder, read once."""
        if folder not in self._listed:
            # An unreadable folder counts as empty; the message on a missing video names its expected place.
            _, folders, files = next(os.walk(folder), ("", [], []))
            self._listed[folder] = _own_names(folders), _own_names(files)
        return self._listed[folder]


def _own_names(names: Iterable[str]) -> list[str]:
    """The names, sorted, without hidden ones, locks of other programs, and `MACOS_FOLDER`."""
    return sorted(name for name in names if name[0] not in ".~" and name != MACOS_FOLDER)


MACOS_FOLDER = "__MACOSX"
"""Folder that macOS puts into the archives it makes: all names once more, with other contents."""
DEPTH = 5
"""Levels below the root that are searched for the folder of the subjects."""
MOST_FOLDERS = 3_000
"""Most folders in the search, so that it ends even for a root such as /."""


@dataclass(frozen=True)
class SheetParams:
    """The folder of the dataset.

    Attributes:
        root: folder of the dataset as released; the sheet and the frames are looked for in it.
        annotations: file of the annotations, if it has another place or name; frames may then be absent.
        follow_links: follow links that lead out of the root, for example to another disk.
        openface: folder of the CSV files that OpenFace's FeatureExtraction wrote, for methods that read action units of each frame.
    """

    root: str | None = None
    annotations: str | None = None
    follow_links: bool = False
    openface: str | None = None


@dataclass(frozen=True)
class Layout:
    """One folder of images for each video.

    Attributes:
        example: a path as released, for messages: `CASME2-RAW/sub01/EP02_01f/img1.jpg`.
        folder: folders of a video below the folder that holds all: `sub{subject}/{video}`; a part that ends with `*`
            may be longer in reality, and a last part that ends with `?` may be missing.
        also: the folders of copies in circulation, tried in this order if `folder` finds no video.
        homes: names of the folder that holds all, the preferred one first; another is taken if none of these exists.
        cropped: names of folders of faces that the authors cropped, which are read only if the root lies in one.
        first: file number of a video's first frame, for use where the frames are absent.
        pattern: file names of the images.
        video_name: regular expression of the video's id inside the folder's name, if the name is longer; a group
            `(?P<subject>...)` in it gives the subject if no part of `folder` does.
    """

    example: str
    folder: str
    also: tuple[str, ...] = ()
    homes: tuple[str, ...] = ()
    cropped: tuple[str, ...] = ()
    first: int = 1
    pattern: str = "*"
    video_name: str = r".+"

    def find_rank(self, names: Iterable[str]) -> int:
        """The place in `homes` of the most preferred of some names, 0 for the first; beyond all where none is there."""
        known = {fold(name) for name in names}
        return min((n for n, home in enumerate(self.homes) if fold(home) in known), default=len(self.homes))

    def is_cropped(self, folder: Path) -> bool:
        """Whether a folder is one of `cropped` or lies in one."""
        return not {fold(name) for name in self.cropped}.isdisjoint(map(fold, folder.parts))


class Tree(Listing):
    """The folders of a dataset on this machine.

    Args:
        root: as the user names it.
        layout: layout of the dataset.
        follow_links: whether links may lead out of the root.

    Attributes:
        aside: links out of the root that were not followed.
        cropped: folders of cropped faces that look like raw frames and were left aside.
    """

    def __init__(self, root: Path, layout: Layout, follow_links: bool) -> None:
        super().__init__(root, follow_links)
        self.layout = layout
        self._parts = layout.folder.split("/")
        self.aside: list[Path] = []
        self._further_homes: list[Path] = []  # they hold videos that the first home does not hold
        self.cropped: list[Path] = []

    def homes(self, videos: Iterable[tuple[str, str]]) -> list[Path]:
        """Folders that hold folders of videos, the one that is read first; empty without frames.

        Folders that sort clips by emotion or section are read as one.

        Args:
            videos: subject and id of the annotated videos; a folder is recognised by holding some of them.
        """
        named = set(videos)
        homes_by_shape: dict[str, list[tuple[int, Path]]] = {}
        for shape in (self.layout.folder, *self.layout.also):
            self._parts = shape.split("/")
            ranked = self._rank_homes(named)
            homes_by_shape[shape] = ranked
            if any(self._holds_any(home, sorted(named)) for _, home in ranked):
                self._further_homes = self._find_further_homes(ranked, named)
                return [home for _, home in ranked if home not in self._further_homes]
        self._parts = self.layout.folder.split("/")
        return [home for _, home in homes_by_shape[self.layout.folder]]

    def _holds_any(self, home: Path, videos: Iterable[tuple[str, str]]) -> bool:
        """Whether a home holds the folder of at least one of some videos."""
        return any(self._below(home, *video) for video in videos)

    def _find_further_homes(self, ranked: Sequence[tuple[int, Path]], named: Set[tuple[str, str]]) -> list[Path]:
        """The siblings of the first home with none of its videos; both have known names, or both unknown ones."""
        unknown = len(self.layout.homes)
        (first_rank, first), *others = ranked
        found = self._videos_below(first, named)
        further = []
        for rank, home in others:
            if home.parent != first.parent:
                continue
            inside = self._videos_below(home, named)
            both_known_or_not = (first_rank == unknown) == (rank == unknown)
            if inside and not inside & found and both_known_or_not:
                further.append(home)
                found |= inside
        return further

    def _videos_below(self, home: Path, named: Set[tuple[str, str]]) -> set[tuple[str, str]]:
        """Those of some videos whose folder lies in a home."""
        return {video for video in named if self._below(home, *video)}

    def whole(self, home: Path) -> Path:
        """The folder that holds all videos: the home, or the parent of several homes that are read as one."""
        return home.parent if self._further_homes else home

    def _rank_homes(self, videos: Iterable[tuple[str, str]]) -> list[tuple[int, Path]]:
        """Folders that hold those of some videos, each with its rank, the best first."""
        part = self._parts[0].removesuffix("*")
        may_be_longer = self._parts[0].endswith("*")
        tops = {fold(part.format(subject=subject, video=video)) for subject, video in videos}
        beginnings = tuple(tops) if may_be_longer else ()
        homes = []
        for depth, folder in self.walk(DEPTH, () if may_be_longer else tops):  # not into the folders of the subjects
            names = [fold(name) for name in self.folders(folder)]
            n_fitting = sum(name in tops or name.startswith(beginnings) for name in names)
            if not n_fitting:
                continue
            if self.layout.is_cropped(folder.relative_to(self.root)):
                if folder not in self.cropped:
                    self.cropped.append(folder)
                continue
            rank = self.layout.find_rank([folder.name])
            preference = (rank, depth, -n_fitting, str(folder))  # the upper one, then the fuller one
            homes.append((preference, rank, folder))
        return [(rank, folder) for _, rank, folder in sorted(homes)]

    def folder(self, home: Path, subject: str, video: str) -> Path | None:
        """The folder of a video, or None where it is missing.

        Raises:
            DataError: several folders fit, or a link leads out of the root.
        """
        folders = (self._below(root, subject, video) for root in (home, *self._further_homes))
        return next(filter(None, folders), None)

    def _below(self, home: Path, subject: str, video: str) -> Path | None:
        """The folder of a video in a home, or None."""
        folder = home
        for part in self._parts:
            name = part.rstrip("*?").format(subject=subject, video=video)
            inner = self.child(folder, name, prefix=part.endswith("*"))
            if inner is not None:
                folder = inner
            elif not part.endswith("?"):
                return None
        return folder

    def all_folders(self, home: Path) -> list[tuple[str, str, Path]]:
        """Subject, id and folder of every existing video, annotated or not."""
        patterns = [self._pattern(part) for part in self._parts]
        found = [video for root in (home, *self._further_homes) for video in self._descend(root, {}, patterns)]
        return sorted(found)

    def _descend(
        self, folder: Path, names: Mapping[str, str], patterns: Sequence[re.Pattern[str]]
    ) -> Iterator[tuple[str, str, Path]]:
        """Subject, id and folder of the videos below a folder.

        Args:
            folder: the folder.
            names: subject and video, as far as the names of the folders above say them.
            patterns: patterns of the folders' names on the levels below.
        """
        here = (names.get("subject", ""), names.get("video", ""), folder)
        if not patterns:
            yield here
            return
        pattern, *rest = patterns
        matches = [(name, pattern.fullmatch(name)) for name in self.folders(folder)]
        inner = [(name, match.groupdict()) for name, match in matches if match]
        last_may_be_missing = self._parts[-1].endswith("?")
        if not inner and not rest and last_may_be_missing:
            yield here
        for name, says in inner:
            if all(names.get(key, value) == value for key, value in says.items()):
                yield from self._descend(folder / name, {**names, **says}, rest)

    def walk(self, depth: int, aside: Collection[str] = ()) -> Iterator[tuple[int, Path]]:
        """The root and the folders below it, level by level.

        Links out of the root are left aside unless allowed.

        Args:
            depth: levels below the root.
            aside: folded names of folders that are not entered.
        """
        level = [self.root]
        seen = 0
        for below in range(depth + 1):
            for folder in level:
                yield below, folder
            seen += len(level)
            if below == depth or seen > MOST_FOLDERS:
                return
            down = [folder / name for folder in level for name in self.folders(folder)]
            entered = [folder for folder in down if fold(folder.name) not in aside and self._may_enter(folder)]
            level = entered[: MOST_FOLDERS - seen]

    def packed_files(self) -> list[Path]:
        """Archives and video files below the root, which cannot be read as frames directly."""
        return [folder / name for _, folder in self.walk(DEPTH) for name in packed_files(self.files(folder))]

    def _may_enter(self, folder: Path) -> bool:
        """Whether a folder may be searched; a link out of the root is noted instead."""
        inside = self.follow_links or not folder.is_symlink() or folder.resolve().is_relative_to(self.root.resolve())
        if not inside and folder not in self.aside:
            self.aside.append(folder)
        return inside

    def _pattern(self, part: str) -> re.Pattern[str]:
        """The form of a folder's name in the layout, with subject and video as groups."""
        groups = {"{subject}": r"(?P<subject>[^/]+?)", "{video}": rf"(?P<video>{self.layout.video_name})"}
        pieces = re.split(r"(\{subject\}|\{video\})", part.rstrip("*?"))
        body = "".join(groups.get(piece, re.escape(piece)) for piece in pieces)
        return re.compile(body + (r"(?:\D.*)?" if part.endswith("*") else ""), re.IGNORECASE)


SHEET_DEPTH = 2
"""Levels below the root that are searched for a sheet, and levels above it, for a root that is the folder of the
frames.
"""
MOST_OPENED = 20
"""Files of unknown names that are opened to see whether they fit."""


def candidates(tree: Tree, names: Sequence[str], *forms: Header | Columns) -> list[Path]:
    """Files that may hold the annotations, best first.

    Files with known names come in the order of `names`, each name's latest version first: below the root, else beside
    or above it. Only if there are none, other tables below the root are opened, and those that fit are taken.

    Args:
        tree: tree of the root.
        names: known names, with `*` and `?`; upper and lower case are the same.
        forms: forms of the annotations; a file fits if one of its sheets has one of them.

    Raises:
        DataError: a link to a file leads out of the root.
    """

    def tables(folders: Iterable[Path]) -> list[Path]:
        files = [folder / name for folder in folders for name in tree.files(folder)]
        return [file for file in files if file.name.lower().endswith(SUFFIXES)]

    below = tables(folder for _, folder in tree.walk(SHEET_DEPTH))
    known = [check_inside(path, tree.root, tree.follow_links) for path in called(names, below)]
    if not known:
        known = called(names, tables(tree.root.resolve().parents[:SHEET_DEPTH]))
    if len(known) == 1:  # taken whatever it holds: its reader names what it lacks
        return known
    if known:  # another release may use the same name, as with SAMM
        fitting = [path for path in known if table_of_file(path, *forms)]
        return fitting or known
    fitting = [path for path in below[:MOST_OPENED] if table_of_file(path, *forms)]
    return [check_inside(path, tree.root, tree.follow_links) for path in fitting]


def file_version(name: str) -> tuple[tuple[int, ...], bool]:
    """Version of a file, by which a later one is recognised: the numbers in its name, then a word such as `final`.

    >>> sorted(["x_v2.xls", "x_v10.xlsx", "x_v2_20250903.xls", "x_v2 (1).xls", "x_v2_final.xls"], key=file_version)
    ['x_v2.xls', 'x_v2 (1).xls', 'x_v2_final.xls', 'x_v2_20250903.xls', 'x_v10.xlsx']
    """
    plain = re.sub(r"\s*\(\d+\)$", "", Path(name).stem)  # the second copy of a download
    return tuple(map(int, re.findall(r"\d+", plain))), re.search("final|updated", plain, re.IGNORECASE) is not None


def called(names: Sequence[str], paths: Sequence[Path]) -> list[Path]:
    """The paths whose names fit one of `names`: in their order, of each the latest version first."""
    later_first = sorted(paths, key=lambda path: file_version(path.name), reverse=True)
    fitting: dict[Path, None] = {}
    for name in names:
        of_name = [path for path in later_first if fnmatch(path.name.casefold(), name.casefold())]
        fitting |= dict.fromkeys(of_name)
    return list(fitting)
