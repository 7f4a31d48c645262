"""A small drawn SAMM."""

from pathlib import Path
from typing import NamedTuple

from mebench.annotations.drawn import Cell, empty_folder, write_frames, write_xlsx

HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip
PREAMBLE = (
    "SAMM: Spontaneous Actions and Micro-Movements",
    "Version 2",
    "",
    "Frames are numbered as in the recording",
    *[f"Remark {n}" for n in range(1, 10)],
)
AROUND = 6
"""Frames of a clip before its onset and after its offset."""


class Clip(NamedTuple):
    """One row of the sheet as it should be; numbers are those of the image files."""

    name: str
    onset: int
    apex: int
    offset: int
    units: str
    emotion: str
    objective: int


CLIPS = (
    Clip("006_1_2", 5562, 5574, 5590, "4+7", "Anger", 3),
    Clip("006_3_4", 639, 650, 662, "15A+17", "Sadness", 5),
    Clip("007_3_1", 9990, 9999, 10012, "L12B", "Happiness", 1),
    Clip("007_5_3", 101, 111, 126, "1+2", "Surprise", 2),
    Clip("011_1_1", 301, 312, 325, "14", "Contempt", 7),
    Clip("011_2_2", 2501, 2510, 2526, "7 or 4", "Other", 7),
)
WRITTEN = {"007_5_3": {"offset": 0}, "011_1_1": {"apex": 4945}, "011_2_2": {"emotion": "Others"}}
"""What the sheet says instead: an offset of 0, an apex beyond the clip, another spelling."""


def write(folder: Path) -> None:
    """Draw six clips of three people into a folder that is empty or not there yet."""
    home = empty_folder(folder) / "SAMM"
    for clip in CLIPS:
        subject = clip.name[:3]
        numbers = range(clip.onset - AROUND, clip.offset + AROUND + 1)
        span = (clip.onset, clip.apex, clip.offset)
        write_frames(home / subject / clip.name, f"{subject}_{{number:05d}}.jpg", numbers, [span], int(subject))
    rows: list[tuple[Cell, ...]] = [(line,) for line in PREAMBLE]
    rows.append(HEADER)
    for number, clip in enumerate(CLIPS):
        said = clip._replace(**WRITTEN.get(clip.name, {}))  # type: ignore[arg-type]
        duration = clip.offset - clip.onset + 1
        subject_cell: Cell = int(clip.name[:3]) if number % 2 else clip.name[:3]  # leading zeros are lost in some
        rows.append(
            (subject_cell, clip.name, int(clip.name[4]), said.onset, said.apex, said.offset, duration, "Micro - 1/2",
             said.units, said.emotion, said.objective, None)
        )  # fmt: skip
    rows += [(), ("Total", len(CLIPS))]
    write_xlsx(home / "SAMM_Micro_FACS_Codes_v2.xlsx", {"Legend": [("Codes of the action units",)], "MICRO_ONLY": rows})
