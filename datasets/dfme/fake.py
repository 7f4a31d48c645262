"""A small drawn DFME."""

from pathlib import Path
from typing import NamedTuple

from mebench.annotations.drawn import Cell, empty_folder, write_csv, write_frames, write_xlsx

HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "EmotionId", "Fps", "AU")
IDS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise", "others")
AFTER = 8
"""Frames after the offset."""


class Clip(NamedTuple):
    """One row of a sheet; numbers are those of the image files, which begin with 0."""

    name: str
    onset: int
    apex: int
    offset: int
    emotion: str
    fps: int
    units: str


SETS = {
    "training": (
        Clip("sub0003_01", 12, 40, 70, "anger", 500, "23"),
        Clip("sub0003_02", 10, 37, 66, "disgust", 500, "4+9"),
        Clip("sub0004_01", 14, 42, 75, "Happiness ", 500, "6+12"),
        Clip("sub0004_02", 9, 30, 62, "surprise", 500, "1+2"),
        Clip("sub0110_01", 11, 24, 41, "contempt", 300, "R14"),
        Clip("sub0110_02", 8, 23, 39, "sadness", 300, "1+4"),
    ),
    "test_A": (
        Clip("sub0301_01", 10, 19, 33, "fear", 200, "4+5"),
        Clip("sub0301_02", 12, 0, 36, "others", 200, "17"),  # no apex
    ),
    "test_B": (Clip("sub0402_01", 11, 20, 34, "anger", 200, "4+7"),),
}

RELEASED = {"training": (1856, 176), "test_A": (474, 42), "test_B": (299, 41)}
"""Clips and people of each set, as released."""


def write_sheets(folder: Path) -> None:
    """Write sheets with as many rows and people as those released, and no frames, into an empty folder."""
    first = 1
    for name, (clips, people) in RELEASED.items():
        rows: list[tuple[Cell, ...]] = [HEADER]
        for n in range(clips):
            person = f"sub{first + n % people:04d}"
            rows.append((person, f"{person}_{n // people + 1:02d}", 10, 20, 40, IDS[n % 7], n % 7, 200, "4"))
        write_csv(folder / f"{name}_full_with_AU.csv", rows)
        first += people


def write(folder: Path) -> None:
    """Draw nine clips of five people in three sets, into a folder that is empty or not there yet."""
    empty_folder(folder)
    for name, clips in SETS.items():
        rows: list[tuple[Cell, ...]] = [HEADER]
        for clip in clips:
            apex = clip.apex or (clip.onset + clip.offset) // 2
            person = clip.name.split("_")[0]
            place = folder / f"DFME_{'train' if name == 'training' else name}" / clip.name
            span = (clip.onset, apex, clip.offset)
            write_frames(place, "{number:05d}.png", range(clip.offset + AFTER), [span], int(person[3:]))
            number = IDS.index(clip.emotion.strip().lower())
            rows.append((person, clip.name, *clip[1:4], clip.emotion, number, clip.fps, clip.units))
        sheets = folder / "full_release_annotation"
        sheets.mkdir(exist_ok=True)
        write_xlsx(sheets / f"{name}_full_with_AU.xlsx", {"Sheet1": rows})
