"""The frames of a video in real time, from a camera or a file."""

import math
import re
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError
from mebench.frames.videofile import Decoder, VideoFrames, pixels

WAITING = 2.0
"""Most seconds of waiting frames; with more, all waiting frames are dropped, so that no result is later than that."""


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

    def frames() -> Iterator[tuple[float, NDArray[np.uint8]]]:
        first = math.nan
        step = 1 / (decoder.rate or 30.0)
        before = 0.0
        for index, frame in enumerate(decoder.frames()):
            seconds = decoder.seconds(frame)
            seconds = index * step if math.isnan(seconds) else seconds
            first = seconds if index == 0 else first
            if seconds - first < before:  # time stamps begin again
                first = seconds - before - step
            before = seconds - first
            yield before, pixels(frame, decoder.reformatter, decoder.aspect)

    return (VideoFrames(path).fps if device is None else decoder.rate), frames()


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
        came: monotonic time of arrival of the last thousand frames in seconds, by index.
        taken: number of frames so far by time: processed, repeated and dropped ones.
        dropped: frames that came too fast to be processed.
        missing: frames that the source skipped and repeated ones replaced.

    Raises:
        DataError: the source is missing, no video, or has no frame rate.
    """

    def __init__(self, source: str, fps: float | None = None, paced: bool = True) -> None:
        stated, self._frames = play_source(source)
        if not (rate := fps or stated):
            raise DataError(f"{source} states no frame rate: give it with --fps")
        self.fps = rate
        self._paced = paced
        self._camera = camera_device(source) is not None
        self.came: dict[int, float] = {}
        self.taken = self.dropped = self.missing = 0
        # Index, time of arrival and picture; None for a picture where those before it were dropped, and for all at the end.
        self._waiting: Queue[tuple[int, float, NDArray[np.uint8] | None] | None] = Queue(max(2, round(WAITING * rate)))
        self._ended = False
        self._error: Exception | None = None
        self._reader = threading.Thread(target=self._read, daemon=True)

    @property
    def over(self) -> bool:
        """Whether the stream has ended."""
        return self._ended and self._waiting.qsize() <= 1

    @property
    def behind(self) -> bool:
        """Whether frames of a live source are waiting to be processed."""
        return self._paced and self._waiting.qsize() > self._ended

    def _read(self) -> None:
        """Take the frames of the source at their times, until it ends or nobody waits."""
        begin = time.monotonic()
        try:
            for seconds, frame in self._frames:
                if self._paced and not self._camera:
                    time.sleep(max(0.0, begin + seconds - time.monotonic()))
                index = round(seconds * self.fps)
                came = time.monotonic()
                if self._paced and self._waiting.full():
                    self.dropped += self._drop()
                    self._waiting.put((index, came, None))
                self._waiting.put((index, came, frame))
                if self._ended:  # no reader is left
                    return
        except Exception as error:  # raised in the reader that waits for a frame
            self._error = error
        finally:
            self._waiting.put(None)
            self._ended = True

    def _drop(self) -> int:
        """Drop the waiting pictures; returns their number."""
        n = 0
        with suppress(Empty):
            while True:
                picture = self._waiting.get_nowait()
                n += picture is not None and picture[2] is not None
        return n

    def frames(self) -> Iterator[NDArray[np.uint8]]:
        """The frames of the next stretch, one for each index.

        It ends where frames are dropped, or with the source.
        """
        if self._reader.ident is None:
            self._reader.start()
        before: NDArray[np.uint8] | None = None
        while (picture := self._waiting.get()) is not None:
            index, came, frame = picture
            if frame is None:
                self.taken = max(self.taken, index)
                return
            while before is not None and self.taken < index:
                self.missing += 1
                yield self._counted(came, before)
            if index >= self.taken or before is None:  # else the source gives more frames than its rate
                yield self._counted(came, frame)
            before = frame
        self._waiting.put(None)  # the end again, for a further request
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """Release the source."""
        self._ended = True
        self._drop()

    def _counted(self, came: float, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """A frame that is given out, counted with its time of arrival."""
        self.came[self.taken] = came
        self.came.pop(self.taken - 1000, None)
        self.taken += 1
        return frame
