"""Frames on disk that are not as they should be: from the files to the feature, a sentence or the right thing."""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from mebench.core import Chain, Dataset, Video
from mebench.errors import DataError
from mebench.features import EyesAndMouth, FaceCrop, Flow, MinMax, Strain, faces
from mebench.features.pipeline import video_source
from mebench.frames import FolderFrames, VideoFrames

from .conftest import BOX, texture

CHAIN = Chain("flow", (FaceCrop(size=48), Flow("farneback", k=3), Strain(), MinMax(), EyesAndMouth("box")))
N = 9


@dataclass
class Files(Dataset):
    """One video: a folder of images, or a file."""

    revision = "1"
    path: Path

    def video(self):
        return Video("files", "s1", "v1", fps=30.0, n_frames=None)

    def frames(self, video):
        return FolderFrames(self.path) if self.path.is_dir() else VideoFrames(self.path)


@pytest.fixture
def files(tmp_path, monkeypatch):
    monkeypatch.setattr(faces, "detect_faces", lambda gray, upsample: [BOX])
    (tmp_path / "frames").mkdir()
    return Files(tmp_path / "frames")


def write(files, images, ending="png"):
    for n, image in enumerate(images, 1):
        assert cv2.imwrite(str(files.path / f"img{n}.{ending}"), image)


def pictures(n=N):
    return [np.repeat(texture(dx=i / 3)[..., None], 3, axis=2) for i in range(n)]


def features(store, files):
    return video_source(store, files, "files", files.video()).frame_features(CHAIN)


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def shrink(path):
    cv2.imwrite(str(path), cv2.imread(str(path))[:-9])


def deepen(path):
    cv2.imwrite(str(path), cv2.imread(str(path)).astype(np.uint16) * 257)


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "ending", "message"),
    [
        (cut, "jpg", r"img5\.jpg is truncated"),
        (cut, "png", r"img5\.png cannot be decoded"),
        (empty, "jpg", r"img5\.jpg is empty"),
        (shrink, "png", "frame 4 of files/s1/v1 is 64x55 pixels and frame 0 is 64x64"),
        (deepen, "png", r"img5\.png holds uint16 values"),
    ],
)
def test_video_source_stores_nothing_of_bad_frames(store, files, damage, ending, message):
    write(files, pictures(), ending)
    path = files.path / f"img5.{ending}"
    good = path.read_bytes()
    damage(path)
    with pytest.raises(DataError, match=message) as error:
        video_source(store, files, "files", files.video(), again=True).compute([CHAIN], [])
    assert "\n" not in str(error.value)
    assert not [file for file in store.root.rglob("*") if file.is_file()]
    path.write_bytes(good)
    video_source(store, files, "files", files.video(), again=True).compute([CHAIN], [])
    assert video_source(store, files, "files", files.video(), again=True).is_ready([CHAIN], [])


def test_FolderFrames_of_alpha_gray_and_colour_are_alike(store, files):
    write(files, pictures())
    plain = np.array(features(store, files))
    mixed = [np.dstack([p, np.full((64, 64), 7, np.uint8)]) if i % 2 else p[..., 0] for i, p in enumerate(pictures())]
    write(files, mixed)
    np.testing.assert_array_equal(features(type(store)(store.root), files), plain)


@pytest.mark.parametrize("n", [1, 3, 4])
def test_FolderFrames_of_k_frames_have_no_flow(store, files, n):
    write(files, pictures(n))
    assert features(store, files).shape == (max(n - 3, 0), 42, 42, 3)


@pytest.mark.parametrize("n", [1, 4])
def test_VideoFrames_of_one_frame_have_no_flow(store, files, n):
    files.path = files.path.with_name("video.avi")
    writer = cv2.VideoWriter(str(files.path), cv2.VideoWriter_fourcc(*"MJPG"), 30.0, (64, 64))
    for image in pictures(n):
        writer.write(image)
    writer.release()
    assert len(VideoFrames(files.path)) == n
    assert features(store, files).shape == (max(n - 3, 0), 42, 42, 3)
