"""Where the videos of a run come from: a dataset that each process opens once, or the host of a process that may know no labels."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig, from_plain
from mebench.core import Dataset, Frames, Video
from mebench.errors import DataError, PluginError
from mebench.features import processor
from mebench.files import code_hash, file_hash
from mebench.runner.choices import open_dataset
from mebench.runner.inputs import anywhere, digest, inputs_of, refuse_other, refuse_other_processor
from mebench.runner.isolation import Request

REMEMBERED = 4
"""Of a sweep, how many datasets a worker remembers; its tasks come run by run."""
BATCH = 1 << 24
"""Bytes of ready-made features that are enough for one answer."""
SMALL = 1 << 14
"""Bytes of a ready-made feature that is kept in memory."""


@dataclass(frozen=True)
class Source:
    """The dataset of a run for another process, which may work in another folder or on another machine.

    Attributes:
        place: the configuration of the run as JSON, all paths absolute: two of one place are the same source.
        inputs: hashes of all that answers depend on and a worker can tell, with the code as it is written and as it computes.
        processor: its instructions.
        config: the same configuration.
    """

    place: str
    inputs: tuple[str, str]
    processor: str
    config: RunConfig = field(compare=False, repr=False)

    @classmethod
    def of(cls, config: RunConfig, dataset: Dataset) -> Source:
        """The source of a run.

        Args:
            config: of the run.
            dataset: opened.
        """
        place = json.dumps(anywhere(config.values))
        written, computed = (digest(inputs_of(config, dataset, processor(), of)) for of in (file_hash, code_hash))
        return cls(place, (written, computed), processor(), from_plain(json.loads(place)))


@lru_cache(maxsize=REMEMBERED)
def opened(source: Source) -> Dataset:
    """In another process: the dataset of a run.

    Raises:
        RunError: it comes out of other inputs than the run's, or on another kind of processor.
    """
    refuse_other_processor("a worker was given a run that", source.processor, processor())
    dataset = open_dataset(source.config)
    written, computed = source.inputs
    if (
        digest(inputs_of(source.config, dataset, source.processor, file_hash)) != written
    ):  # which takes a tenth of the time
        refuse_other(digest(inputs_of(source.config, dataset, source.processor)), computed)
    dataset.videos()  # where a dataset may learn in which folders the frames lie
    return dataset


class FrameSource:
    """What a process without labels may see of videos, for the asking.

    Args:
        videos: which.
        home: for each its dataset and the dataset's id.
    """

    def __init__(self, videos: Sequence[Video], home: Callable[[Video], tuple[Dataset, str]]) -> None:
        self._videos, self._home = {video.key: video for video in videos}, home
        self._opened: tuple[str, Frames] | None = None

    def answer(self, word: str, *of: Any) -> Any:
        """What a process asks.

        Raises:
            PluginError: it asks for what nobody answers, or too early.
            DataError: a picture is missing.
        """
        with _ANSWERING:
            match word, *of:
                case "frames", key:
                    frames = self._frames(key)
                    return len(frames), frames.fingerprint()
                case "frame", key, index:
                    return self._frames(key)[index]
                case "landmarks", key:
                    return self._home(self._videos[key])[0].landmarks(self._videos[key])
                case "provided", key, name:
                    return self._provided(key, name)
        raise PluginError(f"a method asked the process outside for {word!r}, which nobody answers: that is a leak")

    def _frames(self, key: str) -> Frames:
        if self._opened is None or self._opened[0] != key:
            video = self._videos[key]
            self._opened = key, self._home(video)[0].frames(video)
        return self._opened[1]

    def _provided(self, key: str, name: str) -> dict[str, NDArray[Any] | None]:
        """The ready-made feature of a video, and those of the videos after it as far as they are small: who asks for one wants all."""
        found, size, keys = dict[str, NDArray[Any] | None](), 0, list(self._videos)
        for video in keys[keys.index(key) :]:
            dataset, _ = self._home(self._videos[video])
            kept = _READ.setdefault(dataset, {})  # the next fold asks for them again
            try:
                feature = kept[video, name] if (video, name) in kept else dataset.provided(self._videos[video], name)
            except DataError:
                if video == key:
                    raise
                break  # it is for whoever asks for that one
            if feature is None or feature.nbytes <= SMALL:
                kept[video, name] = feature
            found[video] = feature
            if (size := size + (0 if feature is None else feature.nbytes)) > BATCH:
                break
        return found


_ANSWERING = threading.Lock()
"""Held by who reads a dataset, which several folds share: it may have been written for one reader."""
_READ: WeakKeyDictionary[Dataset, dict[tuple[str, str], NDArray[Any] | None]] = WeakKeyDictionary()


class RemoteDataset(Dataset):
    """A dataset of which `FrameSource` shows something: pictures for the asking, and no annotations.

    Args:
        request: for a picture.
        revision: of the dataset.
    """

    def __init__(self, request: Request, revision: str) -> None:
        super().__init__(None)
        self._request, self.revision = request, revision
        self._given: dict[str, dict[str, NDArray[Any] | None]] = {}

    def videos(self) -> Sequence[Video]:
        """Nobody says what is annotated.

        Raises:
            PluginError: always.
        """
        raise PluginError("a fold asked its dataset what is annotated: that is a leak")

    def frames(self, video: Video) -> Frames:
        """The frames of a video, each fetched when it is looked at."""
        return _RemoteFrames(self._request, video.key)

    def landmarks(self, video: Video) -> NDArray[np.float64] | None:
        """As the dataset gives them."""
        found: NDArray[np.float64] | None = self._request("landmarks", video.key)
        return found

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """As the dataset gives it; kept, together with what came along."""
        given = self._given.setdefault(name, {})
        if video.key not in given:
            given.update(self._request("provided", video.key, name))
        return given[video.key]


class _RemoteFrames:
    def __init__(self, request: Request, key: str) -> None:
        self._request, self._key = request, key
        self._length, self._fingerprint = request("frames", key)

    def __len__(self) -> int:
        return int(self._length)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        frame: NDArray[np.uint8] = self._request("frame", self._key, index)
        return frame

    def fingerprint(self) -> str:
        return str(self._fingerprint)
