"""The MEGC 2019 composite as ready-made flow maps: recognition without frames."""

import hashlib
import re
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Dataset, Expression, Scheme, Video
from mebench.errors import DataError

from .params import Params as _Params

CLASSES = ("negative", "positive", "surprise")
SIZE = 28
MEMBERS = ((re.compile(r"s\d+"), "smic"), (re.compile(r"sub\d+"), "casme2"), (re.compile(r"\d+"), "samm"))


class Megc2019Flow(Dataset):
    """Each clip is a video of one frame whose feature is the published map; there are no frames to look at."""

    Params = _Params
    tasks = frozenset({"recognize"})
    schemes = {"megc2019": Scheme.native(CLASSES, "megc2019")}  # noqa: RUF012  (a constant map)

    def videos(self) -> list[Video]:
        """The clips, sorted by key; each holds one expression `[0, 0]` with its class."""
        return [
            Video(member, subject, clip, None, 1, (Expression(0, 0, apex=0, emotion=CLASSES[label]),))
            for (member, subject, clip), (label, _) in sorted(self._clips.items())
        ]

    def check(self) -> None:
        """Look for the folders of the maps."""
        self._clips  # noqa: B018  (says what is missing)

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """The map of a clip for the chain `onset_apex_flow_28`: (28, 28, 3) uint8, channels strain, v, u (OpenCV's order)."""
        if name != "onset_apex_flow_28":
            return None
        return _read(self._clips[video.dataset, video.subject, video.id][1])

    @cached_property
    def revision(self) -> str:  # type: ignore[override]
        """Hash of names, classes and contents of all maps, so that two labs can tell whether they hold the same set."""
        digest = hashlib.sha256()
        for key, (label, file) in sorted(self._clips.items()):
            digest.update(f"{'/'.join(key)} {label} ".encode() + hashlib.sha256(file.read_bytes()).digest())
        return digest.hexdigest()[:16]

    @cached_property
    def _clips(self) -> dict[tuple[str, str, str], tuple[int, Path]]:
        root = self._root()
        clips: dict[tuple[str, str, str], tuple[int, Path]] = {}
        for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
            member = next((name for pattern, name in MEMBERS if pattern.fullmatch(folder.name)), None)
            if member is None:
                raise DataError(
                    f"{folder} is not a subject's folder: expected sNN (SMIC), subNN (CASME II) or digits (SAMM). "
                    "Move it away, or point dataset.root elsewhere"
                )
            found = _subject_clips(folder)
            if not found:
                raise DataError(
                    f"subject {folder.name} has no clips: no .png under {folder / 'u_test'}/<0|1|2>. Restore them, or move the folder away"
                )
            clips |= {(member, folder.name, clip): where for clip, where in found.items()}
        if not clips:
            raise DataError(f"no subjects under dataset.root={root}: expected <subject>/u_test/<0|1|2>/*.png")
        return clips

    def _root(self) -> Path:
        if self.params.root is None:
            raise DataError(
                "megc2019_flow needs the folder of the flow maps: give dataset.root=PATH. How to get them: mebench info megc2019_flow"
            )
        root = Path(self.params.root).expanduser()
        if not root.is_dir():
            raise DataError(
                f"dataset.root={self.params.root} is not a folder: expected one with <subject>/u_test/<0|1|2>/*.png"
            )
        return root


def _subject_clips(folder: Path) -> dict[str, tuple[int, Path]]:
    """Clip name -> (class number, file) of one subject. `u_train` holds the other subjects' clips and is not read."""
    test = folder / "u_test"
    if not test.is_dir():
        raise DataError(
            f"{folder} has no folder u_test: expected <subject>/u_test/<0|1|2>/*.png. Is dataset.root one level off?"
        )
    clips: dict[str, tuple[int, Path]] = {}
    for group in sorted(p for p in test.iterdir() if p.is_dir()):
        if group.name not in {"0", "1", "2"}:
            raise DataError(
                f"{group} is not a class: expected 0 (negative), 1 (positive) or 2 (surprise). Move it away or rename it"
            )
        for file in sorted(group.glob("*.png")):
            clip = file.stem.strip()  # the published names end in a blank before .png
            if clip in clips:
                raise DataError(
                    f"clip {clip} of subject {folder.name} stands in two classes: {clips[clip][1].parent} and {group}. Keep one"
                )
            clips[clip] = (int(group.name), file)
    return clips


def _read(file: Path) -> NDArray[np.uint8]:
    import cv2

    image = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if image is None:
        raise DataError(f"{file} cannot be read as an image: copy it again from the published set")
    if image.shape != (SIZE, SIZE, 3):
        raise DataError(
            f"{file} has {image.shape[1]}x{image.shape[0]} pixels: expected {SIZE}x{SIZE}. Copy it again from the published set"
        )
    return np.asarray(image, dtype=np.uint8)


Plugin = Megc2019Flow
