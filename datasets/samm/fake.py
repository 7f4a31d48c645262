"""A small drawn SAMM."""

from collections.abc import Sequence
from pathlib import Path

from mebench.annotations.drawn import Cell, Coded, empty_folder, write_frames, write_xlsx

HEADER = (
    "Subject", "Filename", "Inducement Code", "Onset Frame", "Apex Frame", "Offset Frame", "Duration", "Micro",
    "Action Units", "Estimated Emotion", "Objective Classes", "Notes",
)  # fmt: skip
PREAMBLE = (
    "SAMM: Spontaneous Actions and Micro-Movements",
    "Version 2",
    "",
    "Symbol Key:",
    '"/" = or',
    '"?" = some AU\'s continue for a while and have unclear offset',
    "",
    "AU Help:",
    '"L2 or R2" = Unilateral AU 2 on left side of face / right side of face',
    '"A2" = Asymmetric AU 2',
    *[f"Remark {n}" for n in range(1, 4)],
)
AROUND = 6
"""Frames of a clip before its onset and after its offset."""
CLIPS = (
    Coded("006", "006_1_2", 5562, 5574, 5590, "4+7", "Anger", objective=3),
    Coded("006", "006_3_4", 639, 650, 662, "15A+17", "Sadness", objective=5),
    Coded("007", "007_3_1", 9990, 9999, 10012, "A12B+ref(10)", "Happiness", objective=1),
    Coded("007", "007_5_3", 101, 111, 126, "A1B + A2C", "Surprise", objective=2),
    Coded("011", "011_1_1", 301, 312, 325, "R14+17+soft focus", "Contempt", objective=7),
    Coded("011", "011_2_2", 2501, 2510, 2526, "7 or 4", "Other", objective=7),
)
WRITTEN = {"007_5_3": {"offset": 0}, "011_1_1": {"apex": 4945}, "011_2_2": {"emotion": "Others"}}
"""The sheet's wrong content: an offset of 0, an apex beyond the clip, another spelling."""
FORMS = (
    *("A12", "A12", "A12+A7", "7C+A12B", "12A+ref(24)", "ref(L10)+A12B", "A/L12", "R6A+R12", "L12 + 61", "L12 or L14"),
    *("R12 or R14", "(R6 or R12)+R15", "(R6 or R12) + R15", "L2C+12", "12+24", "12+39", "L12A+25", "12+15 "),
    *("7+12", "A9+12", "12", "12", "12", "12A", "12B", "12C", "L12A", "L12A", "L12C", "L12C"),
    *("A1", "A1", "A1B + A2C", "1+2", "1+2", "1A+2B+L14C"),
    *("4+6+7+9+43E", "4D+ref(6)+7C+43E", "4D+9B", "9", "A9E+ref(10)"),
    *("14+25+26", "L14", "L14", "L14C", "R14", "R14", "R14+R17", "R14+17+soft focus", "R14A or 17A or 24A", "A14C"),
    *(
        "10A/B",
        "4A/B",
        "4(B/C)",
        "7B?",
        "7B+ ref(43)",
        "ref(7B)+43C",
        "4+13+T18+39",
        "B18+25",
        "ref(5)+20C+25+26",
        "4+7",
    ),
)
"""Cells of action units in all forms of the release; their frequencies differ from the release."""


def write_forms(folder: Path, forms: Sequence[str] = FORMS) -> None:
    """Write a sheet of one row for each cell of action units, and no frames."""
    head = ("Subject", "Filename", "Onset Frame", "Apex Frame", "Offset Frame", "Action Units", "Estimated Emotion")
    rows = [(f"{n:03d}", f"{n:03d}_1_1", 5, 9, 20, cell, "Other") for n, cell in enumerate(forms, 6)]
    empty_folder(folder)
    write_xlsx(folder / "SAMM_Micro_FACS_Codes_v2.xlsx", {"MICRO_ONLY": [*((line,) for line in PREAMBLE), head, *rows]})


def write(folder: Path) -> None:
    """Draw six clips of three people into a folder that is empty or not there yet."""
    home = empty_folder(folder) / "SAMM"
    rows: list[tuple[Cell, ...]] = [*((line,) for line in PREAMBLE), HEADER]
    for number, clip in enumerate(CLIPS):
        numbers = range(clip.onset - AROUND, clip.offset + AROUND + 1)
        place, pattern = home / clip.subject / clip.name, f"{clip.subject}_{{number:05d}}.jpg"
        write_frames(place, pattern, numbers, [clip.span], int(clip.subject), gray=True)
        said = clip._replace(**WRITTEN.get(clip.name, {}))  # type: ignore[arg-type]
        subject_cell: Cell = int(clip.subject) if number % 2 else clip.subject  # leading zeros are lost in some
        rows.append(
            (subject_cell, clip.name, int(clip.name[4]), *said[2:5], clip.offset - clip.onset + 1, "Micro - 1/2",
             said.units, said.emotion, said.objective, None)
        )  # fmt: skip
    rows += [(), ("Total", len(CLIPS))]
    write_xlsx(home / "SAMM_Micro_FACS_Codes_v2.xlsx", {"Legend": [("Codes of the action units",)], "MICRO_ONLY": rows})
