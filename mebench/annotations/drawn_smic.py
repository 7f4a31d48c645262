"""A small drawn SMIC: one recording, its short clips and the long ones of SMIC-E."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, NamedTuple

from mebench.annotations.drawn import Cell, empty_folder, write_frames, write_xlsx

Recording = Literal["HS", "VIS", "NIR"]
EMOTIONS = {"ne": "negative", "po": "positive", "sur": "surprise"}
HEADER = (
    "Subject", "Filename", None, "OnsetF", "OffsetF", "Onset2F", "Offset2F", "Onset3F", "Offset3F", None,
    "FirstF", "LastF", "TotalMF1", "TotalMF2", "TotalMF3", "TotalVL", "Emotion",
)  # fmt: skip
LENGTHS = {"HS": 32, "VIS": 9, "NIR": 9}
"""Frames of a movement: a third of a second."""
AROUND = {"HS": 30, "VIS": 24, "NIR": 24}
"""Frames of a long clip before and after its movement."""
EMPTY = "s18_sur_03"
"""A clip whose folder holds no images."""


class Clip(NamedTuple):
    """A clip by its name, and the file number of its movement's first frame."""

    name: str
    onset: int

    @property
    def subject(self) -> int:
        """Number of the person."""
        return int(self.name[1:].split("_")[0])

    @property
    def emotion(self) -> str:
        """As the sheet and the folders write it."""
        return EMOTIONS[self.name.split("_")[1]]


CLIPS = (
    Clip("s11_ne_01", 559720),
    Clip("s11_ne_02", 560400),
    Clip("s11_po_01", 99985),  # its file numbers grow by a digit
    Clip("s12_po_01", 1200),
    Clip("s12_sur_01", 2400),
    Clip("s14_ne_01", 310),
    Clip("s14_sur_01", 8000),
)
FURTHER = "s12_sur_01"
"""A long clip with a second movement."""
GAPS = "s14_ne_01"
"""A short clip that lacks an image."""
BLANKS = "s12_po_01"
"""A long clip of VIS or NIR whose files have a blank in their names."""


def write(folder: Path, recording: Recording = "HS") -> None:
    """Draw seven clips of three people twice, short below `SMIC_all_raw` and long below `SMIC-E_raw image`.

    Args:
        folder: empty or not there yet.
        recording: which camera.
    """
    empty_folder(folder)
    _short(folder / "SMIC_all_raw" / recording, recording)
    _long(folder / "SMIC-E_raw image" / f"{recording}_long" / f"SMIC-{recording}-E", recording)


def _short(home: Path, recording: Recording) -> None:
    length = LENGTHS[recording]
    for clip in CLIPS:
        numbers = [n for n in range(clip.onset, clip.onset + length) if (clip.name, n) != (GAPS, clip.onset + 3)]
        span = (clip.onset, clip.onset + length // 2, clip.onset + length - 1)
        place = home / f"s{clip.subject}" / "micro" / clip.emotion / clip.name
        write_frames(place, "image{number:06d}.bmp", numbers, [span], clip.subject)
    (home / "s18" / "micro" / "surprise" / EMPTY).mkdir(parents=True)
    write_frames(home / "s11" / "non_micro" / "s11_n1", "image{number:06d}.bmp", range(5, 12), person=11)


def _long(home: Path, recording: Recording) -> None:
    length, around = LENGTHS[recording], AROUND[recording]
    rows: list[tuple[Cell, ...]] = [HEADER]
    for clip in CLIPS:
        first, last = clip.onset - around, clip.onset + length - 1 + around
        spans = [(clip.onset, clip.onset + length // 2, clip.onset + length - 1)]
        second: tuple[int, ...] = ()
        if clip.name == FURTHER:
            second = (spans[0][2] + 4, last - 2)
            spans.append((second[0], sum(second) // 2, second[1]))
        pattern = "image {number}.jpg" if recording != "HS" and clip.name == BLANKS else "image{number:06d}.jpg"
        place = home / recording / f"s{clip.subject:02d}" / clip.name
        write_frames(place, pattern, range(first, last + 1), spans, clip.subject)
        further: tuple[Cell, ...] = (*second, None, None) if second else (None,) * 4
        rows.append(
            (clip.subject, f"{clip.name} " if clip.name == "s14_sur_01" else clip.name, None, clip.onset, spans[0][2],
             *further, None, first, last, length, None, None, last - first + 1, clip.emotion)
        )  # fmt: skip
    rows += [
        (),
        ("Note: OnsetF and OffsetF are the first and the last frame of the micro-expression",),
        ("Total", len(CLIPS)),
    ]
    write_xlsx(home / f"SMIC-{recording}-E_annotation.xlsx", {"Sheet1": rows})
