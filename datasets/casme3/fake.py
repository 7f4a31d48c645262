"""A small drawn CAS(ME)3: part A, part C, and the clips of part A."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import numpy as np

from mebench.annotations.drawn import SIZE, Cell, Coded, empty_folder, write_frames, write_xlsx

Release = Literal["v2", "v1", "labels"]
HEADER = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Objective class", "emotion")
MACRO_HEADER = ("sub", "seq", "onset", "apex", "offset", "AU", "emotion")
BOTH_HEADER = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Expression type", "Objective class")
V1_HEADER = ("Subject", "Filename", "Onset", "Apex", "Offset", "AU", "Type")
C_HEADER = ("sub", "count", "onset", "offset", "au", "emotion")
C_BOTH_HEADER = ("Subject", "Onset", "Offset", "diff", "Exp_type", "risk")
VIDEOS = (
    ("spNO.1", "a"), ("spNO.1", "b"), ("spNO.2", "a"), ("spNO.2", "c"), ("spNO.10", "b"), ("spNO.216", "d"),
)  # fmt: skip
FIRST = {("spNO.216", "d"): 2600}
"""File number of the first frame, 1 for all others."""
FRAMES = 100
MISSING = range(9, 100, 10)
"""Every tenth frame of one video is not there, counted from 0."""
GAPPY = ("spNO.2", "c")
FLAT = ("spNO.10", "b")
"""A video without depth images."""
QUESTIONED = ("01", "02", "03")
MICRO = (
    Coded("spNO.1", "a", 35, 41, 47, "4", "disgust", objective="III"),
    Coded("spNO.1", "b", 20, 25, 31, "L12+25", "happy", objective="VII"),
    Coded("spNO.2", "a", 12, 12, 20, "1+2", "surprise", objective="II"),  # its apex is its onset
    Coded("spNO.2", "a", 50, 56, 0, "4+7", "Others", objective="III"),  # its end is not known
    Coded("spNO.2", "c", 20, 25, 33, "14", "fear", objective="VII"),  # its first frame is not there
    Coded("spNO.10", "b", 5, 30, 90, "17", "sad", objective="VII"),  # much too long
    Coded("spNO.216", "d", 3647, 2668, 2694, "4+5", "anger", objective="III"),  # its onset is a slip of the pen
)
MACRO = (
    Coded("spNO.1", "a", 55, 70, 92, "6+12", "happiness"),
    Coded("spNO.2", "c", 41, 60, 88, "4+9", "disgust"),
    Coded("spNO.10", "B", 40, 50, 75, "1，4", "Others"),  # another case, and a Chinese comma
)
MENDED = (*MICRO[:-1], MICRO[-1]._replace(onset=2647))
"""As the sheet of both kinds has them."""
UNNAMED = Coded("spNO.1", "b", 70, 76, 82, "24", "", objective="VII")
"""A micro-expression of the sheet of both kinds without a row in that of the emotions."""
LONE = Coded("spNO.2", "c", 71, 76, 80, "24", "others", objective="VII")
"""A row of the emotions without one in the sheet of both kinds."""
BLINKS = (("spNO.1", "a", 20, 30), ("spNO.1", "a", 60, 68), ("spNO.2", "c", 20, 27), ("spNO.77", "d", 9, 15))
"""The last one is in a video without any other expression."""
MICRO_C = (
    ("1", 1, 30, 44, "4", "negative"),
    ("1", 2, 60, 69, "12", "positive"),
    ("2", 1, 22, 35, "1+2", "surprise"),
    ("3", 1, 41, 52, "14，17", "others"),
)
MACRO_C = (("2", 1, 50, 90, "6+12", "positive"),)
UNKNOWN_C, LONE_C = ("3", 41, 52), ("2", 93, 98)
"""A micro-expression of part C that only its own sheet has, and one that only the sheet of both kinds has."""


def write(folder: Path, release: Release = "v2") -> None:
    """Draw six videos of four people of part A, their micro-expressions as clips, and three videos of part C.

    Args:
        folder: empty or not there yet.
        release: `v2`: the folders as deep as the archives unpack, and the sheets that the authors publish: both kinds with the
            blinks in one, the emotions of the micro-expressions in another, an older version beside each. `labels`: micro-
            and macro-expressions in two sheets with their emotions. `v1`: both kinds in one sheet, without emotions.
    """
    empty_folder(folder)
    home = folder / "part_A" / "data" / ("part_A_split/part_A" if release == "v2" else "part_A")
    for subject, video in VIDEOS:
        key = (subject, video)
        first = FIRST.get(key, 1)
        spans = [row.span for row in (*MENDED, *MACRO) if (row.subject, row.name.lower()) == key]
        numbers = [first + n for n in range(FRAMES) if key != GAPPY or n not in MISSING]
        place = home / subject / video
        write_frames(place / "color", "{number}.jpg", numbers, spans, int(subject.split(".")[1]))
        if key != FLAT:
            _write_depth(place / "depth", numbers[::2])  # some are missing
    (folder / "part_A" / "annotation").mkdir()
    _write_sheets(folder / "part_A" / "annotation", release)
    for row, right in zip(MICRO, MENDED):
        clips, name = folder / "Part_A_ME_clip", f"{row.subject}_{row.name}_{row.onset}"
        onset, _, offset = right.span
        numbers = [*range(onset, offset + 1)]
        write_frames(clips / "frame" / name, "{number}.jpg", numbers, [right.span], int(row.subject.split(".")[1]))
        _write_depth(clips / "depth" / name, numbers)
    _write_part_c(folder / "part_C", release)


def _write_sheets(home: Path, release: Release) -> None:
    if release == "v1":
        kinds = [(row, "Micro-expression") for row in MICRO] + [(row, "Macro-expression") for row in MACRO]
        rows: list[tuple[Cell, ...]] = [V1_HEADER, *((*row[:6], kind) for row, kind in kinds)]
        write_xlsx(home / "CAS(ME)3_part_A_v1.xlsx", {"Sheet1": rows})
        return
    *labelled, lone, other = ((*row[:6], row.objective, row.emotion) for row in (*MICRO, LONE, MACRO[0]))
    some = [lone] if release == "v2" else []
    micro: list[tuple[Cell, ...]] = [HEADER, *labelled, *some, (), ("Total", len(MICRO))]
    note: list[tuple[Cell, ...]] = [("Objective class", "see Davison et al. 2018")]
    write_xlsx(home / "cas(me)3_part_A_ME_label_JpgIndex_v2.xlsx", {"description": note, "label": micro})
    if release == "labels":
        macro: list[tuple[Cell, ...]] = [MACRO_HEADER, *((*row[:6], row.emotion) for row in MACRO)]
        write_xlsx(home / "cas(me)3_part_A_MaE_label_JpgIndex_v2_emotion.xlsx", {"Sheet1": macro})
        return
    write_xlsx(home / "cas(me)3_part_A_ME_label_JpgIndex_v1.xlsx", {"Sheet1": [HEADER, *labelled, other]})
    blinks: list[tuple[Cell, ...]] = [("Subject", "Filename", "Onset", "Offset"), *BLINKS]
    mended = (*MENDED, UNNAMED)
    for version, coded in (("v2", mended), ("v1", (*mended, MACRO[0]))):
        named = [(row, "Micro-expression") for row in coded]
        named += [(row, "Macro-expression") for row in MACRO if row not in coded]
        rows = [BOTH_HEADER, *((*row[:6], kind, row.objective or "VII") for row, kind in named)]
        sheets = {"AU+Emotion": rows, "eye blink": blinks}
        write_xlsx(home / f"CAS(ME)3_part_A_{version}.xlsx", sheets)


def _write_part_c(home: Path, release: Release) -> None:
    for subject in QUESTIONED:
        coded = [row for row in (*MICRO_C, *MACRO_C) if row[0].zfill(2) == subject]
        spans = [(onset, (onset + offset) // 2, offset) for _, _, onset, offset, *_ in coded]
        deep = release == "v2"
        place = home / ("RGB_Depth/part_C/part_C" if deep else "") / (subject.lstrip("0") if deep else subject) / "a"
        write_frames(place / "color", "{number}.jpg", range(1, FRAMES + 1), spans, int(subject))
        _write_depth(place / "depth", range(1, FRAMES + 1, 4))
    for name, coded_rows in (("ME", MICRO_C), ("MaE", MACRO_C)):
        rows: list[tuple[Cell, ...]] = [C_HEADER]
        rows += [(int(s), n, *numbers, u, e) for s, n, *numbers, u, e in coded_rows]
        if name == "ME" or release != "v2":
            write_xlsx(home / f"CAS(ME)3_part_C_{name}.xlsx", {"mockCrimeME": rows})
    if release == "v2":
        both = [(s, on, off, 0) for s, _, on, off, *_ in MACRO_C] + [(*LONE_C, 1)]
        both += [(s, on, off, 1) for s, _, on, off, *_ in MICRO_C if (s, on, off) != UNKNOWN_C]
        rows = [C_BOTH_HEADER, *((int(s), on, off, off - on, kind, 1) for s, on, off, kind in both)]
        write_xlsx(home / "CAS(ME)3_part_C.xlsx", {"organize": rows})


def _write_depth(folder: Path, numbers: Iterable[int]) -> None:
    """Draw a face nearer than the wall, in millimetres."""
    import cv2

    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    picture = np.where(x**2 + y**2 < 0.6, 600 + 100 * (x**2 + y**2), 1500).astype(np.uint16)
    folder.mkdir(parents=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"{number}.png"), picture)
