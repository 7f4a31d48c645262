import gc
import multiprocessing
import os
import pickle
import random
import shutil
import signal
import struct
import threading
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest

from mebench.errors import DataError
from mebench.frames import VideoFrames, videofile
from tests.helpers.own_videos import write

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
    capture = cv2.VideoCapture(str(path))
    frames = []
    while True:
        there, image = capture.read()
        if not there:
            return frames
        frames.append(image)


class Watched:
    """A decoder that counts what it is asked for and leads jumps astray by the frames under `astray`."""

    def __init__(self, decoder, counts):
        self.decoder, self.counts = decoder, counts

    def __getattr__(self, name):
        return getattr(self.decoder, name)

    def frames(self):
        for found in self.decoder.frames():
            self.counts["read"] += 1
            yield found

    def jump(self, stamp):
        self.counts["jump"] += 1
        for found in self.decoder.jump(stamp):
            self.counts["read"] += 1
            astray = self.counts["astray"]
            found.pts -= astray  # claims to be another frame than it is; in this file a unit of time is a frame
            yield found


@pytest.fixture
def watch(monkeypatch):
    """Counts what the decoders that are opened from now on are asked for."""
    monkeypatch.setattr(videofile, "FRAME_COUNTS", {})  # nothing has been counted yet
    decoder = videofile.Decoder

    def count_requests():
        counts = {"read": 0, "jump": 0, "astray": 0}
        monkeypatch.setattr(videofile, "Decoder", lambda *file, **how: Watched(decoder(*file, **how), counts))
        return counts

    return count_requests


def test_VideoFrames_equal_a_plain_loop_in_every_format(videos):
    for name, path in videos.items():
        video = VideoFrames(path)
        expected = plainly(path)
        assert len(video) == len(expected) == N, name
        np.testing.assert_array_equal(np.array([video[i] for i in range(N)]), np.array(expected), err_msg=name)
        assert video.fps == 25.0


@pytest.fixture
def alone(monkeypatch):
    """As in a worker process, which has one thread."""
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    cv2.setNumThreads(1)
    yield
    cv2.setNumThreads(-1)


@pytest.mark.parametrize("most", [1, 8, 2 * N])
def test_VideoFrames_ahead_gives_equal_frames(videos, alone, most):
    for path in [*videos.values()][: None if most == 8 else 1]:
        video = VideoFrames(path)
        video[3]  # the process begins again: its file is another one
        np.testing.assert_array_equal(np.array([*video.compute_ahead(iter(video), most)]), np.array([*video]))


def test_VideoFrames_ahead_uses_a_process_beside_one_thread(videos, alone):
    video = VideoFrames(next(iter(videos.values())))

    def makers():
        return {
            int(makes[0]) for makes in video.compute_ahead(np.array([os.getpid() % 256], np.uint8) for _ in range(5))
        }

    assert len(makers()) == 2  # the first is made here
    cv2.setNumThreads(2)
    assert makers() == {os.getpid() % 256}


def test_VideoFrames_ahead_leaves_no_process(videos, alone, tmp_path):
    video = VideoFrames(next(iter(videos.values())))
    frames = video.compute_ahead(iter(video))
    assert [next(frames).shape for _ in range(2)] == [(64, 96, 3)] * 2
    assert len(multiprocessing.active_children()) == 1
    frames.close()

    def damaged():
        yield from (video[index] for index in range(20))
        raise DataError("frame 20 is damaged")

    read = video.compute_ahead(damaged())
    np.testing.assert_array_equal([next(read) for _ in range(20)], [video[index] for index in range(20)])
    with pytest.raises(DataError, match="frame 20"):
        next(read)
    (tmp_path / "none.mp4").write_bytes(b"no video")
    none = VideoFrames(tmp_path / "none.mp4")
    with pytest.raises(DataError, match=r"none\.mp4"):
        next(none.compute_ahead(iter(none)))
    assert not multiprocessing.active_children()


@pytest.mark.parametrize("reason", [OSError("disk gone"), ValueError("no face")], ids=["system", "value"])
def test_VideoFrames_ahead_reports_failures_of_its_process(videos, alone, reason):
    video = VideoFrames(next(iter(videos.values())))

    def failing():
        yield from (video[index] for index in range(3))
        raise reason

    read = video.compute_ahead(failing())
    assert [next(read).shape for _ in range(3)] == [(64, 96, 3)] * 3
    with pytest.raises(DataError, match=f"{video.path.name}: .*{type(reason).__name__}: {reason}"):
        next(read)


