import os
import sys
from pathlib import Path

import numpy as np
import pytest
from mebench.datasets.synthetic import dataset as synthetic
from skimage import data as skimage_data

from mebench.errors import DataError
from mebench.features import FaceCrop, landmarks

from .conftest import MemoryFrames


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv(landmarks.VARIABLE, raising=False)


@pytest.fixture
def package():
    """The predictor file of the installed package."""
    path = landmarks.find_predictor()
    if path is None:
        pytest.skip("face_recognition_models is not installed: pip install 'mebench[landmarks]'")
    return path


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((67, 2)), r"of v1 must be 68 points \(x, y\), shape \(68, 2\), not \(67, 2\)"),
        (np.zeros((68, 3)), r"not \(68, 3\)"),
        ("none", "must be 68 points"),
        (
            np.where(np.arange(136).reshape(68, 2) == 9, np.nan, 1.0),
            r"1 of the 68 landmarks of v1 are not finite .*number 4",
        ),
        (np.full((68, 2), np.inf), "68 of the 68 landmarks"),
    ],
)
def test_check_landmarks_refuses_odd_points(points, message):
    with pytest.raises(DataError, match=message):
        landmarks.check_landmarks(points, "v1")


def test_check_landmarks_gives_float64():
    assert landmarks.check_landmarks(np.ones((68, 2), np.int16).tolist(), "v1").dtype == np.float64


def test_find_predictor_prefers_path_then_variable_then_package(tmp_path, monkeypatch, package):
    given, named = tmp_path / "given.dat", tmp_path / "named.dat"
    given.write_bytes(b"1")
    named.write_bytes(b"2")
    monkeypatch.setenv(landmarks.VARIABLE, str(named))
    assert landmarks.find_predictor(str(given)) == given
    assert landmarks.find_predictor() == named
    monkeypatch.delenv(landmarks.VARIABLE)
    assert landmarks.find_predictor() == package
    assert package.name == "shape_predictor_68_face_landmarks.dat"


def test_find_predictor_imports_no_package(package):
    landmarks.find_predictor()
    assert "face_recognition_models" not in sys.modules


def test_find_predictor_without_file_is_None(monkeypatch):
    monkeypatch.setattr(landmarks, "LANDMARKS_PACKAGE", "no-such-package-of-landmarks")
    assert landmarks.find_predictor() is None
    assert FaceCrop(align="eyes").landmark_identity(None) == "none"
    with pytest.raises(
        DataError, match=r'v1 has none: .*pip install "mebench\[landmarks\]".*MEBENCH_LANDMARKS.*regions=box'
    ):
        landmarks.require_predictor(None, "v1", "a step", "method.regions=box")


@pytest.mark.parametrize("by_variable", [True, False])
def test_find_predictor_names_a_path_to_nothing(tmp_path, monkeypatch, by_variable):
    path = str(tmp_path / "gone.dat")
    if by_variable:
        monkeypatch.setenv(landmarks.VARIABLE, path)
    with pytest.raises(
        DataError, match=r"no landmark file .*gone\.dat, named by .*(MEBENCH_LANDMARKS|method\.landmarks=)"
    ):
        landmarks.find_predictor(None if by_variable else path)


def test_predictor_identity_is_the_content(tmp_path):
    paths = [tmp_path / name for name in "abc"]
    for path, content in zip(paths, (b"x" * 99, b"x" * 99, b"y" * 99)):
        path.write_bytes(content)
    same, again, other = (landmarks.predictor_identity(path) for path in paths)
    assert same == again != other
    paths[0].write_bytes(b"z" * 99)
    os.utime(paths[0], ns=(1, 1))
    assert landmarks.predictor_identity(paths[0]) not in (same, other)


def test_predictor_identity_hashes_a_file_once(tmp_path):
    path = tmp_path / "a.dat"
    path.write_bytes(b"x" * 99)
    stamp = path.stat()
    first = landmarks.predictor_identity(path)
    path.write_bytes(b"y" * 99)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # size and time say that nothing changed
    assert landmarks.predictor_identity(path) == first


def test_landmark_identity_holds_content_and_no_path(tmp_path, face_points):
    path = tmp_path / "a.dat"
    path.write_bytes(b"x")
    plain, named = FaceCrop(align="pose"), FaceCrop(align="pose", landmarks=str(path))
    assert plain.identity() == named.identity()
    assert plain.describe() == named.describe()
    assert landmarks.predictor_identity(path) in named.landmark_identity(face_points)  # pose goes by the file alone
    eyes = FaceCrop(align="eyes", landmarks=str(path))
    assert eyes.landmark_identity(face_points) != eyes.landmark_identity(face_points + 1)
    assert eyes.landmark_identity(None) == named.landmark_identity(None)


@pytest.mark.parametrize("content", [b"", b"no predictor"])
def test_predicted_landmarks_names_a_damaged_file(tmp_path, content):
    path = tmp_path / "bad.dat"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"bad\.dat is damaged or not a predictor of dlib"):
        landmarks.predicted_landmarks(path, np.zeros((64, 64), np.uint8), (0, 0, 64, 64))


def test_predicted_landmarks_refuses_file_of_five_points(package):
    five = package.with_name("shape_predictor_5_face_landmarks.dat")
    with pytest.raises(DataError, match="finds 5 points, not 68"):
        landmarks.predicted_landmarks(five, np.zeros((64, 64), np.uint8), (0, 0, 64, 64))


def test_predicted_landmarks_of_drawn_face_are_as_drawn(package):
    dataset = synthetic.Synthetic(synthetic.Synthetic.Params(subjects=2, videos=1, frames=60))
    for video in dataset.videos():
        frames, drawn = dataset.frames(video), dataset.landmarks(video)
        crop = FaceCrop()
        reference = crop.with_landmarks(frames, crop.locate(frames), video.key)
        errors = np.linalg.norm(reference.landmarks - drawn, axis=1) / (drawn[16, 0] - drawn[0, 0])
        assert errors.mean() < 0.04  # of the width of the face
        assert errors.max() < 0.15


def test_predicted_landmarks_of_real_face_make_a_face(package):
    """The portrait of an astronaut that comes with scikit-image."""
    if not Path(skimage_data.__file__).with_name("astronaut.png").exists():
        pytest.skip("this scikit-image comes without its portrait")
    frames = MemoryFrames([skimage_data.astronaut()[..., ::-1]])
    crop = FaceCrop(margin=0.2)
    reference = crop.with_landmarks(frames, crop.locate(frames))
    x, y = reference.landmarks.T
    assert y[17:27].max() < y[36:48].max() < y[27:36].max() < y[48:68].max() < y[8]  # brows, eyes, nose, mouth, chin
    assert x[36:42].max() < x[30] < x[42:48].min()
    x0, y0, x1, y1 = reference.box
    assert (x0 <= x).all()
    assert (x < x1).all()
    assert (y0 <= y).all()
    assert (y < y1).all()
    assert (reference.crop_landmarks > 0).all()
    assert (reference.crop_landmarks < 128).all()
