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


def test_views_for_prediction_have_no_place_for_labels():
    for cls in (VideoView, ClipView):
        assert {f.name for f in fields(cls)}.isdisjoint({"expressions", "labels", "label", "emotion", "action_units"})


def test_clips_are_those_of_the_kind_that_the_scheme_scores():
    assert [(c.onset, c.apex, c.offset, c.label, c.spotted) for c in labelled().clips()] == [
        (2, 3, 6, 1, False),
        (10, 11, 13, 0, False),
    ]
    assert [c.onset for c in labelled().clips("macro")] == [7]


def test_the_apex_of_a_clip_without_one_is_its_middle():
    assert labelled().clips()[1].apex == (10 + 13) // 2


def test_clips_of_many_videos_come_in_order():
    assert [c.onset for c in all_clips([labelled(), labelled()])] == [2, 10, 2, 10]


@pytest.mark.parametrize(
    ("onset", "apex", "asked"), [(4, 9, (4, 9, 13)), (-3, 2, (0, 2, 6)), (18, 25, (18, 19, 19)), (-9, -6, (0, 0, 0))]
)
def test_a_spotted_clip_takes_its_feature_inside_the_video(onset, apex, asked):
    clip = view().clip(onset, apex, apex + 4)
    assert clip.spotted
    assert clip.feature("x").tolist() == list(asked)
    assert (clip.onset, clip.apex) == (onset, apex)  # the interval itself is not moved


def test_a_clip_asked_for_without_an_offset_ends_at_its_apex():
    assert view().clip_feature("x", 2, 5).tolist() == [2, 5, 5]
    assert view().clip_feature("x", 2, 5, 9).tolist() == [2, 5, 9]


def test_stacked_features_are_float32_with_a_row_for_each_clip():
    rows = stack(labelled().clips(), "x")
    assert rows.dtype == np.float32
    assert rows.tolist() == [[2, 3, 6], [10, 11, 13]]
