"""A drawn CASME II whose clips are whole: a copy for each test to break."""

import shutil

import pytest

from mebench.annotations import drawn
from mebench.annotations.drawn import write_xlsx
from mebench.inspection import open_members

HEADER = ("Subject", "Filename", "OnsetFrame", "ApexFrame", "OffsetFrame", "Action Units", "Estimated Emotion")
ROWS = (
    (1, "EP02_01f", 11, 19, 31, "12", "happiness"),
    (1, "EP19_06f", 8, 20, 34, "4+5+L10", "disgust"),
    (2, "EP13_06f", 12, 21, 30, "R14+25?", "repression"),
    (3, "EP03_06", 9, 18, 28, "1+2", "surprise"),
)
FRAMES = range(1, 41)


@pytest.fixture(scope="session")
def whole_tree(tmp_path_factory):
    root = tmp_path_factory.mktemp("casme2")
    for subject, clip, *span, _, _ in ROWS:
        drawn.write_frames(
            root / "CASME2-RAW" / f"sub{subject:02d}" / clip, "img{number}.jpg", FRAMES, [tuple(span)], subject
        )
    write_xlsx(root / "CASME2-coding-20140508.xlsx", {"Sheet1": [HEADER, *ROWS]})
    return root


@pytest.fixture
def tree(whole_tree, tmp_path):
    return shutil.copytree(whole_tree, tmp_path / "casme2")


@pytest.fixture
def clip(tree):
    return tree / "CASME2-RAW" / "sub01" / "EP02_01f"


@pytest.fixture
def write_sheet(tree):
    def write(*rows):
        write_xlsx(tree / "CASME2-coding-20140508.xlsx", {"Sheet1": [HEADER, *rows]})

    return write


@pytest.fixture
def casme2():
    from mebench.config.registry import find_plugin, params_class

    def make(**params):
        return open_members({"casme2": params_class(find_plugin("dataset", "casme2"))(**params)})["casme2"]

    return make
