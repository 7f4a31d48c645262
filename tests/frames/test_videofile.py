import pickle
import random

import cv2
import numpy as np
import pytest

from mebench.errors import DataError
from mebench.frames import VideoFrames

N = 90


def frame(index):
    y, x = np.mgrid[:64, :96]
    blob = 200 * np.exp(-((x - 48 - 30 * np.sin(index / 9)) ** 2 + (y - 32) ** 2) / 200)
    return np.stack([blob, 0.5 * blob + index, np.full_like(blob, 2 * index)], axis=-1).astype(np.uint8)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Path by format; several frames between key frames but for MJPG."""
    made = {}
    for code, ending in (("MJPG", "avi"), ("mp4v", "mp4"), ("XVID", "avi"), ("mp4v", "mkv"), ("MPG2", "mpg")):
        path = tmp_path_factory.mktemp("videos") / f"{code}.{ending}"
        writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*code), 25.0, (96, 64))
        if not writer.isOpened():
            continue
        for index in range(N):
            writer.write(frame(index))
        writer.release()
        made[f"{code}.{ending}"] = path
    assert "MJPG.avi" in made
    return made


def plainly(path):
    """All frames, by a plain loop."""
    capture, frames = cv2.VideoCapture(str(path)), []
    while True:
        there, image = capture.read()
        if not there:
            return frames
        frames.append(image)


class Watched:
    """A capture that counts its calls and may lead jumps astray by `error` frames."""

    def __init__(self, capture, counts, error=0):
        self.capture, self.counts, self.error = capture, counts, error

    def read(self):
        self.counts["read"] += 1
        return self.capture.read()

    def grab(self):
        self.counts["grab"] += 1
        return self.capture.grab()

    def get(self, what):
        return self.capture.get(what)

    def set(self, what, value):
        self.counts["set"] += 1
        return self.capture.set(what, value + self.error)


@pytest.fixture
def watch(monkeypatch):
    def on(video, error=0):
        counts = {"read": 0, "grab": 0, "set": 0, "open": 0}
        open_plainly = video._open

        def open_watched():
            counts["open"] += 1
            return Watched(open_plainly(), counts, error)

        monkeypatch.setattr(video, "_open", open_watched)
        video._capture = None  # opened anew
        return counts

    return on


def test_every_format_reads_as_a_plain_loop_does(videos):
    for name, path in videos.items():
        video, expected = VideoFrames(path), plainly(path)
        assert len(video) == len(expected) == N, name
        np.testing.assert_array_equal(np.array([video[i] for i in range(N)]), np.array(expected), err_msg=name)
        assert video.fps == 25.0


def test_any_order_gives_the_same_frames(videos):
    order = random.Random(3).choices(range(N), k=25)
    for name, path in videos.items():
        video, expected = VideoFrames(path), plainly(path)
        for index in (N - 1, 0, *order):
            np.testing.assert_array_equal(video[index], expected[index], err_msg=f"{name} {index}")


def test_reading_forward_decodes_each_frame_once_and_never_jumps(videos, watch):
    video = VideoFrames(videos["MJPG.avi"])
    counts = watch(video)
    len(video)
    asked = dict(counts)
    assert asked["grab"] == 2  # the last frame and what should not follow it
    for index in range(N):
        video[index]
    assert counts["read"] == N
    assert counts["set"] == asked["set"]


def test_a_frame_seen_before_is_jumped_to(videos, watch):
    video = VideoFrames(videos["MJPG.avi"])
    video[N - 1]
    counts = watch(video)
    video[60]
    assert (counts["set"], counts["read"]) == (1, 1)


@pytest.mark.parametrize("error", [-2, 1, 40])
def test_a_jump_that_goes_astray_is_noticed_and_mended(videos, watch, error):
    expected = plainly(videos["MJPG.avi"])
    video = VideoFrames(videos["MJPG.avi"])
    video[N - 1]
    counts = watch(video, error)
    for index in (60, 70, 50):
        np.testing.assert_array_equal(video[index], expected[index])
    assert counts["set"] == 1  # never again


def test_frames_are_counted_where_the_container_is_wrong(videos, monkeypatch):
    for claimed in (0, -9e15, float("nan"), N - 10, N + 10, 7 * N):
        video = VideoFrames(videos["XVID.avi"] if "XVID.avi" in videos else videos["MJPG.avi"])
        open_plainly = video._open

        class Claiming(Watched):
            def get(self, what, claimed=claimed):
                return claimed if what == cv2.CAP_PROP_FRAME_COUNT else super().get(what)

        counts = {"read": 0, "grab": 0, "set": 0}
        monkeypatch.setattr(video, "_open", lambda: Claiming(open_plainly(), counts))  # noqa: B023
        assert len(video) == N
        grabbed = counts["grab"]
        assert grabbed >= N
        assert len(video) == N
        assert counts["grab"] == grabbed  # remembered


def test_a_cut_off_file_has_the_frames_that_are_left(videos, tmp_path):
    path = tmp_path / "cut.avi"
    path.write_bytes(videos["MJPG.avi"].read_bytes()[:-40_000])
    video = VideoFrames(path)
    assert 1 <= len(video) < N
    assert video[len(video) - 1].shape == (64, 96, 3)


def test_gray_is_the_gray_of_the_colours(videos):
    path = videos["MJPG.avi"]
    expected = cv2.cvtColor(VideoFrames(path)[5], cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(VideoFrames(path, color=False)[5], expected)


def test_it_pickles_as_its_path(videos):
    video = VideoFrames(videos["MJPG.avi"], color=False)
    video[3]
    again = pickle.loads(pickle.dumps(video))
    assert (again.path, again.color) == (video.path, video.color)
    np.testing.assert_array_equal(again[3], video[3])


def test_the_fingerprint_changes_with_the_bytes(videos, tmp_path):
    data = (videos["MJPG.avi"].read_bytes() * 20)[:300_000]
    prints = set()
    for name, place in (("same", None), ("head", 9), ("middle", 150_000), ("tail", 299_999)):
        changed = bytearray(data)
        if place is not None:
            changed[place] ^= 1
        (tmp_path / name).write_bytes(changed)
        prints.add(VideoFrames(tmp_path / name).fingerprint())
    (tmp_path / "longer").write_bytes(data + b"x")
    prints |= {VideoFrames(tmp_path / name).fingerprint() for name in ("longer", "same")}
    prints.add(VideoFrames(tmp_path / "same", color=False).fingerprint())
    assert len(prints) == 6


@pytest.mark.parametrize("name", ["notes.txt", "empty.mp4", "broken.avi"])
def test_what_is_no_video_is_named(tmp_path, name):
    contents = {"notes.txt": b"a text\n" * 50, "empty.mp4": b"", "broken.avi": b"RIFF....AVI LIST" + b"\0" * 500}
    (tmp_path / name).write_bytes(contents[name])
    with pytest.raises(DataError, match=rf"the video .*{name}.* (cannot be opened|cannot be decoded|can be decoded)"):
        len(VideoFrames(tmp_path / name))


def test_missing_files_folders_and_images_are_named(tmp_path):
    for path in (tmp_path / "gone.mp4", tmp_path):
        with pytest.raises(DataError, match="there is no video file"):
            VideoFrames(path)[0]
    with pytest.raises(DataError, match=r"gone\.mp4 cannot be read"):
        VideoFrames(tmp_path / "gone.mp4").fingerprint()
    cv2.imwrite(str(tmp_path / "img1.jpg"), frame(0))
    with pytest.raises(DataError, match=r"img1\.jpg is an image, not a video"):
        len(VideoFrames(tmp_path / "img1.jpg"))


def test_an_index_outside_is_refused(videos):
    video = VideoFrames(videos["MJPG.avi"])
    for index in (N, -1):
        with pytest.raises(IndexError, match=f"frames 0 to {N - 1}"):
            video[index]
