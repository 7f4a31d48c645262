"""The dataset as the rest of mebench sees it."""

import dataclasses
import pickle

import numpy as np
import pytest
from mebench.datasets.synthetic import contact_sheet as synthetic, dataset as synthetic_dataset

from mebench.core import Dataset, Video
from mebench.errors import DataError

SMALL = synthetic_dataset.Synthetic.Params(subjects=3, videos=2, size=96, landmark_noise=0.0)


def test_Synthetic_keeps_contract():
    dataset = synthetic_dataset.Plugin(SMALL)
    assert isinstance(dataset, Dataset)
    assert synthetic_dataset.Plugin.Params is synthetic_dataset.Synthetic.Params
    assert dataset.kinds == ("micro", "macro")
    micro = sum(e.kind == "micro" for v in dataset.videos() for e in v.expressions)
    assert not dataset.comparable
    assert f"{micro:.0f} micro-expressions per minute" in dataset.remark
    assert dataset.provided(dataset.videos()[0], "flow") is None
    assert pickle.loads(pickle.dumps(dataset)).videos() == dataset.videos()


def test_videos_are_sorted_and_unique():
    videos = synthetic_dataset.Synthetic(SMALL).videos()
    keys = [video.key for video in videos]
    assert keys == sorted(set(keys))
    assert len(keys) == 6
    assert keys[0] == "synthetic/s001/v01"
    assert all((video.fps, video.n_frames) == (30.0, 300) for video in videos)


def test_videos_of_small_set_begin_large_set():
    small = synthetic_dataset.Synthetic(SMALL).videos()
    large = {v.key: v for v in synthetic_dataset.Synthetic(synthetic_dataset.Synthetic.Params()).videos()}
    assert all(large[video.key] == video for video in small)


def test_Synthetic_distractors_are_moving_heads():
    def frames(**params):
        videos = synthetic_dataset.Synthetic(dataclasses.replace(SMALL, **params)).videos()
        return sum(d.offset - d.onset + 1 for v in videos for d in v.distractors if d.kind == "head") / (
            300 * len(videos)
        )

    assert frames(head=0.0, rotation=0.0, yaw=0.0) == 0
    assert frames() < 0.15 < 0.5 < frames(head=3.0)
    videos = synthetic_dataset.Synthetic(SMALL).videos()
    assert all(list(v.distractors) == sorted(v.distractors, key=lambda d: d.onset) for v in videos)


def test_schemes_map_labels():
    schemes = synthetic_dataset.Synthetic(SMALL).schemes
    assert list(schemes) == ["native", "megc2019"]
    assert schemes["native"].classes == ("happiness", "surprise", "disgust", "repression", "sadness")
    coarse = schemes["megc2019"]
    assert [coarse.mapping[e] for e in schemes["native"].classes] == [
        "positive",
        "surprise",
        "negative",
        "negative",
        "negative",
    ]


def test_short_videos_hold_one_micro_expression():
    videos = synthetic_dataset.Synthetic(dataclasses.replace(SMALL, short_videos=True, frames=60)).videos()
    kinds = [[e.kind for e in video.expressions] for video in videos]
    assert kinds == [["micro"]] * 6


def test_landmarks_say_nothing_about_expressions():
    """Whatever happens in a video, strong, weak, null or nothing at all: the same 68 numbers."""
    changes = (
        {"micro_max": 0},
        {"short_videos": True},
        {"amplitude": 0.0},
        {"intensity": (0.5, 0.9)},
        {"macros": 0.0},
        {"macros": 30.0, "speech": 1.0, "twitches": 40.0, "blinks": 60.0},
    )
    noisy = dataclasses.replace(SMALL, landmark_noise=1.0)
    plain = synthetic_dataset.Synthetic(noisy)
    for change in changes:
        other = synthetic_dataset.Synthetic(dataclasses.replace(noisy, **change))
        for video, same in zip(plain.videos(), other.videos()):
            np.testing.assert_array_equal(plain.landmarks(video), other.landmarks(same))


def test_landmarks_predict_no_number_of_expressions():
    """The correlation with every coordinate stays where 60 draws of pure chance have it."""
    dataset = synthetic_dataset.Synthetic(synthetic_dataset.Synthetic.Params(subjects=20, size=64, landmark_noise=0.0))
    videos = dataset.videos()
    by_subject = [[v for v in videos if v.subject == s] for s in sorted({v.subject for v in videos})]
    # Within a subject, so that faces do not count.
    points = np.array([[dataset.landmarks(v).ravel() for v in own] for own in by_subject])
    counts = np.array([[sum(e.kind == "micro" for e in v.expressions) for v in own] for own in by_subject], float)
    points, counts = (a - a.mean(axis=1, keepdims=True) for a in (points, counts))
    correlation = np.corrcoef(np.column_stack([counts.ravel(), points.reshape(len(videos), -1)]), rowvar=False)[0, 1:]

    assert np.abs(correlation).max() < 4 / np.sqrt(len(videos))


def test_landmarks_have_stated_noise():
    exact = synthetic_dataset.Synthetic(SMALL)
    noisy = synthetic_dataset.Synthetic(dataclasses.replace(SMALL, landmark_noise=2.0))
    errors = np.array([noisy.landmarks(v) - exact.landmarks(v) for v in exact.videos()])
    assert errors.std() == pytest.approx(2.0, rel=0.15)


def test_landmarks_of_later_frames_are_kept_back():
    dataset = synthetic_dataset.Synthetic(SMALL)
    with pytest.raises(DataError, match=r"dataset\.oracle=true"):
        dataset.oracle_landmarks(dataset.videos()[0], 10)
    oracle = synthetic_dataset.Synthetic(dataclasses.replace(SMALL, oracle=True))
    video = oracle.videos()[0]
    np.testing.assert_array_equal(oracle.oracle_landmarks(video, 0), dataset.landmarks(video))
    with pytest.raises(IndexError):
        oracle.oracle_landmarks(video, 300)


def test_frames_refuse_unknown_video():
    with pytest.raises(DataError, match=r"synthetic/s009/v01.*dataset\.subjects=3"):
        synthetic_dataset.Synthetic(SMALL).frames(Video("synthetic", "s009", "v01", 30.0, 300))


def test_contact_sheet_has_row_a_subject():
    dataset = synthetic_dataset.Synthetic(dataclasses.replace(SMALL, short_videos=True, frames=60))
    sheet = synthetic.contact_sheet(dataset)
    assert sheet.shape[1] == 96 * len(synthetic.HEADINGS)
    assert sheet.dtype == np.uint8
    one = synthetic.contact_sheet(dataset, subjects=["s002"])
    assert (sheet.shape[0] - 20) == 3 * (one.shape[0] - 20)
    video = next(v for v in dataset.videos() if v.subject == "s002")
    np.testing.assert_array_equal(one[20:116, :96], dataset.frames(video)[0])
    empty = synthetic_dataset.Synthetic(dataclasses.replace(SMALL, micro_max=0))
    assert synthetic.contact_sheet(empty).shape[0] == 20