def test_VideoFrames_ahead_reports_a_killed_process(videos, alone):
    video = VideoFrames(next(iter(videos.values())))
    here = os.getpid()

    def killed():
        yield video[0]
        if os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)

    read = video.compute_ahead(killed())
    next(read)
    with pytest.raises(DataError, match=f"{video.path.name}: .*ended by the system"):
        next(read)


def test_VideoFrames_give_equal_frames_in_any_order(videos):
    order = random.Random(3).choices(range(N), k=25)
    for name, path in videos.items():
        video = VideoFrames(path)
        expected = plainly(path)
        for index in (N - 1, 0, *order):
            np.testing.assert_array_equal(video[index], expected[index], err_msg=f"{name} {index}")


def test_VideoFrames_decode_forward_without_jumps(videos, watch):
    video = VideoFrames(videos["MJPG.avi"])
    counts = watch()
    len(video)
    asked = dict(counts)
    assert asked["read"] == 2  # the first and the last frame
    for index in range(N):
        video[index]
    assert counts["read"] == N + asked["read"]
    assert counts["jump"] == asked["jump"]


def test_VideoFrames_count_a_file_once_in_a_process(videos, watch, tmp_path):
    path = shutil.copy(videos["MJPG.avi"], tmp_path / "film.avi")
    first, second = VideoFrames(path), VideoFrames(path)
    counts = watch()
    assert len(first) == N
    read = counts["read"]
    counts = watch()
    assert len(second) == N
    assert counts["read"] < read
    shutil.copy(videos["MJPG.avi"], path)
    third = VideoFrames(path)
    counts = watch()
    assert len(third) == N
    assert counts["read"] == read


def test_VideoFrames_jump_to_frames_seen_before(videos, watch):
    video = VideoFrames(videos["MJPG.avi"])
    counts = watch()
    video[N - 1]
    before = dict(counts)

    video[60]

    assert (counts["jump"] - before["jump"], counts["read"] - before["read"]) == (1, 1)


@pytest.mark.parametrize("error", [-2, 1, 40])
def test_VideoFrames_notice_and_mend_a_wrong_jump(videos, watch, error):
    expected = plainly(videos["MJPG.avi"])
    video = VideoFrames(videos["MJPG.avi"])
    counts = watch()
    video[N - 1]
    before = counts["jump"]

    counts["astray"] = error
    np.testing.assert_array_equal(video[60], expected[60])
    jumps = counts["jump"]
    assert jumps > before
    for index in (70, 50):
        np.testing.assert_array_equal(video[index], expected[index])
    assert counts["jump"] == jumps  # never again


@pytest.mark.parametrize("claimed", [0, N - 10, N + 10, 7 * N])
def test_VideoFrames_count_frames_where_packets_are_wrong(videos, watch, monkeypatch, claimed):
    video = VideoFrames(videos["MJPG.avi"])
    counts = watch()
    monkeypatch.setattr(Watched, "read_stamps", lambda self: np.arange(claimed) / 25, raising=False)
    assert len(video) == N
    read = counts["read"]
    assert read >= N
    assert len(video) == N
    assert counts["read"] == read  # remembered


