"""Drawn features in the published layout."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from mebench.annotations.drawn import empty_folder

CLIPS, NUMBERS = 71, 15045


def write(folder: Path) -> None:
    """Draw 71 events in two recordings in `folder`, which is empty or not there yet."""
    empty_folder(folder)
    labels = np.arange(CLIPS) % 3
    events = np.random.default_rng(0).integers(1, 5, (CLIPS, NUMBERS))
    events[np.arange(CLIPS), labels] += 9
    for seed, name in enumerate(("SMIC_VIS", "SMIC_NIR")):
        noise = np.random.default_rng(seed + 1).integers(0, 3, events.shape)
        matrices = {f"{name}_micro_feature": (events + noise) / 16, f"{name}_micro_label": (labels + 1)[:, None]}
        savemat(folder / f"{name}_Corpus_LBPTOP.mat", matrices, do_compression=True)
