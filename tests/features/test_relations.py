"""Violations are counted as by hand: what a change should have moved, and what it should have left."""

from mebench.core import Prediction
from mebench.features import degradation, relations
from mebench.runs import ClipPrediction

FPS = {"d/s/a": 10.0, "d/s/b": 10.0}


def interval(onset, offset, video="d/s/a", kind="micro", draw=0):
    return Prediction(video, kind, onset, onset, offset, 0.5, draw=draw)


def counted(kind, clean, changed, clips=((), ())):
    clips = [[ClipPrediction("d/s/a", *clip, (1.0,)) for clip in own] for own in clips]
    found = relations.count_violations_of_run(
        (clean, clips[0]), (changed, clips[1]), degradation.Degradation(kind, 5), FPS
    )
    return found["n"], found["of"]


def test_relations_counts_intervals_that_go_or_are_new():
    assert counted("mirror", [interval(10, 19)], [interval(12, 21)]) == (0, 2)  # IoU 8 of 12
    assert counted("mirror", [interval(10, 19)], [interval(15, 24)]) == (2, 2)  # 5 of 15
    assert counted("mirror", [interval(10, 19)], []) == (1, 1)
    assert counted("mirror", [interval(10, 19)], [interval(10, 19, kind="macro")]) == (2, 2)
    assert counted("mirror", [interval(10, 19)], [interval(10, 19, video="d/s/b")]) == (2, 2)
    assert counted("shift", [interval(10, 19)], [interval(10, 19, draw=1), interval(10, 19)]) == (0, 2)


def test_relations_moves_intervals_by_padding_and_rate():
    assert counted("padding", [interval(10, 19)], [interval(20, 29)]) == (0, 2)  # a second of 10 frames
    assert counted("padding", [interval(10, 19)], [interval(10, 19)]) == (2, 2)
    assert counted("double_rate", [interval(10, 19)], [interval(20, 38)]) == (0, 2)


def test_relations_counts_still_videos_with_intervals():
    assert counted("still", [interval(10, 19)], []) == (0, 2)
    assert counted("still", [], [interval(10, 19), interval(30, 39)]) == (1, 2)


def test_relations_counts_clips_that_change_class():
    before = [(0, 9, "joy"), (20, 29, "fear")]
    assert counted("mirror", [], [], (before, before)) == (0, 2)
    assert counted("mirror", [], [], (before, [(0, 9, "joy"), (20, 29, "joy")])) == (1, 2)
    assert counted("mirror", [], [], (before, before[:1])) == (1, 2)  # nobody was asked: no face
    assert counted("padding", [], [], (before, [(10, 19, "joy"), (30, 39, "fear")])) == (0, 2)
