"""A small drawn CAS(ME)2."""

from pathlib import Path

from mebench.annotations.drawn import Cell, Coded, empty_folder, write_frames, write_xlsx

PEOPLE = {1: "s15", 2: "s16", 3: "s19"}
CODES = {"disgust1": "0101", "anger1": "0401", "happy1": "0502"}
TITLES = {"disgust1": "disgustingteeth", "anger1": "childabuse", "happy1": "catbath"}
VIDEOS = ((1, "disgust1"), (1, "anger1"), (2, "anger1"), (2, "happy1"), (3, "disgust1"), (3, "happy1"))
FRAMES = 100
ROWS = (
    Coded(1, "disgust1_1", 12, 17, 22, "4+9", "Negative", "micro-expression"),
    Coded(1, "disgust1_2", 40, 52, 70, "4", "negative", "macro-expression"),
    Coded(1, "anger1_1", 30, 34, 40, "14or23", "others", "micro-expression"),
    Coded(2, "anger1_1", 20, 26, 30, "1+2", "surprise", "micro-expression"),
    Coded(2, "anger1_2", 61, 75, 0, "12", "positive", "macro-expression"),  # the offset is not known
    Coded(2, "happy1_1", 15, 20, 26, "6+12", "positive", "micro-expression"),
    Coded(3, "disgust1_1", 33, 0, 43, "10", "negative", "micro-expression"),  # nor is this apex
    Coded(3, "disgust1_2", 45, 60, 80, "4+10or11", "negative", "macro-expression"),
)


def write(folder: Path) -> None:
    """Draw six videos of three people, one without expressions, into a folder that is empty or not there yet."""
    home = empty_folder(folder) / "rawpic"
    for person, name in VIDEOS:
        spans = [
            row._replace(offset=row.offset or row.apex + 9).span
            for row in ROWS
            if (row.subject, row.name.split("_")[0]) == (person, name)
        ]
        subject = PEOPLE[person]
        place = home / subject / f"{subject[1:]}_{CODES[name]}{TITLES[name]}"
        write_frames(place, "img{number:03d}.jpg", range(1, FRAMES + 1), spans, person)
    codes: list[tuple[Cell, ...]] = [(*row[:8], "happy") for row in ROWS]
    rule1: list[tuple[Cell, ...]] = [(number, PEOPLE[person], person) for number, person in enumerate(PEOPLE, 1)]
    # One code has lost its leading zero, because the cell contains a number.
    rule2: list[tuple[Cell, ...]] = [(int(c) if c == "0502" else c, name) for name, c in CODES.items()]
    sheets = {"CASFEcode_final": [*codes, ()], "naming rule1": rule1, "naming rule2": rule2}
    write_xlsx(folder / "CAS(ME)^2code_final.xlsx", sheets)
