"""dlib's detector of faces, as it is stored here."""

from concurrent.futures import ThreadPoolExecutor

import cv2
import dlib
import numpy as np
import pytest
from mebench.datasets.synthetic import dataset as synthetic

from mebench.features.face_detection import detect_faces, load_detector
from mebench.features.gray_frames import to_gray
from tests.helpers.nightly import by_day


@pytest.mark.parametrize("upsample", by_day([0, 1], 1))
def test_load_detector_scores_equal_those_of_dlib(upsample):
    films = synthetic.Synthetic(synthetic.Synthetic.Params(subjects=1, videos=1, frames=60))
    (video,) = films.videos()
    noise = np.random.default_rng(0).integers(0, 256, (150, 200), np.uint8)
    face = films.frames(video)[0].mean(axis=2).astype(np.uint8)
    for picture in (face, np.ascontiguousarray(face[::2, ::2]), noise):
        detections = [d.run(picture, upsample, -1.0) for d in (load_detector(0), dlib.get_frontal_face_detector())]
        assert list(detections[0][0]) == list(detections[1][0])
        assert detections[0][1:] == detections[1][1:]
    assert len(detect_faces(face, upsample)) == 1


def test_detect_faces_works_in_threads_at_once():
    films = synthetic.Synthetic(synthetic.Synthetic.Params(subjects=2, videos=1, frames=60))
    pictures = [cv2.resize(films.frames(video)[0], None, fx=2, fy=2) for video in films.videos()]
    grays = [to_gray(picture, 0, "v") for picture in pictures]
    grays.append(np.ascontiguousarray(grays[0][::2, ::2]))
    alone = [detect_faces(gray, 1) for gray in grays]
    assert len(set(map(tuple, alone))) == 3
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(lambda gray: detect_faces(gray, 1), grays * 4)) == alone * 4
