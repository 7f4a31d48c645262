"""What a method sees: features of videos and clips, labels only of those it trains on."""

from dataclasses import fields

import numpy as np
import pytest

from mebench.core import ClipView, Expression, LabelledVideo, SubjectKey, Timing, VideoView, all_clips, stack

EXPRESSIONS = (
    Expression(2, 6, "micro", 3, "fear"),
    Expression(7, 9, "macro", 8, "fear"),
    Expression(10, 13, "micro", None, "fear"),
    Expression(15, 16, "micro", 15, "unscored"),
)


def clip_feature(chain, onset, apex, offset):
    return np.array([onset, apex, offset], np.float16)


def view(cls=VideoView, n_frames=20, **labels):
    common = ("d/s/v", SubjectKey("d", "s"), 30.0, n_frames, Timing(30.0, 3, {"micro": 5}))
    return cls(*common, lambda chain: np.zeros((n_frames - 3, 2)), clip_feature, **labels)


def labelled():
    return view(LabelledVideo, expressions=EXPRESSIONS, labels=(1, 1, 0, None))


def test_VideoView_and_ClipView_hold_no_labels():
    for cls in (VideoView, ClipView):
        assert {f.name for f in fields(cls)}.isdisjoint({"expressions", "labels", "label", "emotion", "action_units"})


def test_LabelledVideo_clips_are_of_the_scored_kind():
    assert [(c.onset, c.apex, c.offset, c.label, c.spotted) for c in labelled().clips()] == [
        (2, 3, 6, 1, False),
        (10, 11, 13, 0, False),
    ]
    assert [c.onset for c in labelled().clips("macro")] == [7]


def test_LabelledVideo_clips_without_apex_take_the_middle():
    assert labelled().clips()[1].apex == (10 + 13) // 2


def test_all_clips_keeps_order_of_videos():
    assert [c.onset for c in all_clips([labelled(), labelled()])] == [2, 10, 2, 10]


@pytest.mark.parametrize(
    ("onset", "apex", "asked"), [(4, 9, (4, 9, 13)), (-3, 2, (0, 2, 6)), (18, 25, (18, 19, 19)), (-9, -6, (0, 0, 0))]
)
def test_ClipView_feature_stays_inside_the_video(onset, apex, asked):
    clip = view().clip(onset, apex, apex + 4)
    assert clip.spotted
    assert clip.feature("x").tolist() == list(asked)
    assert (clip.onset, clip.apex) == (onset, apex)  # the interval itself is not moved


def test_clip_feature_without_offset_ends_at_the_apex():
    assert view().clip_feature("x", 2, 5).tolist() == [2, 5, 5]
    assert view().clip_feature("x", 2, 5, 9).tolist() == [2, 5, 9]


def test_stack_gives_a_float32_row_for_each_clip():
    rows = stack(labelled().clips(), "x")
    assert rows.dtype == np.float32
    assert rows.tolist() == [[2, 3, 6], [10, 11, 13]]