def test_VideoFrames_of_cut_file_have_what_is_left(videos, tmp_path):
    path = tmp_path / "cut.avi"
    path.write_bytes(videos["MJPG.avi"].read_bytes()[:-40_000])
    with pytest.raises(
        DataError, match=r"cut\.avi is damaged: its header promises 90 frames and it holds \d+: it was cut off"
    ):
        len(VideoFrames(path))
    video = VideoFrames(path, accept=True)
    assert 1 <= len(video) < N
    assert video[len(video) - 1].shape == (64, 96, 3)
    assert video.fps == VideoFrames(videos["MJPG.avi"]).fps  # never what a break left
    assert f"it was cut off, copy it from the original again; {len(video)} can be decoded" in video.notes[0]


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_VideoFrames_name_promised_frames_that_lack(tmp_path, ending):
    options = {"movflags": "faststart"} if ending == "mp4" else {}
    whole = tmp_path / f"whole.{ending}"
    with av.open(str(whole), "w", options=options) as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = 96
        stream.height = 64
        stream.pix_fmt = "yuv420p"
        for index in range(N):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame(index), format="bgr24")))
        container.mux(stream.encode(None))
    assert VideoFrames(whole).damage == ""
    assert VideoFrames(whole).notes == []
    torn = tmp_path / f"torn.{ending}"
    torn.write_bytes(whole.read_bytes()[: whole.stat().st_size * 2 // 3])
    with pytest.raises(DataError, match=r"is damaged: its header promises (89|90|91) frames"):
        VideoFrames(torn)[0]
    video = VideoFrames(torn, accept=True)
    assert 10 < len(video) < N
    assert video[len(video) - 1].shape == (64, 96, 3)
    assert video.fps == pytest.approx(25)


def test_VideoFrames_ask_no_length_that_no_header_states(tmp_path):
    path = write(tmp_path / "short.ts", lambda _: [], frames=10)
    assert VideoFrames(path).damage == ""
    assert len(VideoFrames(path)) == 10


def test_VideoFrames_pass_over_damage_only_if_accepted(videos, tmp_path):
    data = bytearray(videos["XVID.avi"].read_bytes() if "XVID.avi" in videos else videos["mp4v.mp4"].read_bytes())
    data[len(data) // 2 : len(data) // 2 + 4000] = bytes(4000)
    (tmp_path / "hole.avi").write_bytes(data)
    video = VideoFrames(tmp_path / "hole.avi", accept=True)
    assert N // 2 - 5 < len(video) <= N
    assert len([video[index] for index in range(len(video))]) == len(video)


def test_VideoFrames_keep_times_behind_lost_frames(videos, tmp_path):
    data = bytearray(videos["MJPG.avi"].read_bytes())
    begins = [at for at in range(len(data)) if data[at : at + 3] == b"\xff\xd8\xff"]
    for lost in (10, 11, 12):
        data[begins[lost] : begins[lost] + 400] = bytes(400)
    (tmp_path / "lost.avi").write_bytes(data)
    whole, video = VideoFrames(videos["MJPG.avi"]), VideoFrames(tmp_path / "lost.avi", accept=True)
    assert len(begins) == N
    assert len(video) == N - 3
    np.testing.assert_allclose(video.times, np.delete(whole.times, [10, 11, 12]), atol=1e-9)
    assert video.breaks == [(10, 3, "3 frames cannot be decoded")]
    assert whole.breaks == []


def test_VideoFrames_know_holes_in_time(tmp_path):
    times = np.append(np.arange(10), np.arange(10) + 35) / 25
    videofile.write_video(tmp_path / "hole.mp4", (frame(index) for index in range(20)), times)
    assert VideoFrames(tmp_path / "hole.mp4").breaks == [(10, 25, "the file has no frame for 1.04 s")]


@pytest.mark.parametrize(
    ("ratio", "shape"), [(Fraction(2), (64, 192, 3)), (Fraction(1, 2), (128, 96, 3)), (Fraction(1), (64, 96, 3))]
)
def test_VideoFrames_stretch_pixels_that_are_no_squares(tmp_path, ratio, shape):
    path = tmp_path / "wide.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width = 96
        stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.codec_context.sample_aspect_ratio = ratio
        for index in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame(index), format="bgr24")))
        container.mux(stream.encode(None))
    shown = VideoFrames(path)[1]
    assert shown.shape == shape
    plain = plainly(path)[1]
    assert np.abs(cv2.resize(plain, shape[1::-1], interpolation=cv2.INTER_CUBIC).astype(int) - shown).mean() < 3


def test_VideoFrames_skip_covers_and_note_several_films(videos, tmp_path):
    cover, two = tmp_path / "cover.mp4", tmp_path / "two.mkv"
    with av.open(str(cover), "w") as container:
        stream = container.add_stream("mjpeg", rate=1)
        stream.width = 96
        stream.height = 64
        stream.pix_fmt = "yuvj420p"
        stream.disposition = av.stream.Disposition.attached_pic
        container.mux(stream.encode(av.VideoFrame.from_ndarray(frame(0), format="bgr24")))
        container.mux(stream.encode(None))
    with pytest.raises(
        DataError, match=r"cover\.mp4 cannot be opened: there is no picture in it, only sound with a cover"
    ):
        len(VideoFrames(cover))
    with av.open(str(two), "w") as container:
        streams = [container.add_stream("ffv1", rate=25) for _ in range(2)]
        for stream in streams:
            stream.width = 96
            stream.height = 64
            stream.pix_fmt = "yuv420p"
        for stream in streams:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame(7), format="bgr24")))
            container.mux(stream.encode(None))
    assert VideoFrames(two).notes == ["it holds 2 films, of which the first is read"]


