"""Names from a sheet as places below a root, and nowhere else."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from mebench.errors import DataError


def check_name(name: str, where: str) -> None:
    """Refuse a name that is a path: it could climb out of the dataset's folder.

    Raises:
        DataError: with the name and where it stands.
    """
    if name in (".", "..") or re.search(r"[/\\\0]", name) or re.match(r"[A-Za-z]:", name):
        raise DataError(
            f"{where}: {name!r} is a path, and a name in a sheet must not lead anywhere else: correct the sheet"
        )


def check_inside(path: Path, root: Path, follow_links: bool) -> Path:
    """The path, if it lies below the root when all links are followed, or if they may be followed.

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
    """What two spellings of one name share: no case, no blanks, no leading zeros.

    >>> fold("sub01") == fold("Sub1"), fold("15_0101 disgust") == fold("15_101disgust"), fold("006") == fold("6")
    (True, True, True)
    """
    plain = "".join(unicodedata.normalize("NFC", name).casefold().split())
    return re.sub(r"\d+", lambda digits: str(int(digits.group())), plain)


def check_files(folder: Path, root: Path, follow_links: bool) -> None:
    """Refuse a folder with files that are links out of the root, unless links may be followed.

    Raises:
        DataError: the first such link, and where it leads.
    """
    if not follow_links:
        with os.scandir(folder) as entries:
            links = sorted(entry.name for entry in entries if entry.is_symlink())
        for name in links:
            check_inside(folder / name, root, follow_links)


class Listing:
    """The folders inside folders, listed once each."""

    def __init__(self, root: Path, follow_links: bool) -> None:
        self.root = root
        self.follow_links = follow_links
        self._folders: dict[Path, list[str]] = {}
        self._files: dict[Path, list[str]] = {}

    def folders(self, folder: Path) -> list[str]:
        """Names of the folders in a folder, sorted, without hidden ones; links that may not be followed count too."""
        self._list(folder)
        return self._folders[folder]

    def files(self, folder: Path) -> list[str]:
        """Names of the files in a folder, sorted, without hidden and lock files."""
        self._list(folder)
        return self._files[folder]

    def child(self, folder: Path, name: str, prefix: bool = False) -> Path | None:
        """The folder of that name: exactly, else in another case or with other blanks or leading zeros.

        Args:
            folder: where to look.
            name: from the sheet.
            prefix: the folder's name may go on after `name`, but not with a digit.

        Raises:
            DataError: several folders fit equally well, or a link leads out of the root.
        """
        names = self.folders(folder)
        if name in names:
            return check_inside(folder / name, self.root, self.follow_links)
        wanted = fold(name)
        fits = [n for n in names if fold(n) == wanted]
        if not fits and prefix:
            fits = [n for n in names if fold(n).startswith(wanted) and not fold(n)[len(wanted) :][:1].isdigit()]
        if len(fits) > 1:
            raise DataError(
                f"{folder} has several folders for {name!r}: {' and '.join(fits)}. Rename or remove all but one"
            )
        return check_inside(folder / fits[0], self.root, self.follow_links) if fits else None

    def _list(self, folder: Path) -> None:
        if folder in self._folders:
            return
        folders: list[str] = []
        files: list[str] = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.name[0] in ".~":
                        continue
                    (folders if entry.is_dir() else files).append(entry.name)
        except OSError:
            pass  # not readable: as if empty; a video that is missed says where it should be
        self._folders[folder], self._files[folder] = sorted(folders), sorted(files)
