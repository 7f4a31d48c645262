"""Stand-ins of datasets for tests that look at no image: the files of frames are there, and empty."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from mebench.annotations import drawn
from mebench.config import registry


def write_empty_tree(id_: str, folder: Path) -> Path:
    """The folder with the sheets of a dataset's stand-in and its frames without pictures, which take most of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(drawn, "draw_face", lambda *_: np.zeros((1, 1, 3), np.uint8))
        patch.setattr(cv2, "imwrite", lambda path, *_: Path(path).touch())
        registry.load_plugin("dataset", id_).write_fake_tree(folder)
    return folder
