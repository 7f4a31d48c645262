"""A small drawn MEVIEW: video files, and one clip as a folder of images."""

from pathlib import Path

from mebench.annotations.drawn import Cell, Coded, empty_folder, write_film, write_frames, write_xlsx

FPS = 25
FRAMES = 50
GROUPS = (None, None, None, "Annotator 1", None, "Annotator 2", None, "FINAL", None, None, None, None)
HEADER = ("Subject", "ID", "Link", "Onset", "Offset", "Onset", "Offset", "Onset", "Apex", "Offset", "AU", "Emotion")
CLIPS = (
    Coded(1, "sub01-1", 12, 16, 22, "14", "Contempt"),
    Coded(1, "sub01-2", 20, 24, 31, "12", "Happy"),
    Coded(2, "sub02-1", 9, 14, 20, "1+2", "Surprise"),
    Coded(3, "sub03-1", 15, 19, 27, "9", "Disgust"),
    Coded(3, "sub03-2", 21, None, 29, "L14+10", "contempt/disgust"),
    Coded(11, "sub11-1", 11, 17, 24, "4", "Anger"),
    Coded(11, "sub11-2", 18, 22, 28, "17", "Unclear"),
)
IMAGES, AVI = "sub03-1", "sub11-1"
"""Clips that are a folder of images, and a file of another kind."""


def write(folder: Path) -> None:
    """Draw seven clips of four people into a folder that is empty or not there yet."""
    home = empty_folder(folder) / "me-cuts" / "cuts"
    home.mkdir(parents=True)
    rows: list[tuple[Cell, ...]] = [GROUPS, HEADER]
    for clip in CLIPS:
        if clip.name == IMAGES:
            write_frames(home / clip.name, "frame{number:03d}.jpg", range(1, FRAMES + 1), [clip.span], clip.subject)
        else:
            film = home / f"{clip.name}{'.avi' if clip.name == AVI else '.mp4'}"
            write_film(film, FRAMES, [clip.span], clip.subject, FPS)
        first = (clip.onset - 2, clip.offset + 1)  # the annotators do not quite agree
        second = (clip.onset + 1, clip.offset - 1)
        rows.append((clip.subject, int(clip.name[-1]), None, *first, *second, *clip[2:7]))
    write_xlsx(folder / "MEVIEW_v2.xlsx", {"Sheet1": [*rows, (), ("Frames are counted from 1",)]})
