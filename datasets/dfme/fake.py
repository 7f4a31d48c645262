"""A small drawn DFME."""

from pathlib import Path

from mebench.annotations.drawn import Cell, Coded, empty_folder, write_csv, write_frames, write_xlsx

HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Emotion", "EmotionId", "Fps", "AU")
IDS = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise", "others")
AFTER = 8
"""Frames after the offset."""
SETS = {
    "training": (
        (500, Coded("sub0003", "sub0003_01", 12, 40, 70, "23", "anger")),
        (500, Coded("sub0003", "sub0003_02", 10, 37, 66, "4+9", "disgust")),
        (500, Coded("sub0004", "sub0004_01", 14, 42, 75, "6+12", "Happiness ")),
        (500, Coded("sub0004", "sub0004_02", 9, 30, 62, "1+2", "surprise")),
        (300, Coded("sub0110", "sub0110_01", 11, 24, 41, "R14", "contempt")),
        (300, Coded("sub0110", "sub0110_02", 8, 23, 39, "1+4", "sadness")),
    ),
    "test_A": (
        (200, Coded("sub0301", "sub0301_01", 10, 19, 33, "4+5", "fear")),
        (200, Coded("sub0301", "sub0301_02", 12, 0, 36, "17", "others")),  # no apex
    ),
    "test_B": ((200, Coded("sub0402", "sub0402_01", 11, 20, 34, "4+7", "anger")),),
}
"""For each set the rate of each clip, and its row; numbers begin with 0."""
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
        for fps, clip in clips:
            place = folder / f"DFME_{'train' if name == 'training' else name}" / clip.name
            write_frames(place, "{number:05d}.png", range(clip.offset + AFTER), [clip.span], int(clip.subject[3:]))
            rows.append((*clip[:5], clip.emotion, IDS.index(clip.emotion.strip().lower()), fps, clip.units))
        sheets = folder / "full_release_annotation"
        sheets.mkdir(exist_ok=True)
        write_xlsx(sheets / f"{name}_full_with_AU.xlsx", {"Sheet1": rows})
