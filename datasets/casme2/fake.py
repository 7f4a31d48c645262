"""A small drawn CASME II."""

from collections import Counter
from pathlib import Path
from typing import Literal

from mebench.annotations import OBJECTIVE_CLASSES, objective_class, shown_units
from mebench.annotations.drawn import Cell, Coded, empty_folder, write_frames, write_xlsx
from mebench.annotations.schemes import tokens

HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
FRAMES = 48
CLIPS = (
    Coded("01", "EP02_01f", 11, 19, 31, "12", "happiness"),
    Coded("01", "EP19_06f", 8, 20, 34, "4+5+L10", "disgust"),
    Coded("04", "EP12_01f", 10, "/", 32, "4", "disgust"),  # no apex
    Coded("04", "EP13_06f", 12, 21, 30, "R14+25?", "repression"),
    Coded("05", "EP03_06", 9, 18, 28, "1+2", "surprise"),
    Coded("05", "EP09_05f", 14, 14, 33, "4+7", "disgust"),  # its apex is its onset
    Coded("16", "EP01_08", 22, 35, 46, "4", "others"),  # its last frames are missing
    Coded("16", "EP04_02f", 10, 17, 29, "15+17", "sadness"),
)
LAST_OF_CUT = 40
Sheet = Literal["2014", "2019"]
CLASSES = {"2014": (24, 15, 98, 14, 21, 1, 82), "2019": (30, 18, 93, 15, 18, 2, 79)}
"""Clips of the objective classes I to VII: in 2014 derived from the units, in 2019 from their column."""
EMOTIONS = {"others": 99, "disgust": 63, "happiness": 32, "repression": 27, "surprise": 25, "sadness": 7, "fear": 2}
"""Clips of each label in 2014; in 2019 those in `MOVED` are labelled surprise."""
TYPICAL = ("12", "1+2", "4", "9", "15", "20", "14")
"""Units of the classes I to VII."""
MOVED = ((24, "EP07_01", "V"), (24, "EP07_04f", "II"), (24, "EP10_03", "II"))
"""Clips of sadness with unit 1 in 2014; of surprise in 2019, with the class that its column gives them."""
AS_IV = (
    *((1, "EP19_05f", "4+L10"), (1, "EP19_06f", "4+5+L10"), (3, "EP07_04", "4+L10"), (7, "EP06_02_01", "4+R10")),
    *((7, "EP06_02_02", "4+R10"), (7, "EP08_02", "R4+R10"), (12, "EP01_02", "4+10"), (19, "EP16_01", "4+9+10")),
    *((19, "EP16_02", "4+9+10"), (23, "EP03_14f", "4+R10"), (23, "EP12_03", "4+10")),
)
"""Eleven of the twelve clips that only MEGC 2018 counts as class IV; the twelfth, `07/EP01_01`, has its apex at its
offset.
"""
SINGLE = (
    (4, "EP12_01f", 261, "/", 321, "4+7"),
    (5, "EP09_05f", 69, 69, 123, "R2+15"),
    (7, "EP01_01", 66, 111, 111, "4+R10"),
)
"""Clips of disgust that subsets leave out, with their numbers."""


def write_sheet(file: Path, sheet: Sheet = "2014") -> None:
    """Write a sheet of 255 rows with the names that papers single out and with the counts of a release, and no frames."""
    emotions, classes = Counter(EMOTIONS), Counter(dict(zip(OBJECTIVE_CLASSES, CLASSES[sheet])))
    rows: list[list[Cell]] = [[*row, "disgust", "VII"] for row in SINGLE]
    rows += [[subject, name, 11, 20, 40, units, "disgust", "VII"] for subject, name, units in AS_IV]
    rows += [[subject, name, 11, 20, 40, "1", "sadness", class_] for subject, name, class_ in MOVED]
    if sheet == "2014":
        for row in rows:
            row[-1] = objective_class(shown_units(tokens(str(row[5]))))
    emotions.subtract(str(row[-2]) for row in rows)
    classes.subtract(str(row[-1]) for row in rows)
    for n, (emotion, class_) in enumerate(zip(emotions.elements(), classes.elements(), strict=True)):
        units = TYPICAL[OBJECTIVE_CLASSES.index(class_)]
        rows.append([n % 26 + 1, f"EP{n:03d}", 11, 20, 40, units, emotion, class_])
    if sheet == "2014":
        write_xlsx(file, {"Sheet1": [HEADER, *(row[:-1] for row in rows)]})
        return
    moved = {name for _, name, _ in MOVED}
    named = [
        [*row[:6], "surprise" if row[1] in moved else row[6], OBJECTIVE_CLASSES.index(str(row[7])) + 1] for row in rows
    ]
    head = (*HEADER[:2], None, *HEADER[2:5], None, *HEADER[5:], "Objective Classes")
    write_xlsx(file, {"Sheet1": [head, *((*row[:2], None, *row[2:5], None, *row[5:]) for row in named)]})


def write(folder: Path, release: Literal["coding", "label"] = "coding") -> None:
    """Draw eight clips of four people, and one that no row names.

    Args:
        folder: empty or not there yet.
        release: which file of annotations: `CASME2-coding-20140508.xlsx` or `CASME2_label_Ver_2.xlsx`.
    """
    home = empty_folder(folder) / "CASME2-RAW"
    rows: list[tuple[Cell, ...]] = [HEADER]
    for clip in CLIPS:
        last = LAST_OF_CUT if clip.name == "EP01_08" else FRAMES
        place = home / f"sub{clip.subject}" / clip.name
        write_frames(place, "img{number}.jpg", range(1, last + 1), [clip.span], int(clip.subject))
        name = f"{clip.name} " if clip.name == "EP04_02f" else clip.name
        emotion = "Happiness" if clip.emotion == "happiness" else clip.emotion
        rows.append((int(clip.subject), name, *clip[2:6], emotion))
    write_frames(home / "sub04" / "EP02_02f", "img{number}.jpg", range(1, 13), person=4)
    if release == "label":
        rows = [(*row[:2], None, *row[2:5], None, *row[5:]) for row in rows]
    file = "CASME2-coding-20140508.xlsx" if release == "coding" else "CASME2_label_Ver_2.xlsx"
    write_xlsx(folder / file, {"Sheet1": [*rows, (), ("Note: the frame rate is 200 fps",), ()], "Sheet2": []})
