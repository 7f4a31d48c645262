"""The pixels: the same wherever and whenever they are drawn, and moved by nothing but the script."""

import dataclasses
import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dlib
import numpy as np
import pytest
from mebench.datasets.synthetic import dataset as synthetic, render

import mebench
from mebench.errors import ConfigError
from mebench.frames import VideoFrames, videofile
from tests.helpers.nightly import by_day

SMALL = synthetic.Synthetic.Params(subjects=2, videos=2, size=96)


def _digest(frames, order):
    drawn = {i: frames[i] for i in order}
    return hashlib.sha256(b"".join(drawn[i].tobytes() for i in sorted(drawn))).hexdigest()


def test_SyntheticFrames_are_colour_pictures():
    frames = synthetic.SyntheticFrames(SMALL, 0, 0)
    assert len(frames) == 300
    assert frames[0].shape == (96, 96, 3)
    assert frames[0].dtype == np.uint8


def test_SyntheticFrames_end_with_index_error():
    frames = synthetic.SyntheticFrames(dataclasses.replace(SMALL, frames=45), 0, 0)
    assert len(list(frames)) == 45
    for outside in (-1, 45):
        with pytest.raises(IndexError, match="0 to 44"):
            frames[outside]


def test_SyntheticFrames_ignore_order_of_access():
    order = [3, 250, 40, 41, 0, 120]
    forward = _digest(synthetic.SyntheticFrames(SMALL, 0, 0), order)
    synthetic.SyntheticFrames(SMALL, 1, 1)[7]
    render.make_subject.cache_clear()
    assert _digest(synthetic.SyntheticFrames(SMALL, 0, 0), order[::-1]) == forward


def test_SyntheticFrames_ignore_process():
    code = (
        "import hashlib; from mebench.datasets.synthetic.dataset import SyntheticFrames as F; "
        "from mebench.datasets.synthetic.params import Params as P; f = F(P(subjects=2, videos=2, size=96), 1, 0); "
        "f[99]; print(hashlib.sha256(b''.join(f[i].tobytes() for i in (5, 60, 200))).hexdigest(), f.fingerprint())"
    )
    root = Path(mebench.__file__).parents[1]
    there = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True).stdout
    here = synthetic.SyntheticFrames(SMALL, 1, 0)

    assert there.split() == [_digest(here, (5, 60, 200)), here.fingerprint()]


def test_fingerprint_changes_with_pixels_alone():
    plain = synthetic.SyntheticFrames(SMALL, 0, 0)
    for change in (
        {"noise": 2.0},
        {"amplitude": 0.0},
        {"seed": 1},
        {"intensity": (0.1, 0.2)},
        {"frames": 200},
        {"micros": 4.0},
        {"camera": 6.0},
    ):
        assert (
            synthetic.SyntheticFrames(dataclasses.replace(SMALL, **change), 0, 0).fingerprint() != plain.fingerprint()
        )
    assert synthetic.SyntheticFrames(SMALL, 0, 1).fingerprint() != plain.fingerprint()
    for change in (
        {"subjects": 9},
        {"label_jitter": 3},
        {"coder_error": 0.1},
        {"oracle": True},
        {"landmark_noise": 0.0},
    ):
        other = synthetic.SyntheticFrames(dataclasses.replace(SMALL, **change), 0, 0)
        assert other.fingerprint() == plain.fingerprint()
        np.testing.assert_array_equal(other[20], plain[20])


def test_SyntheticFrames_encoded_equal_file(tmp_path):
    drawn, good, poor = (
        synthetic.SyntheticFrames(dataclasses.replace(SMALL, frames=40, crf=crf), 0, 0) for crf in (0, 15, 40)
    )
    order = [39, 0, 17, 17]
    assert _digest(good, order) == _digest(good, order[::-1]) != _digest(drawn, order)
    far = [np.abs(drawn[17].astype(float) - other[17]).mean() for other in (good, poor)]
    assert 0 < far[0] < far[1] < 10
    videofile.write_video(tmp_path / "a.mp4", (drawn[i] for i in range(40)), np.arange(40) / SMALL.fps, 15)
    np.testing.assert_array_equal(VideoFrames(tmp_path / "a.mp4")[17], good[17])
    assert len({frames.fingerprint() for frames in (drawn, good, poor)}) == 3
    for index in (-1, 40):
        with pytest.raises(IndexError, match=f"frame {index} does not exist"):
            good[index]
    with pytest.raises(
        ConfigError, match=r"dataset.crf=23 takes an even dataset.size .* have 300 frames of 97x97 pixels"
    ):
        synthetic.Synthetic.Params(size=97, crf=23)


def test_SyntheticFrames_encoded_are_drawn_once_by_two_threads(monkeypatch):
    drawn = []
    monkeypatch.setattr(synthetic, "draw", lambda subject, state: drawn.append(1) or render.draw(subject, state))
    params = dataclasses.replace(SMALL, frames=40, crf=23, seed=5)
    with ThreadPoolExecutor(1) as first, ThreadPoolExecutor(1) as second:
        for index in range(params.frames):
            for thread, subject in ((first, 0), (second, 1)):
                thread.submit(synthetic.SyntheticFrames(params, subject, 0).__getitem__, index).result()
    assert len(drawn) == 2 * params.frames


def test_null_control_keeps_labels_without_motion():
    """Amplitude 0 draws the very pixels of a set that never had micro-expressions."""
    quiet = {"macros": 0.0, "speech": 0.0, "size": 96, "subjects": 1, "videos": 1}
    null = synthetic.Synthetic.Params(amplitude=0.0, **quiet)
    none = synthetic.Synthetic.Params(micro_max=0, **quiet)
    full = synthetic.Synthetic.Params(**quiet)
    assert synthetic.Synthetic(null).videos() == synthetic.Synthetic(full).videos()
    (labels,) = [v.expressions for v in synthetic.Synthetic(null).videos()]
    assert len(labels) >= 3
    assert not synthetic.Synthetic(none).videos()[0].expressions
    a, b, c = (synthetic.SyntheticFrames(p, 0, 0) for p in (null, none, full))
    for i in range(300):
        np.testing.assert_array_equal(a.state(i).strengths, b.state(i).strengths)
    for expression in labels:
        np.testing.assert_array_equal(a[expression.apex], b[expression.apex])
        assert (a[expression.apex] != c[expression.apex]).any()


def test_micro_expression_moves_inside_its_interval_alone():
    quiet = synthetic.Synthetic.Params(macros=0.0, speech=0.0, size=96, subjects=1, videos=1, label_jitter=0)
    null, full = (synthetic.SyntheticFrames(dataclasses.replace(quiet, amplitude=a), 0, 0) for a in (0.0, 1.0))
    (video,) = synthetic.Synthetic(quiet).videos()
    expression = video.expressions[0]
    for i in (expression.onset, expression.offset):
        np.testing.assert_array_equal(null[i], full[i])
    assert (null[expression.onset + 2] != full[expression.onset + 2]).any()


@pytest.mark.parametrize("seed", by_day([0, 1], 0))
def test_SyntheticFrames_show_dlib_one_face_where_it_is(seed):
    params = synthetic.Synthetic.Params(seed=seed)
    detector = dlib.get_frontal_face_detector()
    dataset = synthetic.Synthetic(params)
    for video in dataset.videos()[:: params.videos]:
        frame = dataset.frames(video)[0]
        boxes = detector(np.ascontiguousarray(frame[..., ::-1]), 0)
        assert len(boxes) == 1, video.key
        x, y = dataset.landmarks(video)[30]
        assert boxes[0].contains(dlib.point(int(x), int(y)))
