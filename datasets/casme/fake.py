"""A small drawn CASME."""

from pathlib import Path
from typing import Literal, NamedTuple

from mebench.annotations.drawn import Cell, empty_folder, write_frames, write_xlsx

HEADER = (
    "Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "Onset", "Total", "AU", "Emotion",
)  # fmt: skip
FRAMES = 50
FPS = 60


class Clip(NamedTuple):
    """One row of the sheet; numbers are those of the image files, which begin after `first`."""

    subject: str
    name: str
    first: int
    onset: int
    apex: int
    apex2: int | str
    offset: int
    units: str
    emotion: str


CLIPS = (
    Clip("01", "EP01_12", 61, 73, 81, "\\", 91, "4", "tense"),
    Clip("01", "EP01_5", 95, 113, 121, 125, 133, "12", "happiness"),
    Clip("01", "EP03_1", 70, 79, 91, 95, 105, "4+17", "repression"),
    Clip("02", "EP01_5", 1, 11, 18, "\\", 30, "9", "disgust"),  # a name that subject 01 has too
    Clip("02", "EP02_2f", 1, 9, 0, "\\", 26, "4+9", "disgust"),  # no apex
    Clip("02", "EP07_3", 1, 14, 20, 22, 12, "1+2", "surprise"),  # the offset precedes the onset
    Clip("11", "EP12_1", 1, 10, 19, "\\", 33, "L14", "contempt"),
    Clip("11", "EP15_4", 1, 12, 22, "\\", 35, "1+4", "Amusement"),  # as the paper calls it
)
SECOND_SECTION = "11"
"""From this person on, file numbers have three digits, and the files are in the other section."""


def write(folder: Path, release: Literal["coded", "short"] = "coded", sections: bool = False) -> None:
    """Draw eight clips of three people.

    Args:
        folder: empty or not there yet.
        release: which sheet: `CASME-coded-20190721.xlsx`, or one that is called `casme.xlsx`.
        sections: lay the folders out in `Section A` and `Section B`, for the two cameras, instead of one folder.
    """
    empty_folder(folder)
    for clip in CLIPS:
        second = clip.subject >= SECOND_SECTION
        home = folder / (("Section B" if second else "Section A") if sections else "CASME_raw_selected")
        apex = clip.apex or (clip.onset + clip.offset) // 2
        span = (clip.onset, apex, max(clip.offset, apex))
        pattern = f"{clip.name}-{{number:03d}}.jpg" if second else f"{clip.name}-{{number}}.jpg"
        numbers = range(clip.first, clip.first + FRAMES)
        write_frames(home / f"sub{clip.subject}" / clip.name, pattern, numbers, [span], int(clip.subject))
    if release == "coded":
        write_xlsx(folder / "CASME-coded-20190721.xlsx", {"Sheet1": _rows(), "Sheet2": []})
    else:
        write_xlsx(folder / "casme.xlsx", {"Sheet1": _rows()})


def _rows() -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [HEADER]
    for c in CLIPS:
        rise, total = (c.apex - c.onset) * 1000 / FPS, (c.offset - c.onset + 1) * 1000 / FPS
        rows.append(
            (int(c.subject), c.name, None, c.onset, c.apex, c.apex2, c.offset, None, rise, total, c.units, c.emotion)
        )
    return [*rows, (), ("Note:",), ("1. Amusement (in the paper) was replaced with happiness.",)]
