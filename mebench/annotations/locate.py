"""The annotation file below a root: by its known names, else by what it holds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from mebench.annotations.layout import Tree
from mebench.annotations.paths import check_inside
from mebench.annotations.sheets import SUFFIXES
from mebench.errors import DataError

DEPTH = 2
"""Levels below the root in which a sheet is looked for, and above it, for a root that is the folder of the frames."""
MOST_OPENED = 20
"""Files of unknown names that are opened to see whether they fit."""


def candidates(tree: Tree, names: Sequence[str], fits: Callable[[Path], bool]) -> list[Path]:
    """Files that may hold the annotations, best first.

    Files of known names come in the order of `names`: below the root first, then beside or above it. Only without any, other
    tables below the root are opened, and those that fit are taken.

    Args:
        tree: of the root.
        names: known names, with `*` and `?`; upper and lower case are the same.
        fits: whether a file holds the annotations.

    Raises:
        DataError: a link to a file leads out of the root.
    """
    below = list(_below(tree))
    known = [check_inside(path, tree.root, tree.listing.follow_links) for path in _called(names, below)]
    if known:
        return _fitting(known, fits)
    above = [path for folder in tree.root.resolve().parents[:DEPTH] for path in _tables(folder)]
    if known := _called(names, above):
        return _fitting(known, fits)
    return [
        check_inside(path, tree.root, tree.listing.follow_links) for path in below[:MOST_OPENED] if _safely(fits, path)
    ]


def _called(names: Sequence[str], paths: Sequence[Path]) -> list[Path]:
    found = (path for name in names for path in paths if fnmatch(path.name.casefold(), name.casefold()))
    return list(dict.fromkeys(found))


def _fitting(known: list[Path], fits: Callable[[Path], bool]) -> list[Path]:
    """A name may be that of another release too, as SAMM's is; a single file is taken as it is, and says what it lacks."""
    return known if len(known) == 1 else [path for path in known if _safely(fits, path)] or known


def _below(tree: Tree) -> Iterator[Path]:
    for _, folder in tree.walk(DEPTH):
        yield from (folder / name for name in tree.listing.files(folder) if name.lower().endswith(SUFFIXES))


def _tables(folder: Path) -> list[Path]:
    try:
        return sorted(p for p in folder.iterdir() if p.name.lower().endswith(SUFFIXES) and p.name[0] not in ".~")
    except OSError:
        return []


def _safely(fits: Callable[[Path], bool], path: Path) -> bool:
    """A stranger's file that cannot be read is not the one that is looked for."""
    try:
        return fits(path)
    except DataError:
        return False
