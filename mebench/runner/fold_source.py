"""The source of a run's videos: a dataset that each process opens once, or the host of a sandboxed process."""

import hashlib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Self
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from mebench.config.resolving import dataset_from_plain
from mebench.core import Dataset, Frames, Video, stable_seed
from mebench.errors import DataError, MebenchError, PluginError
from mebench.features import FeatureStore, processor
from mebench.features.store import Key, StoredArray
from mebench.files import code_hash, file_hash
from mebench.runner.choices import open_dataset
from mebench.runner.inputs import (
    RunCode,
    refuse_other_code,
    refuse_other_processor,
    short_hash,
    with_absolute_data,
    worker_inputs,
)
from mebench.sandbox.isolation import Mapped, Request

SMALL = 1 << 14
"""Bytes of a ready-made feature that is kept in memory."""
ENOUGH_BYTES = 1 << 24
"""Bytes of ready-made features that are enough for one answer."""


@dataclass(frozen=True)
class DatasetSource:
    """The dataset of a run for a process in another folder or on another machine; nothing of its methods.

    Attributes:
        settings: see `dataset_settings`; they identify the source.
        code: code that the process must have in common with the plan.
        inputs: hashes of everything that predictions depend on and a worker can check.
        processor: instructions of the processor.
    """

    settings: str
    code: RunCode
    inputs: tuple[str, str]
    processor: str

    @property
    def plugins(self) -> tuple[str, ...]:
        """Folders with more plugins."""
        return tuple(json.loads(self.settings)["plugins"])

    @classmethod
    def of_run(cls, settings: str, code: RunCode, dataset: Dataset) -> Self:
        """The source of a run.

        Args:
            settings: see `dataset_settings`.
            code: code of the run.
            dataset: opened.
        """
        written = short_hash(worker_inputs(code, dataset.revision, processor(), file_hash))
        computed = short_hash(worker_inputs(code, dataset.revision, processor(), code_hash))
        return cls(settings, code, (written, computed), processor())


def dataset_settings(values: dict[str, Any], degrade: str, plugins: Sequence[str]) -> str:
    """The settings that open a dataset in any folder and identify its frames, as JSON.

    Args:
        values: `dataset` of a configuration as plain data.
        degrade: degradation of the frames, or `none`.
        plugins: folders with more plugins.
    """
    return json.dumps(
        {"dataset": with_absolute_data(values), "degrade": degrade, "plugins": [*plugins]}, sort_keys=True
    )


# Of a sweep, how many datasets a worker remembers; its tasks come run by run.
@lru_cache(maxsize=4)
def open_source(source: DatasetSource) -> Dataset:
    """In another process: the dataset of a run.

    Raises:
        RunError: its inputs or its processor differ from the run's.
    """
    refuse_other_processor("a worker was given a run that", source.processor, processor())
    settings = json.loads(source.settings)
    typed = dataset_from_plain(settings["dataset"], settings["plugins"])
    dataset = open_dataset(typed.dataset_params, settings["degrade"])
    refuse_other_code(
        lambda of: short_hash(worker_inputs(source.code, dataset.revision, source.processor, of)), source.inputs
    )
    dataset.videos()  # where a dataset may learn in which folders the frames lie
    return dataset


class FrameSource:
    """The data of videos that a process without labels may request.

    Args:
        videos: the videos by their drawn keys.
        home: for each its dataset and the dataset's id.
        store: store of features; hidden from the process, since its files bear the real names.
    """

    def __init__(
        self, videos: Mapping[str, Video], home: Callable[[Video], tuple[Dataset, str]], store: FeatureStore
    ) -> None:
        self._videos = videos
        self._home = home
        self._store = store
        self._opened: tuple[str, Frames] | None = None

    def answer(self, word: str, *of: Any) -> Any:
        """Answer a request of the process.

        Raises:
            PluginError: the request is unknown or comes too early.
            DataError: a picture is missing.
        """
        if word == "stored":
            return self._stored(*of)
        with _ANSWERING:
            match word, *of:
                case "frames", key:
                    n_frames, fingerprint = self._about(key)  # which holds the names of files
                    return n_frames, hashlib.sha256(f"{key} {fingerprint}".encode()).hexdigest()
                case "frame", key, index:
                    return self._frames(key)[index]
                case "landmarks", key:
                    return self._home(self._videos[key])[0].landmarks(self._videos[key])
                case "provided", key, name:
                    return self._provided(key, name)
                case "content", key:
                    return content_seed(self._home(self._videos[key])[0], self._videos[key])
        raise PluginError(f"a method asked its host for {word!r}, which is never answered: that is a leak")

    def _stored(self, key: dict[str, Any]) -> Mapped | StoredArray | None:
        """A stored entry for the fields of a `Key` with drawn names; None if there is none."""
        video = self._videos[key["video"]]
        with _ANSWERING:
            dataset, id_ = self._home(video)
            _, fingerprint = self._about(key["video"])
        real = {"dataset": id_, "revision": dataset.revision, "video": video.key, "frames": fingerprint}
        entry = self._store.read(Key(**{**key, **real}))
        return None if entry is None else Mapped.from_entry(entry)

    def _about(self, key: str) -> tuple[int, str]:
        """Number and fingerprint of the frames of a video."""
        video = self._videos[key]
        kept = _ABOUT.setdefault(self._home(video)[0], {})
        if video.key not in kept:
            frames = self._frames(key)
            kept[video.key] = len(frames), frames.fingerprint()
        return kept[video.key]

    def _frames(self, key: str) -> Frames:
        """The frames of a video, which stay open until another is asked for."""
        if self._opened is None or self._opened[0] != key:
            video = self._videos[key]
            self._opened = key, self._home(video)[0].frames(video)
        return self._opened[1]

    @cached_property
    def _keys(self) -> list[str]:
        """The keys of all videos, in order."""
        return list(self._videos)

    def _provided(self, key: str, name: str) -> dict[str, NDArray[Any] | None]:
        """The ready-made feature of a video and, if small, those of the next videos.

        They are usually asked for next.
        """
        features = dict[str, NDArray[Any] | None]()
        size = 0
        for video in self._keys[self._keys.index(key) :]:
            real = self._videos[video]
            dataset, _ = self._home(real)
            kept = _READ.setdefault(dataset, {})  # the next fold asks for them again
            try:
                feature = kept[real.key, name] if (real.key, name) in kept else dataset.provided(real, name)
            except DataError:
                if video == key:
                    raise
                break  # the error belongs to the request for that video
            if feature is None or feature.nbytes <= SMALL:
                kept[real.key, name] = feature
            features[video] = feature
            if feature is not None:
                size += feature.nbytes
            if size > ENOUGH_BYTES:
                break
        return features


