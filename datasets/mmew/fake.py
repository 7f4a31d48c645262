"""A small drawn MMEW."""

from pathlib import Path

from mebench.annotations.drawn import Cell, Coded, empty_folder, write_frames, write_xlsx

HEADER = (
    "Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion", "remarks",
)  # fmt: skip
FRAMES = 42
CLIPS = (
    Coded(1, "S01-01-001", 1, 14, 42, "6+12", "happiness"),
    Coded(1, "S01-02-001", 4, 16, 30, "1+2", "surprise"),
    Coded(2, "S02-04-001", 3, 19, 38, "4+9", "disgust"),
    Coded(2, "S02-02-002", 1, 15, 54, "1+2+5", "surprise"),  # its last frames are missing
    Coded(2, "S02-07-001", 5, 50, 33, "14", "others"),  # the apex is beyond the offset
    Coded(3, "S03-01-002", 2, 18, 36, "L12", "happiness"),
    Coded(3, "S03-06-001", 6, 20, 0, "15", "sadness"),  # no offset
    Coded(3, "S03-03-001", 4, 17, 29, "4+5+7", "anger"),
)


def write(folder: Path, by_person: bool = False) -> None:
    """Draw eight clips of three people, and a macro-expression, which is a single picture.

    Args:
        folder: empty or not there yet.
        by_person: put a folder of the person above that of the emotion, as the page of the dataset describes.
    """
    home = empty_folder(folder) / "MMEW_Final"
    rows: list[tuple[Cell, ...]] = [HEADER]
    for number, clip in enumerate(CLIPS):
        above = home / "Micro_Expression" / (f"S{clip.subject:02d}" if by_person else "")
        onset, apex, offset = clip.span
        span = (onset, min(apex, offset), offset)
        write_frames(above / clip.emotion / clip.name, "{number}.jpg", range(1, FRAMES + 1), [span], clip.subject)
        person: Cell = f"S{clip.subject:02d}" if number % 2 else clip.subject
        rows.append((person, *clip[1:7], "blink" if number == 3 else None))
    write_frames(home / "Macro_Expression" / "S01" / "anger", "S01-03-{number:03d}.jpg", [1], [(1, 1, 1)], 1)
    write_xlsx(home / "MMEW_Micro_Exp.xlsx", {"Sheet1": [*rows, ()]})
