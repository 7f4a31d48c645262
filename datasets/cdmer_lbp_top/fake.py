"""Drawn features in the published layout."""

from pathlib import Path

import numpy as np
from scipy.io import savemat

from mebench.annotations.drawn import empty_folder

CLIPS, NUMBERS = 71, 15045
N_OTHERS = {"SMIC_HS": ("SMIC", 36), "CASME2": ("CASME2", 30)}
"""Drawn clips of the larger recordings, with the name of their matrices."""


def write(folder: Path) -> None:
    """Draw 71 events in two recordings, and others of two more, in `folder`, which is empty or not there yet."""
    empty_folder(folder)
    for seed, name in enumerate(("SMIC_VIS", "SMIC_NIR")):
        _write_recording(folder, name, name, CLIPS, events=0, noise=seed + 1)
    for seed, (name, (of_matrix, n_clips)) in enumerate(N_OTHERS.items(), start=3):
        _write_recording(folder, name, of_matrix, n_clips, events=seed, noise=seed)


def _write_recording(folder: Path, name: str, of_matrix: str, n_clips: int, events: int, noise: int) -> None:
    """Write a recording; equal numbers `events` draw equal events."""
    labels = np.arange(n_clips) % 3
    rows = np.random.default_rng(events).integers(1, 5, (n_clips, NUMBERS))
    rows[np.arange(n_clips), labels] += 9
    rows += np.random.default_rng(noise).integers(0, 3, rows.shape)
    matrices = {f"{of_matrix}_micro_feature": rows / 16, f"{of_matrix}_micro_label": (labels + 1)[:, None]}
    savemat(folder / f"{name}_Corpus_LBPTOP.mat", matrices, do_compression=True)
