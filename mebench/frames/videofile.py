"""Frames from a video file, decoded by PyAV, which contains FFmpeg."""

from __future__ import annotations

import hashlib
import math
import mmap
import multiprocessing
import os
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from functools import cached_property
from itertools import chain, dropwhile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError, refuse_if, refused_by_system
from mebench.files import open_plain
from mebench.frames.breaks import Break
from mebench.frames.images import SUFFIXES as IMAGES
from mebench.lazy_imports import load_lazily
from mebench.limits import IMAGE_PIXELS
from mebench.system import CAMERA_FORMAT, FORKS

if TYPE_CHECKING:
    import av
    import cv2
else:
    av = load_lazily("av")
    cv2 = load_lazily("cv2")

# fmt: off
SUFFIXES = (
    ".264", ".265", ".3g2", ".3gp", ".amv", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".h264",
    ".h265", ".hevc", ".ivf", ".m2t", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4",
    ".mpeg", ".mpg", ".mts", ".mxf", ".nut", ".ogg", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob",
    ".webm", ".wmv", ".wtv", ".y4m",
)
# fmt: on
"""Endings of video files that PyAV reads, in lower case."""

CLOCK = 90_000
"""Ticks a second of the time stamps that are written."""

_SAMPLE = 1 << 16
"""Bytes hashed at the head, the middle and the tail of the file."""

_WORTH_SEEKING = 32
"""Decoding that many frames forward costs about as much as a jump, which starts at the key frame before its target."""

_REORDERED = 16
"""Most frames by which the order of decoding differs from that of showing (H.264)."""

_STATED = 0.01
"""Tolerated relative difference between a container's stated rate and its time stamps, which may be rounded to
milliseconds.
"""

_ROUNDED = 0.01
"""Share of the frames by which a duration that a header states in seconds may differ from them."""

_BEYOND_THE_END = 1 << 40
"""Duration of a stream that states none, in its time base: later than any frame."""

_UNEVEN = 1.5
"""Time between two frames, over its median, from which on frames do not follow one another evenly."""

_LAST = b"!"
"""The beginning of the last message of a process that makes arrays ahead."""
_HOLE = 0.2
"""Seconds by which the time between two frames exceeds the usual one where the film has a hole."""

FRAME_COUNTS: dict[tuple[Path, bool, int, int], int] = {}
"""Numbers of frames by path, `accept`, size and time of the last change: counted by this process, or handed to it."""


def without_film_ending(name: str) -> str:
    """A name without the ending of a video file.

    >>> without_film_ending("s01/v1.MP4"), without_film_ending("v1.2")
    ('s01/v1', 'v1.2')
    """
    return re.sub(rf"({'|'.join(map(re.escape, SUFFIXES))})$", "", name, flags=re.IGNORECASE)


class PacketTimes(NamedTuple):
    """The display times of the packets of a video file.

    Attributes:
        stamps: times in seconds, see `Decoder.read_stamps`.
        restarts: packets at which time stamps begin again.
    """

    stamps: NDArray[np.float64]
    restarts: list[int]


