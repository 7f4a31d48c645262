"""Frames from a video file."""

from __future__ import annotations

import hashlib
import math
import os
import zlib
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.errors import DataError
from mebench.frames.images import SUFFIXES

_SAMPLE = 1 << 16
"""Bytes hashed at the head, the middle and the tail of the file."""

_WORTH_SEEKING = 32
"""Decoding that many frames forward costs about as much as a jump, which starts at the key frame before its target."""


class VideoFrames:
    """The frames of a video file, decoded by OpenCV's FFmpeg when asked for.

    Reading forward decodes each frame once. Any frame is the one that decoding from the start gives: what a jump lands on
    is compared with what was seen at that place before, and a file whose jumps go astray is read from its start. So the
    first visit to a frame decodes all before it, later ones jump. One object serves one thread.

    Args:
        path: of the file; it is opened when the first frame, the length or the rate is asked for.
        color: True for (H, W, 3) frames in B, G, R order; False for (H, W).
    """

    def __init__(self, path: Path | str, color: bool = True) -> None:
        self.path, self.color = Path(path), color
        self._capture: Any = None
        self._next = 0
        self._seen: list[int] = []  # a checksum for each frame up to the farthest one decoded
        self._jumps = True  # until one goes astray
        self._jumped = False  # since the last start

    def __reduce__(self) -> tuple[type[VideoFrames], tuple[Path, bool]]:
        return VideoFrames, (self.path, self.color)

    @cached_property
    def _count(self) -> int:
        """The container's number of frames if its last frame is there and the last, else their count one by one."""
        import cv2

        capture = self._open()
        n = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if n >= 1 and math.isfinite(n) and capture.set(cv2.CAP_PROP_POS_FRAMES, n - 1):
            at_last = round(capture.get(cv2.CAP_PROP_POS_FRAMES)) == n - 1
            if at_last and capture.grab() and not capture.grab():
                return int(n)
        capture, counted = self._open(), 0
        while capture.grab():
            counted += 1
        if counted == 0:
            raise DataError(f"the video {self.path} has no frame that can be decoded: it is damaged, copy it again")
        return counted

    def __len__(self) -> int:
        """Number of frames: the container's word, checked at its end; counted by decoding only where that is wrong.

        Raises:
            DataError: the file is missing, no video, or no frame of it can be decoded.
        """
        return self._count

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        """Frame `index`, (H, W, 3) uint8 in B, G, R order, or (H, W) with `color=False`.

        Raises:
            IndexError: the index lies outside [0, len).
            DataError: the file is missing, no video, or damaged before or at that frame.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"frame {index} does not exist: the video {self.path} has frames 0 to {len(self) - 1}")
        self._approach(index)
        frame = self._read()
        while self._next <= index:
            frame = self._read()
        if self.color:
            return frame
        import cv2

        return np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))

    @cached_property
    def fps(self) -> float | None:
        """Frames per second as the container says, None where it does not.

        Raises:
            DataError: the file is missing or no video.
        """
        import cv2

        rate = float(self._open().get(cv2.CAP_PROP_FPS))
        return rate if math.isfinite(rate) and rate > 0 else None

    def fingerprint(self) -> str:
        """Hash of the size of the file, of 64 KiB at its head, middle and tail, and of `color`. Nothing is decoded.

        Raises:
            DataError: the file is missing or cannot be read.
        """
        whole = hashlib.sha256(f"{self.color}".encode())
        try:
            with self.path.open("rb") as file:
                size = os.fstat(file.fileno()).st_size
                whole.update(str(size).encode())
                for begin in (0, (size - _SAMPLE) // 2, size - _SAMPLE):
                    file.seek(max(begin, 0))
                    whole.update(file.read(_SAMPLE))
        except OSError as error:
            raise DataError(
                f"the video {self.path} cannot be read ({error.strerror}): check its path and permissions"
            ) from None
        return whole.hexdigest()[:32]

    def _approach(self, index: int) -> None:
        """Stand at a frame, or at one before it from where to decode forward."""
        import cv2

        if self._capture is None:
            self._restart()
        seen = min(index, len(self._seen) - 1)
        if index >= self._next and (not self._jumps or seen - self._next <= _WORTH_SEEKING):
            return
        if self._jumps and seen > _WORTH_SEEKING:
            self._capture.set(cv2.CAP_PROP_POS_FRAMES, seen)
            self._next, self._jumped = seen, True
        else:
            self._restart()

    def _read(self) -> NDArray[np.uint8]:
        """Decode the next frame; the very first one if it shows that the last jump had gone astray."""
        there, frame = self._capture.read()
        if not there or not self._as_before(frame):
            if not self._jumped:
                raise DataError(
                    f"frame {self._next} of {len(self)} of the video {self.path} cannot be decoded: the file is damaged or "
                    "changes while it is read, copy it from the original again"
                )
            self._jumps = False
            self._restart()
            return self._read()
        self._next += 1
        return np.asarray(frame)

    def _as_before(self, frame: NDArray[np.uint8]) -> bool:
        """Whether this is the frame that was seen at this place before; what is new is remembered."""
        checksum = zlib.crc32(frame[::8].tobytes())
        if self._next == len(self._seen):
            self._seen.append(checksum)
        return self._seen[self._next] == checksum

    def _restart(self) -> None:
        self._capture, self._next, self._jumped = self._open(), 0, False

    def _open(self) -> Any:
        """A new capture at the first frame."""
        import cv2

        if not self.path.is_file():
            raise DataError(f"there is no video file {self.path}: check the dataset's root and that it was unpacked")
        if self.path.suffix.lower() in SUFFIXES:
            raise DataError(f"{self.path} is an image, not a video: give the folder of images or a video file")
        # One thread: the workers share the cores by video.
        capture = cv2.VideoCapture(str(self.path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
        if not capture.isOpened():
            raise DataError(
                f"the video {self.path} cannot be opened: it is empty, damaged or no video, copy it from the original again"
            )
        return capture
