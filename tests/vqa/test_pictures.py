"""The pictures that a model sees: which moments, what size, and that flow and differences show the motion."""

import numpy as np
import pytest
from mebench.datasets.synthetic.dataset import Plugin
from mebench.datasets.synthetic.params import Params

from mebench.core import Expression
from mebench.errors import ConfigError, DataError
from mebench.vqa.pictures import PictureSettings, PicturesOfQuestions, choose_moments, color_flow
from mebench.vqa.questions import make_questions


@pytest.fixture(scope="module")
def drawn():
    """A small drawn dataset, a question about one of its clips, and one about its video."""
    dataset = Plugin(Params(preset="tiny")) if "preset" in Params.__dataclass_fields__ else Plugin(Params(subjects=2))
    videos = list(dataset.videos())
    clip = make_questions(videos)[0]
    long = make_questions(videos, "lvqa")[0]
    return dataset, clip, long


def pictures_of(drawn, row, **settings):
    return PicturesOfQuestions([drawn[0]], PictureSettings(**settings))(row)


def test_pictures_of_questions_have_kinds_in_order(drawn):
    _, clip, _ = drawn
    pictures = pictures_of(drawn, clip, see=("frames", "crops", "flow", "difference", "strip"), moments=3, size=64)
    sizes = [picture.shape for picture in pictures]
    assert len(pictures) == 3 + 3 + 2 + 2 + 1
    assert all(picture.dtype == np.uint8 and picture.shape[2] == 3 for picture in pictures)
    assert {size[:2] for size in sizes[3:10]} == {(64, 64)}
    assert sizes[10] == (64, 192, 3)
    np.testing.assert_array_equal(pictures[10], np.concatenate(pictures[3:6], axis=1))
    assert abs(pictures[8].astype(int) - 128).max() > 0  # something moves


def test_pictures_of_questions_may_be_none(drawn):
    _, clip, _ = drawn
    assert pictures_of(drawn, clip, see=("none",)) == []


def test_pictures_of_questions_split_long_videos(drawn):
    _, clip, long = drawn
    overview = pictures_of(drawn, long, see=("strip",), moments=4, size=48)
    windowed = pictures_of(drawn, long, see=("strip",), moments=4, size=48, windows=3)
    assert (len(overview), len(windowed)) == (1, 4)
    np.testing.assert_array_equal(overview[0], windowed[0])
    assert len(pictures_of(drawn, clip, see=("strip",), moments=4, size=48, windows=3)) == 1


def test_pictures_of_questions_magnify_motion(drawn):
    _, clip, _ = drawn
    plain = pictures_of(drawn, clip, see=("crops",), moments=3, size=64)
    magnified = pictures_of(drawn, clip, see=("magnified",), moments=3, size=64)
    spread = [np.stack(some).mean(axis=3).astype(float).std(axis=0).mean() for some in (plain, magnified)]
    assert spread[1] > spread[0]


def test_picture_settings_refuse_unknown_kinds():
    with pytest.raises(ConfigError, match="unknown --see 'depth'"):
        PictureSettings(see=("depth",))
    with pytest.raises(ConfigError, match="or is none alone"):
        PictureSettings(see=("none", "crops"))
    with pytest.raises(ConfigError, match="unknown --apex 'true'"):
        PictureSettings(apex="true")


def test_pictures_of_questions_refuse_unknown_clips(drawn):
    with pytest.raises(DataError, match="no clip 'synthetic/nobody', which a question names"):
        pictures_of(drawn, drawn[1] | {"image_id": "nobody"}, see=("frames",))


def test_choose_moments_moves_one_to_the_apex():
    for n in range(3, 9):
        even, known = choose_moments(0, 100, n), choose_moments(0, 100, n, apex=37)
        assert len(known) == n
        assert 37 in known
        assert len({*even} - {*known}) <= 1
    assert choose_moments(0, 100, 2, apex=37) == [0, 100]
    assert choose_moments(0, 9, 3, apex=Expression(0, 9, "micro").apex) == choose_moments(0, 9, 3)


def test_color_flow_shows_direction_by_hue():
    right, down = np.zeros((4, 4, 2), np.float32), np.zeros((4, 4, 2), np.float32)
    right[..., 0], down[..., 1] = 2.0, 2.0
    assert color_flow(right)[0, 0].tolist() == [255, 0, 0]  # 0 degrees is red
    assert color_flow(down)[0, 0].argmax() == 1  # 90 degrees is between yellow and green
