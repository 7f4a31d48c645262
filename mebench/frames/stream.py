"""The frames of a video in real time, from a camera or a file."""

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError
from mebench.frames.videofile import Decoder, VideoFrames, pixels

WAITING = 2.0
"""Most seconds of waiting frames; with more, all waiting frames are dropped, so that no result is later than that."""
UNSTATED_RATE = 30.0
"""Frames per second of a source without time stamps that states no rate."""
MOST_ARRIVALS = 1000
"""Frames of which the time of arrival is kept."""


def camera_device(source: str) -> Path | None:
    """The device of a camera of Video4Linux; None where a source is a video file.

    >>> camera_device("camera"), camera_device("camera:1"), camera_device("/dev/video1")
    (PosixPath('/dev/video0'), PosixPath('/dev/video1'), PosixPath('/dev/video1'))
    >>> camera_device("/dev/shm/camera.mp4"), camera_device("camera.mp4")
    (None, None)
    """
    if named := re.fullmatch(r"camera(?::(\d+))?", source):
        return Path(f"/dev/video{named[1] or 0}")
    return Path(source) if re.fullmatch(r"/dev/(video\d+|v4l/.+)", source) else None


def play_source(source: str) -> tuple[float | None, Iterator[tuple[float, NDArray[np.uint8]]]]:
    """The frames of a file or a camera in display order, each decoded once.

    Args:
        source: path of a video file, or a camera, see `camera_device`.

    Returns:
        Its stated frames per second, or None; and for each frame its display time in seconds, the first at 0, and its
        picture, (H, W, 3) uint8 in B, G, R order.

    Raises:
        DataError: the file is missing or no video, or there is no such camera.
    """
    device = camera_device(source)
    path = device or Path(source).expanduser()
    decoder = Decoder(path, camera=device is not None)

    rate = VideoFrames(path).fps if device is None else decoder.rate
    return rate, _timed_pictures(decoder)


def _timed_pictures(decoder: Decoder) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Display time in seconds, the first at 0, and picture of each frame."""
    step = 1 / (decoder.rate or UNSTATED_RATE)
    origin = 0.0
    shown = 0.0
    for index, frame in enumerate(decoder.frames()):
        stamp = decoder.find_seconds(frame)
        seconds = index * step if math.isnan(stamp) else stamp
        if index == 0:
            origin = seconds
        if seconds - origin < shown:  # time stamps begin again
            origin = seconds - shown - step
        shown = seconds - origin
        yield shown, pixels(frame, decoder.reformatter, decoder.aspect)


class WaitingFrame(NamedTuple):
    """A frame that waits to be processed.

    Attributes:
        frame_index: index of the frame at the rate of the stream.
        arrival: monotonic time in seconds at which it came.
        picture: (H, W, 3) uint8; None where the frames before it were dropped.
    """

    frame_index: int
    arrival: float
    picture: NDArray[np.uint8] | None


class Stream:
    """The frames of a source at a steady rate.

    A thread reads them. A file is read in real time unless `paced` is off; then nothing is dropped. If the source skips
    a few frames, the frame before them is repeated. If too many frames wait for processing, they are dropped and a new
    stretch begins: a slow consumer gets parts of the video, each without gaps.

    Args:
        source: a video file or a camera, see `play_source`.
        fps: frames per second; None for the source's own.
        paced: whether a file is read in real time.

    Attributes:
        fps: frames per second.
        arrivals: monotonic time of arrival of the last `MOST_ARRIVALS` frames in seconds, by index.
        taken: number of frames so far by time: processed, repeated and dropped ones.
        dropped: frames that came too fast to be processed.
        missing: frames that the source skipped and repeated ones replaced.

    Raises:
        DataError: the source is missing, no video, or has no frame rate.
    """

    def __init__(self, source: str, fps: float | None = None, paced: bool = True) -> None:
        stated, self._frames = play_source(source)
        rate = fps or stated
        if not rate:
            raise DataError(f"{source} states no frame rate: give it with --fps")
        self.fps = rate
        self._paced = paced
        self._camera = camera_device(source) is not None
        self.arrivals: dict[int, float] = {}
        self.taken = 0
        self.dropped = 0
        self.missing = 0
        self._waiting: Queue[WaitingFrame | None] = Queue(max(2, round(WAITING * rate)))  # None stands for the end
        self._ended = False
        self._error: Exception | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)

    @property
    def is_over(self) -> bool:
        """Whether the stream has ended."""
        return self._ended and self._waiting.qsize() <= 1

    @property
    def is_behind(self) -> bool:
        """Whether frames of a live source are waiting to be processed."""
        n_marks_of_end = 1 if self._ended else 0
        return self._paced and self._waiting.qsize() > n_marks_of_end

    def _read(self) -> None:
        """Take the frames of the source at their times, until it ends or nobody waits."""
        begin = time.monotonic()
        try:
            for seconds, frame in self._frames:
                if self._paced and not self._camera:
                    time.sleep(max(0.0, begin + seconds - time.monotonic()))
                index = round(seconds * self.fps)
                arrival = time.monotonic()
                if self._paced and self._waiting.full():
                    self.dropped += self._drop_waiting()
                    self._waiting.put(WaitingFrame(index, arrival, None))
                self._waiting.put(WaitingFrame(index, arrival, frame))
                if self._ended:  # no reader is left
                    return
        except Exception as error:  # raised in the reader that waits for a frame
            self._error = error
        finally:
            self._waiting.put(None)
            self._ended = True

    def _drop_waiting(self) -> int:
        """Drop the waiting frames; returns the number of their pictures."""
        n = 0
        with suppress(Empty):
            while True:
                waiting = self._waiting.get_nowait()
                if waiting is not None and waiting.picture is not None:
                    n += 1
        return n

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The frames of the next stretch, one for each index.

        It ends where frames are dropped, or with the source.
        """
        if self._reader.ident is None:
            self._reader.start()
        before: NDArray[np.uint8] | None = None
        while (waiting := self._waiting.get()) is not None:
            index, arrival, picture = waiting
            if picture is None:
                self.taken = max(self.taken, index)
                return
            while before is not None and self.taken < index:
                self.missing += 1
                self._count_taken(arrival)
                yield before
            if index >= self.taken or before is None:  # else the source gives more frames than its rate
                self._count_taken(arrival)
                yield picture
            before = picture
        self._waiting.put(None)  # the end again, for a further request
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Release the source."""
        self._ended = True
        self._drop_waiting()

    def _count_taken(self, arrival: float) -> None:
        """Count a frame that is given out, and keep its time of arrival."""
        self.arrivals[self.taken] = arrival
        self.arrivals.pop(self.taken - MOST_ARRIVALS, None)
        self.taken += 1
