"""A small drawn 4DME: its gray videos."""

from pathlib import Path

from mebench.annotations.drawn import Cell, Coded, empty_folder, write_frames, write_xlsx

HEADER = (
    "sub_ID", "fold_name", "Onset", "Apex", "Offset", "Length", "AUs", "Emotion", "eye blink",
    "Positive", "Negative", "Surprise", "Repression", "Others", "Total",
)  # fmt: skip
MARKS = ("Positive", "Negative", "Surprise", "Repression", "Others")
AROUND = 10
"""Frames of a clip before its onset and after its offset."""
CLIPS = (
    Coded("S01", "001_01_1", 310, 318, 331, "AU4", "Negative"),
    Coded("S01", "002_01_1", 95, 104, 115, "AU6+AU12", "Positive"),
    Coded("S05", "001_01_1", 2481, 2490, 2502, "AU4(k)+L7", "Negative"),  # a unit that is held
    Coded("S05", "003_02_1", 640, 649, 660, "AU1+AU2", "Surprise"),
    Coded("S05", "003_02_2", 990, 1001, 1013, "AUR2+12(k)+45", "Surprise+Positive"),  # two emotions
    Coded("S13", "001_01_1", 77, 88, 99, "AU17+AU24", "Repression"),
    Coded("S13", "004_01_1", 1203, 1211, 1224, "AU14", "Others"),
    Coded("S13", "005_01_1", 501, 509, 520, "AU1+AU2", "Positive + Surprise"),
)


def write(folder: Path) -> None:
    """Draw eight clips of three people into a folder that is empty or not there yet."""
    home = empty_folder(folder) / "gray_micro"
    rows: list[tuple[Cell, ...]] = [HEADER]
    for clip in CLIPS:
        numbers = range(clip.onset - AROUND, clip.offset + AROUND + 1)
        place = home / clip.subject / clip.name
        write_frames(place, "{number}.jpg", numbers, [clip.span], int(clip.subject[1:]), gray=True)
        marks = [int(mark in clip.emotion) for mark in MARKS]
        rows.append((*clip[:5], clip.offset - clip.onset + 1, clip.units, clip.emotion, 0, *marks, sum(marks)))
    write_xlsx(folder / "4DME_Labelling_Micro_release v1.xlsx", {"Sheet1": [*rows, (), ("Total", None, None)]})
