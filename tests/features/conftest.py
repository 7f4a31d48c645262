"""A video small enough to compute in milliseconds: a texture that drifts behind a face box that is always found."""

import hashlib
from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from mebench.core import Dataset, Video
from mebench.features import FeatureStore, faces

BOX = (8, 4, 56, 52)


def texture(height=64, width=64, dx=0.0, dy=0.0, seed=0):
    """A smooth gray pattern, moved by (dx, dy) pixels."""
    noise = np.random.default_rng(seed).normal(size=(height + 32, width + 32)).astype(np.float32)
    smooth = cv2.GaussianBlur(noise, (0, 0), 3)
    smooth = cv2.warpAffine(smooth, np.array([[1, 0, dx], [0, 1, dy]], np.float32), smooth.shape[::-1])
    inner = smooth[16:-16, 16:-16]
    return np.clip(128 + 50 * inner / inner.std(), 0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Crops:
    """All crops of a video in memory, the box in its frames, and the landmarks in pixels of the crops."""

    images: np.ndarray
    box: tuple
    landmarks: np.ndarray | None


def cropped(crop, frames, landmarks, label="the video"):
    reference = crop.locate(frames, landmarks, label)
    return Crops(np.stack(list(crop.cut(frames, reference, label))), reference.box, reference.crop_landmarks)


class MemoryFrames:
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index]

    def fingerprint(self):
        return hashlib.sha256(np.ascontiguousarray(self.images).tobytes()).hexdigest()


@dataclass
class Drift(Dataset):
    """One video of `n` frames whose texture moves by a third of a pixel a frame."""

    revision = "1"
    n: int = 8
    points: object = None
    ready: object = None
    decoded: int = 0

    def video(self):
        return Video("drift", "s1", "v1", fps=30.0, n_frames=self.n)

    def videos(self):
        return [self.video()]

    def frames(self, video):
        self.decoded += 1
        return MemoryFrames(np.array([texture(dx=i / 3) for i in range(self.n)]))

    def landmarks(self, video):
        return self.points

    def provided(self, video, name):
        return self.ready


@pytest.fixture
def drift(monkeypatch):
    monkeypatch.setattr(faces, "detect_faces", lambda gray, upsample: [BOX])
    return Drift()


@pytest.fixture
def store(tmp_path):
    return FeatureStore(tmp_path / "store")


@pytest.fixture
def face_points():
    """68 points where a frontal face would have them in a crop of 128 pixels; those not used are at the centre."""
    points = np.full((68, 2), 64.0)
    points[17:22] = [(12, 36), (20, 28), (30, 26), (42, 28), (52, 34)]
    points[22:27] = [(76, 34), (86, 28), (98, 26), (108, 28), (116, 36)]
    points[27:31] = [(64, 44), (64, 54), (64, 64), (64, 74)]
    points[36:42] = [(24, 46), (32, 42), (42, 42), (48, 48), (42, 51), (32, 51)]
    points[42:48] = [(80, 48), (86, 42), (96, 42), (104, 46), (96, 51), (86, 51)]
    points[48:60] = [
        (42, 98), (50, 93), (58, 91), (64, 92), (70, 91), (78, 93),
        (86, 98), (78, 105), (70, 108), (64, 109), (58, 108), (50, 105),
    ]  # fmt: skip
    points[60:68] = [(46, 98), (58, 96), (64, 97), (70, 96), (82, 98), (70, 101), (64, 102), (58, 101)]
    return points
