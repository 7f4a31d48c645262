"""A small drawn SAMM Long Videos, with SAMM's own sheet."""

from pathlib import Path
from typing import Literal

from mebench.annotations.drawn import Cell, Coded, empty_folder, write_frames, write_xlsx

Release = Literal["V1", "V2", "V3"]
PREAMBLE = ("SAMM Long Videos", "Version", "", *[f"Remark {n}" for n in range(1, 7)], "Micro - 1/2: half a second")
HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset", "Apex", "Offset", "Duration", "Type", "Action Units", "Notes",
)  # fmt: skip
SAMM_HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip
MACRO, MICRO = "Macro", "Micro - 1/2"
FIRST = {"006_1": 1, "006_2": 1, "007_3": 9950, "008_1": 1, "008_4": 1, "011_5": 1}
"""File number of the first frame of each video; in one of them the numbers grow by a digit."""
FRAMES = 110
ROWS = (
    Coded("006", "006_1_1", 8, 20, 36, "4+7", "Anger", MICRO, 3),
    Coded("006", "006_1_2", 50, 71, 104, "4(B/C)+7B", kind=MACRO),
    Coded("006", "006_2_1", 21, 33, 52, "A/L12", "Happiness", MICRO, 1),
    Coded("007", "007_3_1", 9990, 10003, 10019, "L12B", "Surprise", MICRO, 2),
    Coded("008", "008_1_1", 1, 60, 98, "ref(6)+A12E", kind=MACRO),
    Coded("008", "008_1_2", 40, 52, 68, "14", "Other", MICRO, 7),
    Coded("008", "008_4_1", 12, 25, 41, "9", "Disgust", MICRO, 4),
    Coded("008", "008_4_2", 60, 80, 99, "A9+12", kind=MACRO),
)
OVER_LONG, ENDLESS, ELSEWHERE = "008_1_1", "008_4_2", "008_4_1"
"""Rows without an onset, without an offset, and without one in SAMM's sheet."""


def write(folder: Path, release: Release = "V2", emotions: bool = True) -> None:
    """Draw six videos of four people, one without expressions.

    Args:
        folder: empty or not there yet.
        release: of the sheet; an over-long expression begins at 1 in V3, and at 0 before.
        emotions: write SAMM's sheet too.
    """
    home = empty_folder(folder) / "SAMM_longvideos"
    for video, first in FIRST.items():
        spans = [row.span for row in ROWS if row.name.startswith(f"{video}_")]
        numbers = range(first, first + FRAMES)
        write_frames(home / video, f"{video}_{{number:04d}}.jpg", numbers, spans, int(video[:3]), gray=True)
    rows: list[tuple[Cell, ...]] = [*((line,) for line in PREAMBLE), HEADER]
    for number, row in enumerate(ROWS):
        said = row._replace(onset=int(release == "V3")) if row.name == OVER_LONG else row
        said = said._replace(offset=0) if row.name == ENDLESS else said
        subject: Cell = int(row.subject) if number % 2 else row.subject
        rows.append((subject, row.name, 1, *said[2:5], row.offset - row.onset + 1, row.kind, row.units, None))
    write_xlsx(folder / f"SAMM_LongVideos_{release}_Release.xlsx", {"Sheet1": [*rows, ()], "Sheet2": []})
    if emotions:
        micro = [row for row in ROWS if row.kind == MICRO and row.name != ELSEWHERE]
        codes = [
            (*row[:2], 1, *row[2:5], 30, MICRO, row.units, row.emotion, row.objective, None)
            for row in (*micro, Coded("099", "099_1_1", 5, 9, 20, "4", "Others", MICRO, 3))
        ]
        above = [(f"Remark {n}",) for n in range(13)]
        write_xlsx(folder / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": [*above, SAMM_HEADER, *codes]})
