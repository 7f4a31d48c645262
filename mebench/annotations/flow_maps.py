"""Ready-made flow maps of the MEGC 2019 composite: the layout that the authors of STSTNet publish, its pictures, drawn
ones.
"""

import re
from collections.abc import Iterable
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mebench.core import Expression, Scheme, SubjectKey, Video
from mebench.core.types import THREE
from mebench.errors import DataError
from mebench.frames.images import read_image
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

SCHEME = Scheme.native(THREE, "megc2019")
SIZE = 28
"""Height and width of a map, pixels."""
MEMBERS = ((re.compile(r"s\d+"), "smic"), (re.compile(r"sub\d+"), "casme2"), (re.compile(r"\d+"), "samm"))

ClipKey = tuple[str, str, str]
"""Member, subject and clip."""
Clips = dict[ClipKey, tuple[int, Path]]
"""Class number and picture of each clip."""


def video_of(clip: ClipKey, label: int) -> Video:
    """A clip as a video of one frame with one expression."""
    return Video(*clip, None, 1, (Expression(0, 0, apex=0, emotion=THREE[label]),))


def person(key: SubjectKey) -> SubjectKey:
    """Identity of a subject, equal to that of the datasets with frames.

    One person is then never on two sides: `smic/11` for `s11`, `casme2/02` for `sub02`; SAMM's ids are equal already.
    """
    return SubjectKey(key.dataset, re.sub(r"^\D+", "", key.subject).zfill(2))


def clips_by_class(root: Path, setting: str = "dataset.root") -> Clips:
    """The clips of a folder `<subject>/u_test/<0|1|2>/<clip> .png`.

    `u_train` repeats the clips of other subjects and is not read.

    Args:
        root: the folder.
        setting: setting by which the user named it.

    Raises:
        DataError: another layout.
    """
    clips: Clips = {}
    for folder in sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith(".")):
        member = _member_of(folder, setting)
        for clip, where in _clips_of_subject(folder, setting).items():
            clips[member, folder.name, clip] = where
    if not clips:
        raise DataError(f"no subjects under {setting}={root}: expected <subject>/u_test/<0|1|2>/*.png")
    return clips


def _member_of(folder: Path, setting: str) -> str:
    """The dataset of the composite that a subject's folder is from."""
    for pattern, member in MEMBERS:
        if pattern.fullmatch(folder.name):
            return member
    raise DataError(
        f"{folder} is not a subject's folder: expected sNN (SMIC), subNN (CASME II) or digits (SAMM). "
        f"Move it away, or point {setting} elsewhere"
    )


def _clips_of_subject(folder: Path, setting: str) -> dict[str, tuple[int, Path]]:
    """Class number and picture of each clip of a subject."""
    test = folder / "u_test"
    if not test.is_dir():
        raise DataError(
            f"{folder} has no folder u_test: expected <subject>/u_test/<0|1|2>/*.png. Is {setting} one level off?"
        )
    clips: dict[str, tuple[int, Path]] = {}
    for group in sorted(p for p in test.iterdir() if p.is_dir()):
        if group.name not in {"0", "1", "2"}:
            raise DataError(
                f"{group} is not a class: expected 0 (negative), 1 (positive) or 2 (surprise). Move it away or rename it"
            )
        for file in sorted(group.glob("[!.]*.png")):
            clip = file.stem.strip()  # the published names end in a blank before .png
            if not file.is_file():
                raise DataError(f"{file} is not a plain file: move it away")
            if clip in clips:
                raise DataError(
                    f"clip {clip} of subject {folder.name} is in two classes: {clips[clip][1].parent} and {group}. Keep one"
                )
            clips[clip] = (int(group.name), file)
    if not clips:
        raise DataError(
            f"subject {folder.name} has no clips: no .png under {test}/<0|1|2>. Restore them, or move the folder away"
        )
    return clips


def read_map(file: Path) -> NDArray[np.uint8]:
    """A published picture, (28, 28, 3) uint8, channels in OpenCV's order.

    Raises:
        DataError: the file is no such picture.
    """
    image = read_image(file)
    if image.shape != (SIZE, SIZE, 3):
        raise DataError(
            f"{file} has {image.shape[1]}x{image.shape[0]} pixels: expected {SIZE}x{SIZE}. Copy it again from the published set"
        )
    return image


DRAWN_PEOPLE = (
    ("casme2", "sub01", "EP02_0{}f"),
    ("casme2", "sub02", "EP02_0{}f"),
    ("samm", "006", "006_1_{}"),
    ("samm", "007", "006_1_{}"),
    ("smic", "s01", "s01_po_0{}"),
    ("smic", "s03", "s01_po_0{}"),
)
"""Member, subject and form of the clips' names of a stand-in."""
DRAWN: tuple[tuple[str, str, str, int], ...] = tuple(
    (member, subject, f"{subject}_{form.format(number)}", number % 3)
    for (member, subject, form), number in product(DRAWN_PEOPLE, range(1, 5))
)
"""Member, subject, clip and class number of the clips of a stand-in."""


def draw_map(label: int, seed: Iterable[int]) -> NDArray[np.uint8]:
    """A map of strain, v and u from 0 to 255: noise, and the motion of the class."""
    rng = np.random.default_rng([label, *seed])
    y, x = np.mgrid[:SIZE, :SIZE]
    row, up, right = ((9, -1.0, 0.3), (20, -0.8, 1.0), (9, 1.0, -0.2))[label]
    where = np.exp(-((y - row) ** 2 + (abs(x - 13.5) - 6) ** 2) / 12)
    v, u = (strength * where + rng.normal(0, 0.15, where.shape) for strength in (up, right))
    strain = where + np.abs(rng.normal(0, 0.1, where.shape))
    channels = [255 * (f - f.min()) / (f.max() - f.min()) for f in (strain, v, u)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def write_map(file: Path, picture: NDArray[np.uint8]) -> None:
    """Write a picture, its folder too."""
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), picture)


def write_classes(folder: Path) -> None:
    """Draw the maps of a stand-in from onset to apex by subject and class; `u_train` holds those of others again, as
    published.
    """
    for number, (member, own, clip, label) in enumerate(DRAWN):
        picture = draw_map(label, [number, 0])
        for subject in {subject for other, subject, _, _ in DRAWN if other == member}:
            part = "u_test" if subject == own else "u_train"
            write_map(folder / subject / part / str(label) / f"{clip} .png", picture)
