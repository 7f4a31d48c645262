"""A small drawn set of histograms in the published layout."""

from pathlib import Path

import numpy as np

from mebench.annotations.drawn import Cell, empty_folder, write_xlsx

HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
LABELS = ("disgust", "happiness", "others", "surprise", "repression")
PEOPLE, EACH = 6, 5


def write(folder: Path) -> None:
    """Draw 30 clips of six people, two files that no row names, and a sheet, in `folder`, which is empty or not there yet."""
    empty_folder(folder)
    rows: list[tuple[Cell, ...]] = [HEADER]
    for name, strength in (("LBP_Magnified", 1.0), ("LBP_Magnified_denoised", 1.5)):
        (folder / name).mkdir()
        for number in range(PEOPLE * EACH + 2):
            subject, label = f"{number % PEOPLE + 1:02d}", number % len(LABELS)
            clip = f"EP{number // PEOPLE + 1:02d}_{number % 4 + 1:02d}{'f' * (number % 2)}"
            rng = np.random.default_rng([number, PEOPLE])
            shares = rng.gamma(2.0, size=(3, 59))
            shares[1:, 8 * label : 8 * label + 8] += 2 * strength  # movement differs by class, the image by person
            shares[0, 6 * (number % PEOPLE) : 6 * (number % PEOPLE) + 6] += 3
            lines = [f"{share:.6f} \n" for plane in shares for share in plane / plane.sum()]
            (folder / name / f"sub{subject}_{clip}.txt").write_text("".join(lines), encoding="ascii")
            if name == "LBP_Magnified" and number < PEOPLE * EACH:
                rows.append((subject, clip, 11, 20, 40, "4", LABELS[label]))
    write_xlsx(folder / "CASME2-coding-20140508.xlsx", {"Sheet1": rows})
