"""The videos of a run by position: the same sides of a fold as one by one."""

import numpy as np
import pytest

from mebench.core import SubjectKey, Video
from mebench.core.types import Fold
from mebench.runner.video_table import VideoTable, select_videos

VIDEOS = [Video(name, subject, video, 30.0, 9) for name in "ab" for subject in ("1", "2", "3") for video in "xy"]
ONE, TWO, THREE = (SubjectKey("a", name) for name in "123")


@pytest.mark.parametrize(
    "fold",
    [
        Fold("people", (ONE, SubjectKey("b", "1")), (TWO,), (THREE,)),
        Fold("videos", (ONE, TWO), (THREE,), (ONE,), ("a/1/x",)),
        Fold("strangers", (SubjectKey("z", "1"),), (), (ONE,)),
        Fold("nobody", (), (), ()),
    ],
    ids=lambda fold: fold.key,
)
def test_VideoTable_splits_as_a_fold_does(fold):
    sides = [select_videos(VIDEOS, side) for side in VideoTable(VIDEOS).split(fold)]
    assert sides == [*fold.split(VIDEOS)]


def test_VideoTable_finds_videos_of_people_and_keys():
    table = VideoTable(VIDEOS)
    assert table.find_people([TWO, SubjectKey("z", "1")]).tolist() == [False, True, *[False] * 4]
    assert np.flatnonzero(table.has_keys(["b/3/y", "b/9/y"])).tolist() == [11]