def test_VideoFrames_gray_is_the_gray_of_colours(videos):
    path = videos["MJPG.avi"]
    expected = cv2.cvtColor(VideoFrames(path)[5], cv2.COLOR_BGR2GRAY)
    np.testing.assert_array_equal(VideoFrames(path, color=False)[5], expected)


def shown_at(path, times, codec="libx264", **options):
    """A video whose frames are shown at given milliseconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, options=options)
        stream.width = 96
        stream.height = 64
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, 1000)
        for index, time in enumerate(times):
            picture = av.VideoFrame.from_ndarray(frame(index), format="bgr24")
            picture.pts = time
            picture.time_base = Fraction(1, 1000)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("ending", ["mp4", "mkv"])
def test_VideoFrames_index_counts_frames_and_rate_is_mean(tmp_path, ending):
    times = np.cumsum(np.random.default_rng(5).integers(20, 60, N)).tolist()
    path = shown_at(tmp_path / f"uneven.{ending}", times)
    video = VideoFrames(path)
    expected = plainly(path)
    assert len(video) == len(expected) == N
    for index in (N - 1, 50, 3, 70):
        np.testing.assert_array_equal(video[index], expected[index])
    assert video.fps == pytest.approx(1000 * (N - 1) / (times[-1] - times[0]), rel=0.01)
    assert video.uneven == f"{np.diff(times).min()} to {np.diff(times).max()} ms apart"


@pytest.mark.parametrize("times", [range(0, 30 * 40, 40), [round(n * 1000 / 29.97) for n in range(30)]])
def test_VideoFrames_rate_is_even_despite_rounded_times(tmp_path, times):
    video = VideoFrames(shown_at(tmp_path / "even.mkv", list(times)))
    assert (video.fps, video.uneven) == (pytest.approx(29000 / (times[-1] - times[0]), rel=0.01), "")


def test_VideoFrames_jump_in_reordering_codecs(tmp_path, watch):
    for name, codec, options in (
        ("b.avi", "mpeg4", {"bf": "2", "g": "12"}),
        ("open.mp4", "libx264", {"x264-params": "open-gop=1:bframes=3:keyint=24"}),
    ):
        path = shown_at(tmp_path / name, range(0, 40 * N, 40), codec, **options)
        video = VideoFrames(path)
        expected = plainly(path)
        counts = watch()
        for index in (N - 1, *random.Random(4).choices(range(N), k=15)):
            np.testing.assert_array_equal(video[index], expected[index], err_msg=f"{name} {index}")
        before = counts["jump"]
        video[68]  # far from the last one, and reached by a jump before
        assert counts["jump"] > before, f"{name}: a jump went astray, so there are no more"


def cut(source, path, second):
    """The packets from the key frame before that second on, as `ffmpeg -ss SECOND -i SOURCE -c copy PATH` writes them."""
    with av.open(str(source)) as whole, av.open(str(path), "w") as part:
        out = part.add_stream_from_template(whole.streams.video[0])
        whole.seek(second * 1_000_000)
        packets = [packet for packet in whole.demux(whole.streams.video[0]) if packet.dts is not None]
        first = packets[0].dts
        for packet in packets:
            packet.dts, packet.pts, packet.stream = packet.dts - first, packet.pts - first, out
            part.mux(packet)
    return path


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("xvid.avi", "mpeg4", {"bf": "2", "g": "12"}),
        ("hevc.mkv", "libx265", {"x265-params": "keyint=24:log-level=none:pools=1", "preset": "ultrafast"}),
    ],
)
def test_VideoFrames_of_cut_stream_have_what_can_be_decoded(tmp_path, name, codec, options):
    source = shown_at(tmp_path / name, range(0, 40 * N, 40), codec, **options)
    path = cut(source, tmp_path / f"cut_{name}", 2)
    video = VideoFrames(path)
    expected = plainly(path)
    with av.open(str(path)) as file:
        packets = sum(packet.size > 0 for packet in file.demux(video=0))
    with av.open(str(path)) as file:
        seconds = [picture.time for picture in file.decode(video=0)]
    assert packets > len(video) == len(expected) == len(seconds)
    for index in (0, 5, len(expected) - 1):
        np.testing.assert_array_equal(video[index], expected[index])
    np.testing.assert_allclose(video.times - video.times[0], np.subtract(seconds, seconds[0]), atol=1e-6)


def displayed_by(matrix, source, path):
    """A copy of an MP4 file with another display matrix, (a, b, 0, c, d, 0)."""
    data = bytearray(source.read_bytes())
    upright = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    place = data.rindex(upright)  # that of the track, after that of the whole file
    data[place : place + 36] = struct.pack(">9i", *(number << 16 for number in matrix), 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("matrix", [(0, 1, 0, -1, 0, 0), (-1, 0, 0, 0, -1, 0), (0, -1, 0, 1, 0, 0)])
def test_VideoFrames_turn_as_the_file_says(videos, tmp_path, matrix):
    path = displayed_by(matrix, videos["mp4v.mp4"], tmp_path / "turned.mp4")
    np.testing.assert_array_equal(VideoFrames(path)[7], plainly(path)[7])
    assert (VideoFrames(path)[7].shape == (96, 64, 3)) == (matrix[0] == 0)


@pytest.mark.parametrize("across", [(1, 0), (-1, 0), (0, 1), (0, -1)])
@pytest.mark.parametrize("mirrored", [False, True])
def test_VideoFrames_follow_any_display_matrix(videos, tmp_path, across, mirrored):
    (a, b) = across
    sign = -1 if mirrored else 1
    c, d = -b * sign, a * sign
    plain = VideoFrames(videos["mp4v.mp4"])[7]
    y, x = np.mgrid[: plain.shape[0], : plain.shape[1]]
    right, down = a * x + c * y, b * x + d * y  # QuickTime File Format, "Matrices"
    expected = np.empty((np.ptp(down) + 1, np.ptp(right) + 1, 3), np.uint8)
    expected[down - down.min(), right - right.min()] = plain
    path = displayed_by((a, b, 0, c, d, 0), videos["mp4v.mp4"], tmp_path / "displayed.mp4")
    np.testing.assert_array_equal(VideoFrames(path)[7], expected)


def test_VideoFrames_name_unknown_codecs_and_sound(videos, tmp_path):
    odd, sound = tmp_path / "odd.avi", tmp_path / "sound.mkv"
    odd.write_bytes(videos["MJPG.avi"].read_bytes().replace(b"MJPG", b"ZQZQ"))
    with pytest.raises(
        DataError, match=r"odd\.avi cannot be decoded: its codec is unknown here\. Convert it .* ffmpeg"
    ):
        len(VideoFrames(odd))
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        tone = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        tone.sample_rate = 8000
        container.mux(stream.encode(tone))
    with pytest.raises(DataError, match=r"sound\.mkv cannot be opened: there is no picture in it"):
        len(VideoFrames(sound))


def test_VideoFrames_name_a_container_without_pictures(tmp_path):
    with av.open(str(tmp_path / "none.mkv"), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width = 96
        stream.height = 64
        stream.pix_fmt = "bgr0"
        container.start_encoding()
    with pytest.raises(DataError, match=r"none\.mkv .*(no frame that can be decoded|cannot be opened)"):
        len(VideoFrames(tmp_path / "none.mkv"))


def test_VideoFrames_pickle_as_their_path(videos):
    video = VideoFrames(videos["MJPG.avi"], color=False)
    video[3]
    again = pickle.loads(pickle.dumps(video))
    assert (again.path, again.color) == (video.path, video.color)
    np.testing.assert_array_equal(again[3], video[3])


def test_VideoFrames_fingerprint_changes_with_the_bytes(videos, tmp_path):
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
def test_VideoFrames_name_what_is_no_video(tmp_path, name):
    contents = {"notes.txt": b"a text\n" * 50, "empty.mp4": b"", "broken.avi": b"RIFF....AVI LIST" + b"\0" * 500}
    (tmp_path / name).write_bytes(contents[name])
    with pytest.raises(DataError, match=rf"the video .*{name}.* (cannot be opened|cannot be decoded|can be decoded)"):
        len(VideoFrames(tmp_path / name))


def test_VideoFrames_name_missing_files_folders_and_images(tmp_path):
    for path in (tmp_path / "gone.mp4", tmp_path):
        with pytest.raises(DataError, match="there is no video file"):
            VideoFrames(path)[0]
    with pytest.raises(DataError, match=r"gone\.mp4 cannot be read"):
        VideoFrames(tmp_path / "gone.mp4").fingerprint()
    cv2.imwrite(str(tmp_path / "img1.jpg"), frame(0))
    with pytest.raises(DataError, match=r"img1\.jpg is an image, not a video"):
        len(VideoFrames(tmp_path / "img1.jpg"))


def test_VideoFrames_refuse_an_index_outside(videos):
    video = VideoFrames(videos["MJPG.avi"])
    for index in (N, -1):
        with pytest.raises(IndexError, match=f"frames 0 to {N - 1}"):
            video[index]


def test_write_video_is_deterministic(tmp_path):
    """Of a width that is no multiple of 32, which x264's fast parts read beyond."""
    noise = np.random.default_rng(0).random((140, 140, 3))
    wide = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.0), None, 20, 230, cv2.NORM_MINMAX)
    shifts = [np.array([[1, 0, -10 + i / 3], [0, 1, -10.0]]) for i in range(40)]
    film = [cv2.warpAffine(wide, shift, (100, 120)).round().astype(np.uint8) for shift in shifts]
    found = set()
    for n in range(8):
        _ = [np.full(1 << 16, (31 * n + k) % 256, np.uint8) for k in range(200)]  # what lay here before
        videofile.write_video(tmp_path / f"{n}.mp4", iter(film), np.arange(40) / 10, 30)
        found.add((tmp_path / f"{n}.mp4").read_bytes())
    assert len(found) == 1