def content_seed(dataset: Dataset, video: Video) -> int:
    """A number for the content of a video: its frames, or, where there are none, their number and rate."""
    try:
        content = dataset.frames(video).fingerprint()
    except (MebenchError, OSError, NotImplementedError):  # only annotations or ready-made features
        content = f"{video.n_frames} {video.fps}"
    return stable_seed("content", content)


class HostedStore(FeatureStore):
    """The feature store of a process without labels: entries that the host reads for it, and its own, which are deleted
    with it.

    Args:
        scratch: a folder for its own entries.
        request: asks the host for stored entries.
    """

    def __init__(self, scratch: Path | str, request: Request) -> None:
        super().__init__(scratch)
        self._request = request
        self._entries: dict[Key, StoredArray] = {}

    def holds_entry(self, key: Key) -> bool:
        """Whether the host or this process has the entry."""
        return self.read(key) is not None

    def read(self, key: Key) -> StoredArray | None:
        """The entry, memory-mapped and read-only; None if neither host nor process has it."""
        if key not in self._entries:
            answer: Mapped | StoredArray | None = self._request("stored", asdict(key))
            if answer is None:
                return super().read(key)
            self._entries[key] = answer.open_entry() if isinstance(answer, Mapped) else answer
        return self._entries[key]


_ANSWERING = threading.Lock()
"""Held while a dataset is read, which several folds share: it may have been written for one reader."""
_ABOUT: WeakKeyDictionary[Dataset, dict[str, tuple[int, str]]] = WeakKeyDictionary()
"""Number and fingerprint of the frames of the videos that were asked for, by their keys."""
_READ: WeakKeyDictionary[Dataset, dict[tuple[str, str], NDArray[Any] | None]] = WeakKeyDictionary()


class RemoteDataset(Dataset):
    """A dataset whose frames come from `FrameSource` on request, without annotations.

    Args:
        request: for a picture.
        revision: revision of the dataset.
    """

    def __init__(self, request: Request, revision: str) -> None:
        super().__init__(None)
        self._request = request
        self.revision = revision
        self._given: dict[str, dict[str, NDArray[Any] | None]] = {}

    def videos(self) -> Sequence[Video]:
        """Annotations stay with the host.

        Raises:
            PluginError: always.
        """
        raise PluginError("a fold asked its dataset for annotations: that is a leak")

    def frames(self, video: Video) -> Frames:
        """The frames of a video, each fetched when it is looked at."""
        return _RemoteFrames(self._request, video.key)

    def content_seed(self, video: Video) -> int:
        """A number for the content of a video, see the function `content_seed`."""
        return int(self._request("content", video.key))

    def landmarks(self, video: Video) -> NDArray[np.float64] | None:
        """Landmarks from the dataset."""
        return self._request("landmarks", video.key)  # type: ignore[no-any-return]

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """Features from the dataset, cached with their metadata."""
        features = self._given.setdefault(name, {})
        if video.key not in features:
            features.update(self._request("provided", video.key, name))
        return features[video.key]


class _RemoteFrames:
    def __init__(self, request: Request, key: str) -> None:
        self._request = request
        self._key = key
        self._length, self._fingerprint = request("frames", key)

    def __len__(self) -> int:
        return int(self._length)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        return self._request("frame", self._key, index)  # type: ignore[no-any-return]

    def fingerprint(self) -> str:
        return str(self._fingerprint)
