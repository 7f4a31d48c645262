"""A small drawn Ourlab faces."""

from pathlib import Path

from mebench.annotations.drawn import empty_folder, write_csv, write_frames

FRAMES = 60
ROWS = (
    ("Subject", "Video", "Onset", "Apex", "Offset", "Kind", "Emotion", "AU"),
    ("s01", "v1", 10, 14, 19, "micro", "happiness", "12"),
    ("s01", "v2", 30, 36, 41, "micro", "surprise", "1+2"),
    ("s02", "v1", 21, 27, 33, "micro", "disgust", "9"),
    ("s02", "v2", 5, 15, 40, "macro", "happiness", "6+12"),
    ("s03", "v1", 40, 45, 52, "micro", "repression", "14"),
    ("s03", "v2", 12, 18, 24, "micro", "happiness", "12"),
)
"""The sheet; frames as the files are numbered, from 1, both ends included."""


def write(folder: Path) -> None:
    """Draw six videos of three people."""
    empty_folder(folder)
    write_csv(folder / "annotations.csv", ROWS)
    for subject, video, onset, apex, offset, *_ in ROWS[1:]:
        spans = [(int(onset), int(apex), int(offset))]
        place = folder / "frames" / str(subject) / str(video)
        write_frames(place, "{number:05d}.jpg", range(1, FRAMES + 1), spans, int(str(subject)[1:]))