class VideoFrames:
    """The frames of a video file, decoded on access and rotated as the file states.

    A frame index is the position among the file's frames in display order: none is doubled or left out to even the
    rate. If the rate is uneven, `fps` is its mean and `uneven` describes it.

    Reading forward decodes each frame once. Every frame equals that of decoding from the start: the target of a jump is
    compared with what was decoded there before, and a file with wrong jumps is read from its start. So the first access
    to a frame decodes all frames before it; later ones jump. The object is not thread-safe.

    Args:
        path: path of the file, which is opened at the first access.
        color: True for (H, W, 3) frames in B, G, R order; False for (H, W).
        accept: whether the decodable part of a damaged file is used.
    """

    def __init__(self, path: Path | str, color: bool = True, accept: bool = False) -> None:
        self.path = Path(path)
        self.color = color
        self.accept = accept
        self._seen: list[tuple[int | None, int]] = []  # time stamp and checksum of each up to the farthest one decoded
        self._jumps = True  # until one goes astray

    def __reduce__(self) -> tuple[type[VideoFrames], tuple[Path, bool, bool]]:
        return VideoFrames, (self.path, self.color, self.accept)

    @cached_property
    def _stamps(self) -> NDArray[np.float64]:
        """Display times of the packets with a picture in seconds, rising, (n_packets,); empty if they carry none.

        They begin with the first decodable frame: a file cut out of another one may begin with packets whose references
        are missing.
        """
        stamps = self._packet_times.stamps
        decoder = self._open()
        first = next((decoder.find_seconds(frame) for frame in decoder.frames()), math.nan)
        return stamps[~(stamps < first)]  # all frames without a time stamp

    @cached_property
    def _packet_times(self) -> PacketTimes:
        """The display times of all packets with a picture."""
        decoder = self._open()
        return PacketTimes(decoder.read_stamps(), decoder.restarts)

    @cached_property
    def _n_frames(self) -> int:
        """Number of frames, counted once in a process while the file is unchanged; a damaged file is refused."""
        if self.damage and not self.accept:
            raise DataError(
                f"the video {self.path} is damaged: {self.damage}; or use whatever can be decoded with "
                "dataset.damaged=accept, in mebench spot with --damaged accept"
            )
        status = self.path.stat()
        file_state = self.path.absolute(), self.accept, status.st_size, status.st_mtime_ns
        if file_state in FRAME_COUNTS:
            return FRAME_COUNTS[file_state]
        n_frames = self._count_confirmed_packets() or self._count_decodable()
        if not n_frames and not self.accept:
            raise DataError(f"the video {self.path} has no frame that can be decoded: it is damaged, copy it again")
        return FRAME_COUNTS.setdefault(file_state, n_frames)

    def _count_confirmed_packets(self) -> int:
        """Number of packets with a picture, if decoding the last ones confirms it; else 0."""
        if self.accept or not len(self._stamps):
            return 0
        decoder = self._open()
        last = [decoder.find_seconds(frame) for frame in decoder.jump(None)]
        is_confirmed = bool(last) and len(last) == int((self._stamps >= min(last)).sum())
        return len(self._stamps) if is_confirmed else 0

    def _count_decodable(self) -> int:
        """Number of frames, found by decoding all."""
        return sum(1 for _ in self._open().frames())

    def __len__(self) -> int:
        """Number of frames: that of the packets, checked at the end of the file.

        All frames are decoded only if it is wrong.

        Raises:
            DataError: the file is missing, no video, or no frame of it can be decoded.
        """
        return self._n_frames

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Frame `index` as uint8.

        It is (H, W, 3) in B, G, R order, or (H, W) with `color=False`.

        Raises:
            IndexError: the index lies outside [0, len).
            DataError: the file is missing, no video, or damaged before or at that frame.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} does not exist: the video {self.path} has frames 0 to {len(self) - 1}")
        self._approach(index)
        while self._next <= index:
            frame = self._read_next()
        return frame if self.color else np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))

    @cached_property
    def fps(self) -> float | None:
        """Frames per second: the container's rate if it agrees with the mean rate of the time stamps, else the latter.

        None if the file has neither.

        Raises:
            DataError: the file is missing or no video.
        """
        stated = self._open().rate
        lasts = float(np.ptp(self._stamps)) if len(self._stamps) > 1 else 0.0
        if lasts <= 0:
            return stated
        mean = (len(self._stamps) - 1) / lasts
        usual = 1 / usual_gap(self._stamps)
        if stated is None:
            return mean
        # A gap from damage changes the mean rate, but not the usual one.
        difference = min(abs(stated - mean) / mean, abs(stated - usual) / usual)
        return stated if difference <= _STATED else mean

    @cached_property
    def damage(self) -> str:
        """A sentence on frames that the header promises and the file lacks; empty if it lacks none.

        Nothing is decoded; damage inside the file shows when a frame is read.

        Raises:
            DataError: the file is missing or no video.
        """
        promised, held = self._promised_and_held()
        enough = promised - max(1, _ROUNDED * promised)
        if held >= enough:
            return ""
        held = self._count_decodable()
        if held >= enough:
            return ""
        return f"its header promises {promised} frames and it holds {held}: it was cut off, copy it from the original again"

    def _promised_and_held(self) -> tuple[int, int]:
        """The number of frames that the header states, and that of the packets; 0 and 0 if it states none."""
        decoder = self._open()
        if decoder.stated_frames:
            return decoder.stated_frames, decoder.count_packets()
        usual = usual_gap(self._stamps)
        promised = round(decoder.stated_seconds / usual)
        if not promised:
            return 0, 0
        # Seconds of a header may count from the start of the file, where no frame need be.
        covered = self._stamps[-1] - min(self._stamps[0], 0)
        return promised, round(covered / usual) + 1

    @property
    def notes(self) -> list[str]:
        """Sentences about the file: damage, several streams, an uneven frame rate."""
        notes = []
        if self.damage:
            notes.append(f"damaged, as accepted: {self.damage}; {len(self)} can be decoded")
        n_films = self._open().streams
        if n_films > 1:
            notes.append(f"it holds {n_films} films, of which the first is read")
        n_restarts = len(self._packet_times.restarts)
        if n_restarts:
            times = "once" if n_restarts == 1 else f"{n_restarts} times"
            notes.append(f"its time stamps begin again {times}: the times of later frames go on from there")
        if self.uneven:
            notes.append(f"its frames are {self.uneven}: durations go by their mean rate")
        return notes

    @property
    def uneven(self) -> str:
        """The range of intervals between frames, `5 to 40 ms apart`; empty if the rate is constant.

        Raises:
            DataError: the file is missing or no video.
        """
        gaps = np.diff(self._stamps)
        if len(gaps) == 0 or gaps.max() < _UNEVEN * np.median(gaps) < _UNEVEN**2 * gaps.min():
            return ""
        return f"{1000 * gaps.min():.3g} to {1000 * gaps.max():.3g} ms apart"

    @property
    def times(self) -> NDArray[np.float64]:
        """Display time of each frame in seconds after the stated start, (n,), rising.

        It comes from the time stamps; by the mean rate if these are missing or differ in number from the frames; NaN if
        the rate is unknown, too.

        Raises:
            DataError: the file is missing or no video.
        """
        shown = self._shown
        if len(shown):
            return shown - self._open().start
        return np.arange(len(self)) / (self.fps or math.nan)

    @cached_property
    def _shown(self) -> NDArray[np.float64]:
        """Display times of the frames on the file's clock, (n_frames,); empty if they are not known."""
        stamps = self._stamps
        if len(stamps) != len(self) and self.accept:  # some frames are lost: those that are left keep their times
            decoder = self._open()
            stamps = np.array([decoder.find_seconds(frame) for frame in decoder.frames()])
            rises = bool((np.diff(stamps) > 0).all())
            stamps = stamps if rises else np.empty(0)
        is_known = len(stamps) == len(self) and (len(self) == 1 or np.ptp(stamps) > 0)
        return stamps if is_known else np.empty(0)

    @property
    def breaks(self) -> list[Break]:
        """The frames behind lost or missing ones, and behind new time stamps.

        Raises:
            DataError: the file is missing or no video.
        """
        found = {break_.frame: break_ for break_ in (*self._holes(), *self._lost_frames())}
        skipped = len(self._packet_times.stamps) - len(self._stamps)
        for packet in self._packet_times.restarts:
            found.setdefault(packet - skipped, Break(packet - skipped, 0, "the time stamps of the file begin again"))
        return [found[frame] for frame in sorted(found) if 0 < frame < len(self)]

    def _holes(self) -> Iterator[Break]:
        """The frames that come much later after the one before than usual."""
        usual = usual_gap(self._shown)
        gaps = np.diff(self._shown)
        for index in np.flatnonzero(gaps > usual + _HOLE).tolist():
            missing = round(float(gaps[index]) / usual) - 1
            yield Break(index + 1, missing, f"the file has no frame for {gaps[index]:.3g} s")

    def _lost_frames(self) -> Iterator[Break]:
        """The frames before which others cannot be decoded."""
        if len(self._shown) == 0 or len(self._shown) >= len(self._stamps):
            return
        n_before = np.diff(np.searchsorted(self._stamps, self._shown)) - 1
        for index in np.flatnonzero(n_before > 0).tolist():
            lost = int(n_before[index])
            yield Break(index + 1, lost, f"{lost} {'frame' if lost == 1 else 'frames'} cannot be decoded")

    def fingerprint(self) -> str:
        """A hash that changes with the file; nothing is decoded.

        It covers the size, 64 KiB at head, middle and tail, and `color`; also the shape of a pixel that is not square,
        and that damage is accepted, if there is any.

        Raises:
            DataError: the file is missing or cannot be read.
        """
        digest = hashlib.sha256(f"{self.color}".encode())
        with suppress(DataError):  # for a file that is not a video, a request for a frame reports it
            aspect = self._open().aspect
            if aspect != 1:
                digest.update(str(aspect).encode())
            if self.accept and self.damage:
                digest.update(b"accepted")
        with (
            refused_by_system(f"the video {self.path} cannot be read", "check its path and permissions"),
            open_plain(self.path) as file,
        ):
            size = os.fstat(file.fileno()).st_size
            digest.update(str(size).encode())
            for begin in (0, (size - _SAMPLE) // 2, size - _SAMPLE):
                file.seek(max(begin, 0))
                digest.update(file.read(_SAMPLE))
        return digest.hexdigest()[:32]

    def compute_ahead(self, arrays: Iterator[NDArray[np.uint8]], most: int = 8) -> Iterator[NDArray[np.uint8]]:
        """Results computed from these frames one by one, in order: uint8 arrays of one shape.

        A forked process makes up to `most` of them before they are asked for, on a core that is idle: a thread would wait
        for Python's lock, which dlib's tracker holds. Nothing is made ahead where the program has more threads, as it may
        not be forked then, or where processes are not forked at all.

        Raises:
            DataError: a frame is damaged, or the process fails or is ended.
        """
        first = next(arrays, None)
        if first is None:
            return
        yield first
        has_threads = threading.active_count() > 1 or cv2.getNumThreads() > 1
        may_fork = FORKS and not multiprocessing.current_process().daemon
        if has_threads or not may_fork:
            yield from arrays
            return
        ring = np.frombuffer(mmap.mmap(-1, most * first.nbytes), np.uint8).reshape(most, *first.shape)
        reader_end, maker_end = multiprocessing.Pipe()
        maker = multiprocessing.get_context("fork").Process(
            target=self._fill_ring, args=(ring, arrays, maker_end, reader_end)
        )
        maker.start()
        maker_end.close()
        try:
            n_read = 0
            while not (message := self._next_message(reader_end)):
                yield ring[n_read % most].copy()
                n_read += 1
                with suppress(BrokenPipeError):  # it has made the last one
                    reader_end.send_bytes(b"")
            reason = message.removeprefix(_LAST).decode()
            if reason:
                raise DataError(reason)
        finally:
            maker.kill()
            maker.join()

    def _next_message(self, reader_end: Connection) -> bytes:
        """The next message of the process that makes arrays ahead."""
        try:
            return reader_end.recv_bytes()
        except (EOFError, ConnectionResetError) as error:
            raise DataError(
                f"the video {self.path}: the process that reads its frames was ended by the system: is there enough memory?"
            ) from error

    def _fill_ring(
        self,
        ring: NDArray[np.uint8],
        arrays: Iterator[NDArray[np.uint8]],
        maker_end: Connection,
        reader_end: Connection,
    ) -> None:
        """Put arrays into the ring, in the forked process.

        The reader gets an empty message for each array, and at the end `_LAST` with the reason of a failure, or with none.
        Once the ring is full, the maker waits for one message of the reader for each row that is free again.
        """
        reader_end.close()
        reason = ""
        with suppress(EOFError, OSError):  # the reader has ended
            try:
                for number, array in enumerate(self._with_own_decoder(arrays)):
                    if number >= len(ring):
                        maker_end.recv_bytes()
                    ring[number % len(ring)] = array
                    maker_end.send_bytes(b"")
            except DataError as error:
                reason = str(error)
            maker_end.send_bytes(_LAST + reason.encode())

    def _with_own_decoder(self, arrays: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        """Arrays made with a decoder of this process; any failure is a `DataError`."""
        try:
            self._reopen()  # the position in the decoder's file is shared with the other process
            yield from arrays
        except DataError:
            raise
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            raise DataError(f"the video {self.path}: its frames cannot be computed ({reason})") from error

    def _reopen(self) -> None:
        """Open the film again at its first frame."""
        self._decoder = self._open()
        self._next = 0
        self._jumped = False
        self._frames = self._decoder.frames()

    def _approach(self, index: int) -> None:
        """Move to a frame, or to an earlier one from which to decode forward."""
        if not self._seen:
            self._reopen()
        target = min(index, len(self._seen) - 1)  # the nearest frame that was decoded before
        lies_ahead = index >= self._next
        if lies_ahead and (not self._jumps or target - self._next <= _WORTH_SEEKING):
            return
        if not self._jumps or target <= _WORTH_SEEKING:
            self._reopen()
            return
        self._next = target
        self._jumped = True
        self._frames = iter(())
        wanted, _ = self._seen[target]
        earlier, _ = self._seen[max(target - _REORDERED, 0)]
        for stamp in (wanted, earlier):  # some formats count key frames earlier than they are shown
            frames = self._decoder.jump(stamp)
            first = next(frames, None)
            if first is not None and wanted is not None and (_stamp(first) or 0) <= wanted:
                self._frames = dropwhile(lambda frame: _stamp(frame) != wanted, chain([first], frames))
                return

    def _read_next(self) -> NDArray[np.uint8]:
        """Decode the next frame, or the first one if the last jump turns out wrong."""
        decoded = next(self._frames, None)
        if decoded is not None:
            frame = pixels(decoded, self._decoder.reformatter, self._decoder.aspect)
            mark = _stamp(decoded), zlib.crc32(frame[::8].tobytes())  # some rows are enough to notice another frame
            if self._next == len(self._seen):
                self._seen.append(mark)
            is_same_as_before = self._seen[self._next] == mark
            if is_same_as_before:
                self._next += 1
                return frame
        if not self._jumped:
            raise DataError(
                f"frame {self._next} of {len(self)} of the video {self.path} cannot be decoded: the file is damaged or "
                "changes while it is read, copy it from the original again"
            )
        self._jumps = False
        self._reopen()
        return self._read_next()

    def _open(self) -> Decoder:
        """A new decoder at the first frame."""
        return Decoder(self.path, accept=self.accept)


class Decoder:
    """A decoder of a video file: its packets or frames, from the start or after a jump.

    Args:
        path: path of the file.
        camera: whether the source is a camera device.
        accept: whether frames that cannot be decoded are passed over.

    Attributes:
        streams: number of video streams, of which the first is read.
        aspect: width of a pixel over its height.
        rate: the container's frames per second, or None.
        start: start time of the display on the file's clock in seconds; 0 in most formats.
        restarts: packets at which time stamps begin again, found by `read_stamps`.

    Raises:
        DataError: the file is missing, no video, or has an unknown codec.
    """

    def __init__(self, path: Path, camera: bool = False, accept: bool = False) -> None:
        self.accept = accept
        self.restarts: list[int] = []
        self._container = _open_container(path, camera)
        cover = av.stream.Disposition.attached_pic
        films = [stream for stream in self._container.streams.video if not stream.disposition & cover]
        if not films:
            content = "only sound with a cover" if self._container.streams.video else "only sound or text"
            raise DataError(f"the video {path} cannot be opened: there is no picture in it, {content}")
        self._stream = films[0]
        self.streams = len(films)
        if self._stream.codec_context is None:
            raise DataError(
                f"the video {path} cannot be decoded: its codec is unknown here. Convert it without loss with a program "
                "that knows it, for example: ffmpeg -i FILE -c:v ffv1 FILE.mkv"
            )
        stated_aspect = self._stream.sample_aspect_ratio
        self.aspect = stated_aspect if stated_aspect is not None and stated_aspect > 0 else Fraction(1)
        self._refuse_giants(path)
        rate = self._stream.average_rate or self._stream.guessed_rate
        self.rate = float(rate) if rate else None
        self.start = (self._container.start_time or 0) / 1e6  # AV_TIME_BASE
        self._stream.thread_type = "NONE"  # the workers share the cores by video
        self._errors = av.FFmpegError
        self.reformatter = av.video.reformatter.VideoReformatter()

    def _refuse_giants(self, path: Path) -> None:
        """Refuse a video whose frames, with square pixels, are too large.

        Raises:
            DataError: they have more than `IMAGE_PIXELS`.
        """
        width = self._stream.codec_context.width
        height = self._stream.codec_context.height
        n_pixels = round(width * height * max(self.aspect, 1 / self.aspect))
        if n_pixels > IMAGE_PIXELS:
            raise DataError(
                f"the video {path} has frames of {n_pixels:,} pixels, expected at most {IMAGE_PIXELS:,}: make it smaller first"
            )

    def read_stamps(self) -> NDArray[np.float64]:
        """Display times of the packets with a picture in seconds, rising.

        They are empty if one is missing. Nothing is decoded. Parts of a camera's film that were joined byte by byte each
        begin with their own time: later ones are moved to follow the earlier ones (`restarts`).
        """
        # Times alone are kept: the packets are the whole film, compressed.
        times = [(_stamp(packet), packet.dts) for packet in self._packets() if packet.size and not packet.is_discard]
        shown = [stamp for stamp, _ in times]
        base = self._stream.time_base
        if base is None or None in shown:
            return np.empty(0)
        order = [decoded for _, decoded in times]
        if None in order:  # then nothing says in which order frames are shown
            return np.sort(np.array(shown, np.float64)) * float(base)
        moved, self.restarts = _without_restarts(np.array(shown, np.float64), np.array(order, np.float64))
        return np.sort(moved) * float(base)

    def find_seconds(self, frame: av.VideoFrame) -> float:
        """Display time of a frame in seconds; NaN if unknown."""
        stamp = _stamp(frame)
        base = self._stream.time_base
        return math.nan if stamp is None or base is None else stamp * float(base)

    def jump(self, stamp: int | None) -> Iterator[av.VideoFrame]:
        """The frames from the last key frame before a time stamp, or before the end.

        There are none if the file allows no jumps.
        """
        end = (self._stream.start_time or 0) + (self._stream.duration or _BEYOND_THE_END)
        with suppress(self._errors):
            self._container.seek(end if stamp is None else stamp, stream=self._stream)
            yield from self.frames()

    def frames(self) -> Iterator[av.VideoFrame]:
        """The frames from here to the end, in display order, or to a damaged one.

        If damage is accepted, damaged pieces are passed over.
        """
        for packet in self._packets():
            # An empty packet is a frame that a camera dropped; the last one, which has no time, ends the stream.
            if packet.size or packet.dts is None:
                try:
                    yield from packet.decode()
                except self._errors:
                    if not self.accept:
                        return

    @property
    def stated_frames(self) -> int:
        """The number of frames that the header of an MP4 file states; else 0."""
        return self._stream.frames if "mp4" in self._container.format.name else 0

    @property
    def stated_seconds(self) -> float:
        """The length that the header of a Matroska or AVI file states, in seconds; else 0."""
        if "mp4" in self._container.format.name:
            return 0.0
        duration = re.fullmatch(r"(\d{1,4}):(\d\d):(\d\d\.\d+)", self._stream.metadata.get("DURATION", ""))
        if duration:  # Matroska
            return float(duration[1]) * 3600 + float(duration[2]) * 60 + float(duration[3])
        if self._container.format.name == "avi":
            return self._stream.frames * float(self._stream.time_base or 0)
        return 0.0

    def count_packets(self) -> int:
        """Number of frames in the file, decodable or not; this reads the whole file."""
        return sum(packet.dts is not None or packet.size > 0 for packet in self._packets())

    def _packets(self) -> Iterator[av.Packet[av.VideoStream]]:
        """The packets from here to the end, or to the first unreadable one."""
        with suppress(self._errors):
            yield from self._container.demux(self._stream)


def _open_container(path: Path, camera: bool) -> av.container.InputContainer:
    """Open a video file or a camera.

    Raises:
        DataError: it is missing, an image, or cannot be opened as a video.
    """
    refuse_if(
        (
            camera and CAMERA_FORMAT is None,
            f"{path} is a camera, and mebench reads cameras on Linux alone: film first, and give the video file",
        ),
        (
            camera and not path.exists(),
            f"there is no camera {path}: plug it in, or name another, such as camera:1 or a video file",
        ),
        (
            not camera and not path.is_file(),
            f"there is no video file {path}: check the path, and of a dataset that it was unpacked",
        ),
        (
            path.suffix.lower() in IMAGES,
            f"{path} is an image, not a video: give the folder of images or a video file",
        ),
        error=DataError,
    )
    try:
        # FFmpeg takes what stands before a colon in a relative name for a protocol.
        return av.open(str(path.absolute()), format=CAMERA_FORMAT if camera else None)
    except (av.FFmpegError, OSError, ValueError):
        raise DataError(
            f"the video {path} cannot be opened: it is empty, damaged or not a video: copy it from the original again"
        ) from None


def _without_restarts(shown: NDArray[np.float64], order: NDArray[np.float64]) -> tuple[NDArray[np.float64], list[int]]:
    """Display times without restarts, and the packets at which they begin again.

    Args:
        shown: display time of each packet, in any unit, (n_packets,).
        order: its time of decoding, which rises within one part of a file.

    >>> _without_restarts(np.array([0.0, 2, 1, 0, 1, 2]), np.array([0.0, 1, 2, 0, 1, 2]))
    (array([0., 2., 1., 3., 4., 5.]), [3])
    """
    steps = np.diff(order)
    rising = steps[steps > 0]
    usual = float(np.median(rising)) if len(rising) else 1.0
    restarts = (np.flatnonzero(steps < -usual) + 1).tolist()
    if not restarts:
        return shown, []
    parts = []
    end = 0.0
    for number, part in enumerate(np.split(shown, restarts)):
        moved = part if number == 0 else part - part.min() + end + usual
        parts.append(moved)
        end = float(moved.max())
    return np.concatenate(parts), restarts


def usual_gap(stamps: NDArray[np.float64]) -> float:
    """The median time between two frames that are not shown at once; infinite if there is none.

    >>> usual_gap(np.array([0.0, 0.0, 0.04, 0.08])), usual_gap(np.array([1.0, 1.0]))
    (0.04, inf)
    """
    gaps = np.diff(stamps)
    gaps = gaps[gaps > 0]
    return float(np.median(gaps)) if len(gaps) else math.inf


def pixels(
    frame: av.VideoFrame, reformatter: av.video.reformatter.VideoReformatter, aspect: Fraction = Fraction(1)
) -> NDArray[np.uint8]:
    """A frame, (H, W, 3) uint8 in B, G, R order, for display: rotated and mirrored by its display matrix.

    Args:
        frame: decoded frame.
        reformatter: converter of the colours.
        aspect: width of a pixel over its height; the shorter side is stretched unless it is 1.
    """
    width = max(frame.width, round(frame.width * aspect))
    height = max(frame.height, round(frame.height / aspect))
    bgr = reformatter.reformat(
        frame, width=width, height=height, format="bgr24", interpolation="BICUBIC", threads=1
    ).to_ndarray()
    # `frame.side_data` would make a cycle, in which each frame waits for the garbage collector: of a long film, gigabytes.
    matrix: Any = av.sidedata.sidedata.SideDataContainer(frame).get("DISPLAYMATRIX")  # type: ignore[attr-defined]
    if matrix is None:
        return np.ascontiguousarray(bgr)
    a, b, _, c, d = np.frombuffer(matrix, np.int32).tolist()[:5]  # (x, y) is shown at (ax + cy, bx + dy)
    if a * d < b * c:
        bgr = bgr[::-1]  # the rest of the matrix is a rotation that takes the x axis to (a, b)
    return np.ascontiguousarray(np.rot90(bgr, -round(math.atan2(b, a) / (math.pi / 2)) % 4))


def _stamp(item: av.VideoFrame | av.Packet[av.VideoStream]) -> int | None:
    """The display time of a frame or packet in the stream's time base; by the order of decoding if unknown."""
    return item.dts if item.pts is None else item.pts


def write_video(path: Path, frames: Iterator[NDArray[np.uint8]], times: NDArray[np.float64], crf: int = 20) -> None:
    """Write frames as H.264 for browsers and players, lossy and without sound.

    Args:
        path: the file, `.mp4`.
        frames: (H, W, 3) in B, G, R order, one for each time, all of one size; an odd last row or column is left out.
        times: display times in seconds, rising.
        crf: H.264's constant rate factor, from 1, as good as the frames, to 51.

    Raises:
        DataError: the file cannot be written.
    """
    rate = (len(times) - 1) / float(np.ptp(times)) if len(times) > 1 and np.ptp(times) > 0 else 25.0
    try:
        with av.open(str(path.absolute()), "w") as container:
            stream = container.add_stream("libx264", rate=Fraction(rate).limit_denominator(1001))
            stream.pix_fmt = "yuv420p"
            stream.options = x264(crf)
            stream.codec_context.time_base = Fraction(1, CLOCK)
            for index, (time, image) in enumerate(zip(times.tolist(), frames)):
                even = np.ascontiguousarray(image[: image.shape[0] // 2 * 2, : image.shape[1] // 2 * 2])
                if index == 0:
                    stream.height, stream.width = even.shape[:2]
                picture = av.VideoFrame.from_ndarray(even, format="bgr24")
                picture.pts = round((time - float(times[0])) * CLOCK)
                picture.time_base = Fraction(1, CLOCK)
                container.mux(stream.encode(picture))
            container.mux(stream.encode(None))
    except (av.FFmpegError, OSError) as error:
        raise DataError(f"the video {path} cannot be written ({error.strerror}): is there room on the disk?") from None


def x264(crf: int) -> dict[str, Any]:
    """The encoder's options, under which it always writes the same bytes.

    It gets one thread, and none of the parts that differ between processors, which also read beyond a frame whose width is
    no multiple of 32.
    """
    return {"crf": str(crf), "preset": "veryfast", "threads": "1", "x264-params": "cpu-independent=1"}
