"""A small drawn CASME."""

from pathlib import Path
from typing import Literal

from mebench.annotations.drawn import Cell, Coded, empty_folder, write_frames, write_xlsx

HEADER = (
    "Subject", "Filename", None, "OnsetF", "ApexF1", "ApexF2", "OffsetF", None, "Onset", "Total", "AU", "Emotion",
)  # fmt: skip
FRAMES = 50
FPS = 60
CLIPS = (
    (61, "\\", Coded("01", "EP01_12", 73, 81, 91, "4", "tense")),
    (95, 125, Coded("01", "EP01_5", 113, 121, 133, "12", "happiness")),
    (70, 95, Coded("01", "EP03_1", 79, 91, 105, "4+17", "repression")),
    (1, "\\", Coded("02", "EP01_5", 11, 18, 30, "9", "disgust")),  # a name that subject 01 has too
    (1, "\\", Coded("02", "EP02_2f", 9, 0, 26, "4+9", "disgust")),  # no apex
    (1, 22, Coded("02", "EP07_3", 14, 20, 12, "1+2", "surprise")),  # the offset precedes the onset
    (1, "\\", Coded("11", "EP12_1", 10, 19, 33, "L14", "contempt")),
    (1, "\\", Coded("11", "EP15_4", 12, 22, 35, "1+4", "Amusement")),  # as the paper calls it
)
"""File number before the first frame, the second apex, and the row."""
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
    rows: list[tuple[Cell, ...]] = [HEADER]
    for first, apex2, clip in CLIPS:
        second = clip.subject >= SECOND_SECTION
        home = folder / (("Section B" if second else "Section A") if sections else "CASME_raw_selected")
        onset, apex, offset = clip.span
        place, span = home / f"sub{clip.subject}" / clip.name, (onset, apex, max(offset, apex))
        pattern = f"{clip.name}-{{number:03d}}.jpg" if second else f"{clip.name}-{{number}}.jpg"
        numbers = range(first, first + FRAMES)
        write_frames(place, pattern, numbers, [span], int(clip.subject))
        rise, total = (frames * 1000 / FPS for frames in (clip.apex - clip.onset, clip.offset - clip.onset + 1))
        stated = (int(clip.subject), clip.name, None, clip.onset, clip.apex, apex2, clip.offset, None, rise, total)
        rows.append((*stated, clip.units, clip.emotion))
    rows += [(), ("Note:",), ("1. Amusement (in the paper) was replaced with happiness.",)]
    if release == "coded":
        write_xlsx(folder / "CASME-coded-20190721.xlsx", {"Sheet1": rows, "Sheet2": []})
    else:
        write_xlsx(folder / "casme.xlsx", {"Sheet1": rows})
