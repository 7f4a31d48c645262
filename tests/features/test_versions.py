"""The numbers of a step belong to its version: who changes them raises it, and stored features are computed anew."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mebench.core import Chain
from mebench.features import (
    BlockMeans,
    EyesAndMouth,
    FaceCrop,
    Flow,
    FlowImage,
    MaskEyes,
    MinMax,
    RemoveNoseMotion,
    Resize,
    Strain,
    faces,
    landmarks,
)

from .conftest import MemoryFrames, cropped, texture

STEPS = [
    (FaceCrop(), {"size": 64, "upsample": 0, "half_size": True}),
    (Flow(), {"algorithm": "dis", "k": 3, "stride": 2}),
    (Strain(), {"difference": "central"}),
    (RemoveNoseMotion(), {"patch": 9}),
    (MaskEyes(), {"margin": 3}),
    (MinMax(), {}),
    (EyesAndMouth(), {"layout": "box", "margin": 3}),
    (BlockMeans(4, 5), {"rows": 5, "cols": 4}),
    (Resize(28), {"size": 14}),
    (FlowImage(), {"size": 14}),
]


@pytest.mark.parametrize(("step", "others"), STEPS)
def test_fingerprint_changes_with_each_parameter_and_version(step, others, monkeypatch):
    chain = Chain("name", (step,))
    same = Chain("another name", (type(step)(**vars(step)),))
    assert chain.fingerprint() == same.fingerprint()
    seen = {chain.fingerprint()}
    for name, value in others.items():
        seen.add(Chain("name", (replace(step, **{name: value}),)).fingerprint())
    monkeypatch.setattr(type(step), "version", step.version + 1)
    seen.add(chain.fingerprint())
    assert len(seen) == len(others) + 2


def golden_map():
    y, x = np.mgrid[:128, :128] / 128
    return np.stack([np.sin(7 * x + 2 * y), 0.5 * np.cos(5 * y - 3 * x), (x * y) ** 2], axis=-1).astype(np.float32)


@pytest.mark.parametrize(
    ("step", "version", "mean", "deviation", "middle"),
    [
        (Strain(), 1, 0.0544327, 0.460812, -0.97753),
        (Strain("forward"), 1, 0.0546193, 0.460799, -0.97753),
        (Strain("central"), 1, 0.0546213, 0.460799, -0.97753),
        (RemoveNoseMotion(), 1, 0.248627, 0.734632, -0.0597202),
        (MaskEyes(), 1, 0.0547255, 0.429907, -0.97753),
        (MinMax(), 1, 0.398802, 0.366693, 0.0112344),
        (EyesAndMouth(), 2, -0.0520356, 0.46084, -0.998856),
        (EyesAndMouth("released_code", margin=2), 2, -0.103858, 0.480189, -0.984285),
        (EyesAndMouth("box"), 2, -0.0475125, 0.451628, -0.999664),
        (BlockMeans(4, 5), 1, 0.0770172, 0.433734, -0.914162),
        (Resize(28), 2, 0.0779454, 0.469439, -0.993532),
        (FlowImage(), 2, 102.274, 93.4756, 19.4889),
    ],
)
def test_Step_output_of_fixed_map_is_golden(step, version, mean, deviation, middle, face_points):
    """Mean, standard deviation and the first channel of the middle pixel of what a step makes of a fixed map."""
    assert step.version == version
    x = golden_map()
    result = step.apply(x[..., :2] if isinstance(step, Strain) else x, face_points)
    found = [result.mean(), result.std(), result[len(result) // 2, len(result[0]) // 2, 0]]
    assert found == pytest.approx([mean, deviation, middle], rel=1e-4, abs=1e-6), "changed numbers need a new version"


@pytest.mark.parametrize(
    ("algorithm", "u", "v"),
    [
        ("tvl1", [0.616, 0.609, 0.602], [-0.382, -0.382, -0.377]),
        ("tvl1_eps05", [0.600, 0.613, 0.608], [-0.411, -0.404, -0.330]),
        ("tvl1_opencv", [0.616, 0.609, 0.602], [-0.382, -0.382, -0.377]),
        ("tvl1_opencv_eps05", [0.600, 0.613, 0.608], [-0.411, -0.404, -0.330]),
        ("farneback", [0.607, 0.593, 0.603], [-0.414, -0.414, -0.386]),
        ("dis", [0.621, 0.605, 0.606], [-0.423, -0.419, -0.400]),
    ],
)
def test_Flow_output_is_golden(algorithm, u, v):
    assert Flow.version == 2
    found = Flow(algorithm).pair(texture(), texture(dx=0.6, dy=-0.4))
    assert found[32, 20:44:8].T.tolist() == [pytest.approx(u, abs=0.02), pytest.approx(v, abs=0.02)]


class Swaying:
    """A head whose 68 landmarks, the generic ones of `pose`, turn by a few degrees from frame to frame."""

    def __init__(self):
        self.frames = MemoryFrames([texture(96, 128, dx=3 * n, dy=-n) for n in range(6)])
        self.asked = 0

    def points(self, gray, face):
        """What a landmark file would find in the frame that is looked at next."""
        turn = cv2.Rodrigues(np.radians([3.0 * self.asked, -5.0 * self.asked, 4.0 * self.asked]))[0]
        self.asked += 1
        points = faces.HEAD @ turn.T + (3.0, -30.0, 260.0)
        return points[:, :2] / points[:, 2:] * 128 + (63.5, 47.5)


@pytest.mark.parametrize(
    ("step", "mean", "deviation", "cosine", "sine"),
    [
        (FaceCrop(size=64), 138.646, 48.5427, 2.39848, 0.115854),
        (FaceCrop(size=64, margin=0.2), 135.43, 48.9396, 0.0670569, 1.36555),
        (FaceCrop(size=64, align="eyes"), 138.659, 48.538, 2.60567, 0.0982845),
        (FaceCrop(size=64, track="frame", smoothing=3), 136.922, 48.4028, 1.70018, 0.529781),
        (FaceCrop(size=64, align="pose", smoothing=3), 137.418, 49.7629, 0.840612, 0.743095),
    ],
    ids=lambda p: p.describe() if isinstance(p, FaceCrop) else "",
)
def test_FaceCrop_output_is_golden(monkeypatch, step, mean, deviation, cosine, sine):
    """Mean, standard deviation and products with a cosine and a sine of all pixels; none may change within a version."""
    assert step.version == 2
    head = Swaying()
    monkeypatch.setattr(faces, "detect_faces", lambda gray, upsample: [(30, 12, 92, 74)])
    monkeypatch.setattr(landmarks, "find_predictor", lambda path=None: Path(__file__))
    monkeypatch.setattr(faces, "predicted_landmarks", lambda predictor, gray, face: head.points(gray, face))
    flat = cropped(step, head.frames, None).images.astype(float).ravel()
    wave = np.exp(1j * np.arange(len(flat))) / np.sqrt(len(flat))
    found = [flat.mean(), flat.std(), flat @ wave.real, flat @ wave.imag]
    assert found == pytest.approx([mean, deviation, cosine, sine], rel=2e-3, abs=0.02), "new numbers need a new version"
