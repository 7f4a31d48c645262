"""A small drawn CASME II."""

from pathlib import Path
from typing import Literal, NamedTuple

from mebench.annotations.drawn import Cell, empty_folder, write_frames, write_xls, write_xlsx

HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
FRAMES = 48


class Clip(NamedTuple):
    """One row of the sheet; numbers are those of the image files."""

    subject: str
    name: str
    onset: int
    apex: int | str
    offset: int
    units: str
    emotion: str


CLIPS = (
    Clip("01", "EP02_01f", 11, 19, 31, "12", "happiness"),
    Clip("01", "EP19_06f", 8, 20, 34, "4+5+L10", "disgust"),
    Clip("04", "EP12_01f", 10, "/", 32, "4", "disgust"),  # no apex
    Clip("04", "EP13_06f", 12, 21, 30, "R14+25?", "repression"),
    Clip("05", "EP03_06", 9, 18, 28, "1+2", "surprise"),
    Clip("05", "EP09_05f", 14, 14, 33, "4+7", "disgust"),  # its apex is its onset
    Clip("16", "EP01_08", 22, 35, 46, "4", "others"),  # its last frames are missing
    Clip("16", "EP04_02f", 10, 17, 29, "15+17", "sadness"),
)
LAST_OF_CUT = 40


def write(folder: Path, release: Literal["xlsx", "xls"] = "xlsx") -> None:
    """Draw eight clips of four people, and one that no row names.

    Args:
        folder: empty or not there yet.
        release: which file of annotations: `CASME2-coding-20140508.xlsx` or `CASME2_label_Ver_2.xls`.
    """
    home = empty_folder(folder) / "CASME2-RAW"
    for clip in CLIPS:
        apex = clip.apex if isinstance(clip.apex, int) else (clip.onset + clip.offset) // 2
        last = LAST_OF_CUT if clip.name == "EP01_08" else FRAMES
        place = home / f"sub{clip.subject}" / clip.name
        write_frames(place, "img{number}.jpg", range(1, last + 1), [(clip.onset, apex, clip.offset)], int(clip.subject))
    write_frames(home / "sub04" / "EP02_02f", "img{number}.jpg", range(1, 13), person=4)
    if release == "xlsx":
        write_xlsx(folder / "CASME2-coding-20140508.xlsx", {"Sheet1": _rows(), "Sheet2": []})
    else:
        rows = [(*row[:2], None, *row[2:5], None, *row[5:]) if len(row) == len(HEADER) else row for row in _rows()]
        write_xls(folder / "CASME2_label_Ver_2.xls", {"Sheet1": rows, "Sheet2": []})


def _rows() -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = [HEADER]
    for clip in CLIPS:
        name = f"{clip.name} " if clip.name == "EP04_02f" else clip.name
        emotion = "Happiness" if clip.emotion == "happiness" else clip.emotion
        rows.append((int(clip.subject), name, clip.onset, clip.apex, clip.offset, clip.units, emotion))
    return [*rows, (), ("Note: the frame rate is 200 fps",), ()]
