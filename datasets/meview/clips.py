"""Places of the clips of MEVIEW: the released video files, or folders of images made from them."""

import re
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from mebench.annotations import Layout
from mebench.annotations.layout import Tree, check_inside, fold
from mebench.errors import DataError
from mebench.frames.images import SUFFIXES as IMAGES
from mebench.frames.videofile import SUFFIXES as VIDEOS

LEVELS = 5
"""Levels below the root that are searched for clips."""

LAYOUT = Layout(example="me-cuts/cuts/sub01-1.mp4", folder="{video}")


def plain(name: str) -> str:
    """A clip's name without differences of spelling: lower case, no leading zeros, one sign between words, no ending.

    >>> plain("sub01-1.mp4") == plain("Sub1_01"), plain("sub11-1") == plain("sub1-11")
    (True, False)
    """
    return "-".join(re.findall(r"[^\W_]+", fold(without_ending(name.strip()))))


def without_ending(name: str) -> str:
    """The name of a video file without `.mp4` and the like."""
    return re.sub(rf"({'|'.join(map(re.escape, VIDEOS))})$", "", name, flags=re.IGNORECASE)


class ClipTree(Tree):
    """The clips below a root, each a video file or a folder with images."""

    def homes(self, videos: Iterable[tuple[str, str]]) -> list[Path]:
        """The root, if a clip is there."""
        return [self.root] if self._clips else []

    def folder(self, home: Path, subject: str, video: str) -> Path | None:
        """The video file of a clip, else its folder of images, or None where both are missing.

        Raises:
            DataError: several fit equally well, or a link leads out of the root.
        """
        found = self._clips.get(plain(video), [])
        best = [path for path in found if path.is_file()] or found
        if len(best) > 1:
            listed = " and ".join(map(str, best))
            raise DataError(f"{self.root} has several clips called {video}: {listed}. Give the root of one copy")
        return check_inside(best[0], self.root, self.follow_links) if best else None

    def all_folders(self, home: Path) -> list[tuple[str, str, Path]]:
        """Empty: clips without a row are not read, since the person is unknown."""
        return []

    @cached_property
    def _clips(self) -> dict[str, list[Path]]:
        """Video files and folders of images by plain name; a folder `01` in `sub01` is called `sub01-01`."""
        found: dict[str, list[Path]] = {}
        for _, folder in self.walk(LEVELS):
            files = self.files(folder)
            for name in files:
                if name.lower().endswith(VIDEOS):
                    found.setdefault(plain(name), []).append(folder / name)
            if folder != self.root and any(name.lower().endswith(IMAGES) for name in files):
                name = f"{folder.parent.name}-{folder.name}" if folder.name.isdigit() else folder.name
                found.setdefault(plain(name), []).append(folder)
        return found