def test_VideoFrames_free_frames_without_garbage_collector(tmp_path):
    """Which comes rarely in a worker: a long film would be held in memory."""
    videofile.write_video(tmp_path / "a.mp4", iter([np.zeros((64, 64, 3), np.uint8)] * 20), np.arange(20) / 25)
    frames = VideoFrames(tmp_path / "a.mp4")
    gc.collect()
    gc.disable()
    try:
        assert [frames[index].shape for index in range(20)] == [(64, 64, 3)] * 20
        assert sum(type(one).__name__ == "VideoFrame" for one in gc.get_objects()) < 12  # the decoder holds a few
    finally:
        gc.enable()


def write_stream(path, images):
    """A transport stream whose times begin at 0, as a camera writes each part."""
    with av.open(str(path), "w", format="mpegts") as container:
        stream = container.add_stream("mpeg2video", rate=25)
        stream.width = 96
        stream.height = 64
        stream.pix_fmt = "yuv420p"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="bgr24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("lengths", [(20, 20), (25, 12), (12, 25)])
def test_VideoFrames_times_go_on_where_time_stamps_begin_again(tmp_path, lengths):
    parts = []
    begin = 0
    for n, length in enumerate(lengths):
        parts.append(write_stream(tmp_path / f"{n}.ts", [frame(begin + i) for i in range(length)]).read_bytes())
        begin += length
    (tmp_path / "joined.ts").write_bytes(b"".join(parts))
    joined = VideoFrames(tmp_path / "joined.ts")
    assert len(joined) == sum(lengths)
    assert joined.fps == pytest.approx(25)
    np.testing.assert_allclose(joined.times - joined.times[0], np.arange(sum(lengths)) / 25, atol=1e-3)
    assert "its time stamps begin again once: the times of later frames go on from there" in joined.notes
    assert joined.uneven == ""
    assert joined.breaks == [(lengths[0], 0, "the time stamps of the file begin again")]


def test_VideoFrames_read_a_name_with_a_colon(videos, tmp_path, monkeypatch):
    shutil.copy(videos["MJPG.avi"], tmp_path / "2024-05-01T10:30:12.avi")
    monkeypatch.chdir(tmp_path)
    assert len(VideoFrames("2024-05-01T10:30:12.avi")) == N


@pytest.mark.parametrize("times", [[0.0] * 5, [0.0, 0.0, 0.04, 0.04, 0.08]])
def test_VideoFrames_divide_by_no_gap_between_equal_times(videos, monkeypatch, times):
    monkeypatch.setattr(videofile.Decoder, "read_stamps", lambda self: np.array(times))
    frames = VideoFrames(videos["MJPG.avi"])
    assert frames.fps > 0
    assert len(frames.times) == len(frames) == N
