"""A small drawn MEVIEW: video files, and one clip as a folder of images."""

from pathlib import Path
from typing import NamedTuple

from mebench.annotations.drawn import SIZE, Cell, Span, draw_face, empty_folder, strength_at, write_frames, write_xlsx

FPS = 25
FRAMES = 50
GROUPS = (None, None, None, "Annotator 1", None, "Annotator 2", None, "FINAL", None, None, None, None)
HEADER = ("Subject", "ID", "Link", "Onset", "Offset", "Onset", "Offset", "Onset", "Apex", "Offset", "AU", "Emotion")


class Clip(NamedTuple):
    """One row of the sheet; frames are counted from 1 inside the clip."""

    subject: int
    number: int
    onset: int
    apex: int | None
    offset: int
    units: str
    emotion: str | None

    @property
    def name(self) -> str:
        """Of the file, without its ending."""
        return f"sub{self.subject:02d}-{self.number}"


CLIPS = (
    Clip(1, 1, 12, 16, 22, "14", "Contempt"),
    Clip(1, 2, 20, 24, 31, "12", "Happy"),
    Clip(2, 1, 9, 14, 20, "1+2", "Surprise"),
    Clip(3, 1, 15, 19, 27, "9", "Disgust"),
    Clip(3, 2, 21, None, 29, "L14+10", "contempt/disgust"),
    Clip(11, 1, 11, 17, 24, "4", "Anger"),
    Clip(11, 2, 18, 22, 28, "17", "Unclear"),
)
IMAGES, AVI = "sub03-1", "sub11-1"
"""Clips that are a folder of images, and a file of another kind."""


def write(folder: Path) -> None:
    """Draw seven clips of four people into a folder that is empty or not there yet."""
    home = empty_folder(folder) / "me-cuts" / "cuts"
    home.mkdir(parents=True)
    for clip in CLIPS:
        apex = (clip.onset + clip.offset) // 2 if clip.apex is None else clip.apex
        span = (clip.onset, apex, clip.offset)
        if clip.name == IMAGES:
            write_frames(home / clip.name, "frame{number:03d}.jpg", range(1, FRAMES + 1), [span], clip.subject)
        else:
            write_video(home / f"{clip.name}{'.avi' if clip.name == AVI else '.mp4'}", span, clip.subject)
    rows: list[tuple[Cell, ...]] = [GROUPS, HEADER]
    for c in CLIPS:
        first = (c.onset - 2, c.offset + 1)  # the annotators do not quite agree
        second = (c.onset + 1, c.offset - 1)
        rows.append((c.subject, c.number, None, *first, *second, c.onset, c.apex, c.offset, c.units, c.emotion))
    write_xlsx(folder / "MEVIEW_v2.xlsx", {"Sheet1": [*rows, (), ("Frames are counted from 1",)]})


def write_video(path: Path, span: Span, person: int) -> None:
    """Draw a video file of `FRAMES` frames with one expression, in frames counted from 1."""
    import cv2

    codec = cv2.VideoWriter.fourcc(*("MJPG" if path.suffix == ".avi" else "mp4v"))
    writer = cv2.VideoWriter(str(path), codec, FPS, (SIZE, SIZE))
    for number in range(1, FRAMES + 1):
        writer.write(draw_face(strength_at(number, span), person, number))
    writer.release()
