"""A small drawn set of features in the published layout."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from mebench.annotations.drawn import Cell, empty_folder, write_xlsx

HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
LABELS = ("happiness", "disgust", "surprise", "repression", "others")
"""In the order of their numbers in the published file."""
MERGED = {7: "sadness", 12: "fear"}
"""Clips whose number is that of happiness."""
PEOPLE, EACH = 6, 6


def write(folder: Path) -> None:
    """Draw 36 clips of six people and a sheet in `folder`, which is empty or not there yet."""
    empty_folder(folder)
    rows: list[tuple[Cell, ...]] = [HEADER]
    columns, codes = [], []
    for number in range(PEOPLE * EACH):
        person, turn = divmod(number, EACH)
        emotion = MERGED.get(number) or LABELS[(person + turn) % len(LABELS)]
        code = 0 if number in MERGED else LABELS.index(emotion)
        shares = np.random.default_rng([number, PEOPLE]).gamma(2.0, size=630)
        shares[40 * code : 40 * code + 40] *= 3  # movement differs by class, some of it by person
        shares[300 + 20 * person : 320 + 20 * person] *= 2
        columns.append(shares / shares.sum())
        codes.append(code)
        clip = f"EP{turn + 1:02d}_{number % 4 + 1:02d}{'f' * (number % 2)}"
        rows.append((f"{person + 1:02d}", clip, 11, 20, 40, "4", emotion))
    savemat(folder / "CASME2_feature_STLBP_IP.mat", {"feature": np.stack(columns, axis=1)}, do_compression=True)
    savemat(folder / "CASME2_label.mat", {"label": np.array(codes, np.uint8)[:, None]}, do_compression=True)
    write_xlsx(folder / "CASME2-coding-20140508.xlsx", {"Sheet1": rows})
