"""What a run asks of the features: compute them, tell whether they are there, read them."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, Dataset, Video
from mebench.errors import ConfigError, DataError
from mebench.features.base import Image, Landmarks
from mebench.features.detection import to_gray
from mebench.features.entry import Draft, Stage
from mebench.features.flow import Flow
from mebench.features.source import FEATURE, FLOW, Clip, Source, nothing, route_of
from mebench.features.store import FeatureStore


@dataclass(frozen=True)
class ComputeCost:
    """What it took to have the features of one video.

    Attributes:
        seconds: wall time.
        n_frames: frames of the video; 0 where it has only ready-made features.
        computed: False if all was there before.
    """

    seconds: float
    n_frames: int
    computed: bool


def compute(
    store: FeatureStore,
    dataset: Dataset,
    dataset_id: str,
    video: Video,
    chains: Sequence[Chain],
    clips: Sequence[Clip],
    tell: Callable[[int, float], None] | None = None,
) -> ComputeCost:
    """Compute and store what is missing for one video.

    Args:
        store: where the features go.
        dataset: where the frames come from.
        dataset_id: its id, part of every key.
        video: one of its videos.
        chains: those of scope `frames` are computed for all frames, those of scope `clips` for each of `clips`.
        clips: (onset, apex, offset) in frames.
        tell: called now and then with the frames done and the share of the video's work, 0 to 1.

    Raises:
        NoFaceError: no face in the video.
        DataError: unreadable frames, landmarks that are missing, a full disk.
        ConfigError: a chain whose steps do not fit together.
    """
    begin = time.perf_counter()
    source = _look(store, dataset, dataset_id, video, again=True)
    wanted = list(_wanted(source, chains, clips))
    missing = [(chain, clip) for chain, clip in wanted if not store.holds(source.key("feature", chain, clip))]
    n_frames = len(source.frames()) if wanted else video.n_frames or 0
    rows = [n_frames if clip is None else 1 for _, clip in missing]
    uncut = sum(not store.holds(key) for key in {source.key("crops", chain, None) for chain, _ in missing})
    ticks = source.tick = _Ticks(tell or (lambda frames, share: None), n_frames, uncut * n_frames, rows)
    for place, (chain, clip) in enumerate(missing):
        ticks.place, ticks.done = place, 0
        source.feature(chain, clip)
        if clip is not None:
            ticks("feature")
    source.tick = nothing
    return ComputeCost(time.perf_counter() - begin, n_frames, bool(missing))


def adopt(
    store: FeatureStore,
    dataset: Dataset,
    dataset_id: str,
    video: Video,
    chains: Sequence[Chain],
    clips: Sequence[Clip],
    other: FeatureStore,
    called: tuple[str, str],
) -> None:
    """Keep the features of a video that another process computed into a store of its own; nothing else of that is looked at.

    Args:
        store: where they go, as the rest in `compute`.
        dataset: where the frames come from.
        dataset_id: its id.
        video: one of its videos.
        chains: that were computed.
        clips: likewise.
        other: where they are.
        called: key of the video, and fingerprint of its frames, as the process knew them.
    """
    source = _look(store, dataset, dataset_id, video)
    for chain, clip in _wanted(source, chains, clips):
        key = source.key("feature", chain, clip)
        if (found := other.read(replace(key, video=called[0], frames=called[1]))) is not None:
            draft = Draft(found.array.shape, found.array.dtype, [found.array], found.extra)
            store.fetch(key, lambda draft=draft: draft)  # type: ignore[misc]


def is_ready(
    store: FeatureStore,
    dataset: Dataset,
    dataset_id: str,
    video: Video,
    chains: Sequence[Chain],
    clips: Sequence[Clip],
) -> bool:
    """Whether `compute` would find all there. Reads markers and headers, and the frames only for their fingerprint.

    A video whose frames or landmarks cannot be read is not ready: `compute` says why.
    """
    source = _look(store, dataset, dataset_id, video, again=True)
    try:
        return all(store.holds(source.key("feature", chain, clip)) for chain, clip in _wanted(source, chains, clips))
    except DataError:
        return False


def content(
    store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, chains: Sequence[Chain]
) -> tuple[str, ...]:
    """Hashes of what features are computed from, wherever it lies: a video's frames, and its landmarks, or the file by which they are
    found, where a chain asks for them. Empty where they cannot be read: `compute` says why.
    """
    source = _look(store, dataset, dataset_id, video, again=True)
    try:
        keys = [source.key("feature", chain, None) for chain in chains]
    except DataError:
        return ()
    return tuple(sorted({word for key in keys for word in (key.frames, key.landmarks)}))


def frame_features(
    store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, chain: Chain
) -> NDArray[np.float16]:
    """Features of a chain of scope `frames`, memory-mapped, computed if they are missing.

    With flow (n_frames - k, ...): row i belongs to the frames i and i + k; a video of k frames or fewer gives no rows, but
    the shape of a row is told. With an image step (n_frames, ...). A feature that the dataset provides is returned as it is.

    Raises:
        DataError, ConfigError: what `compute` raises.
    """
    source = _look(store, dataset, dataset_id, video)
    if (provided := _provided(source, chain, "frames")) is not None:
        return provided
    return source.feature(chain, None).array


def clip_feature(
    store: FeatureStore,
    dataset: Dataset,
    dataset_id: str,
    video: Video,
    chain: Chain,
    onset: int,
    apex: int,
    offset: int | None = None,
) -> NDArray[np.float16]:
    """Feature of a chain of scope `clips` for one clip, computed if it is missing.

    It comes from the flow between onset and apex, from the image at the apex, or from all frames from onset to offset, as
    the chain has it. The array is read-only and remembered in memory. A feature that the dataset provides is returned as
    it is.

    Args:
        store: where the features go.
        dataset: where the frames come from.
        dataset_id: its id, part of every key.
        video: one of its videos.
        chain: its steps.
        onset: first frame.
        apex: frame of the peak.
        offset: last frame; the apex where it is left out.

    Raises:
        DataError: one of them is no frame of the video.
        DataError, ConfigError: what `compute` raises.
    """
    source = _look(store, dataset, dataset_id, video)
    if (provided := _provided(source, chain, "clips")) is not None:
        return provided
    clip = (onset, apex, apex if offset is None else offset)
    key = source.key("feature", chain, clip)
    if (feature := store.recent.get(key)) is None:
        feature = np.array(source.feature(chain, clip).array)
        store.recent.put(key, feature)
    return feature


def feature_rows(
    chain: Chain, crops: Iterable[Image], landmarks: Landmarks | None = None
) -> Iterator[NDArray[np.float16]]:
    """The rows of `frame_features` one by one, each as soon as the crops are there that it needs; nothing is stored.

    Args:
        chain: of scope `frames`, whose flow has one gap.
        crops: (size, size) each, in order.
        landmarks: (68, 2) points (x, y) in pixels of the crops, where a step asks for them.

    Raises:
        ConfigError: the chain has another scope, or flow over two gaps.
    """
    route = route_of(chain)
    if chain.scope != "frames" or (isinstance(route.core, Flow) and len(route.core.gaps) > 1):
        raise ConfigError(
            f"the chain {chain.name!r} needs more than a frame and one after it, so no live video will do"
        )
    core = route.core
    first = (flow.astype(FLOW) for flow in core.maps(crops)) if isinstance(core, Flow) else map(core.apply, crops)  # type: ignore[union-attr]
    for made in first:
        x = np.asarray(made, np.float32)
        for step in route.maps:
            x = step.apply(x, landmarks)
        yield x.astype(FEATURE)


def face_crops(
    store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, chain: Chain
) -> NDArray[np.uint8] | None:
    """The face crops that a chain begins with, (n_frames, size, size), memory-mapped; None where the dataset provides the feature.

    Raises:
        DataError, ConfigError: what `compute` raises.
    """
    source = _look(store, dataset, dataset_id, video)
    return None if source.provided(chain) is not None else source.crops(chain).array


def placed_crops(
    store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, chain: Chain
) -> tuple[NDArray[np.uint8], Landmarks | None]:
    """The face crops that a chain begins with, (n_frames, size, size), and the (68, 2) points in them where a step of it asks.

    Raises:
        DataError, ConfigError: what `compute` raises; the dataset has no frames.
    """
    source = _look(store, dataset, dataset_id, video)
    return source.crops(chain).array, source.crop_landmarks(chain, route_of(chain))


def count_faces(store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, chain: Chain) -> int:
    """How many faces the frame shows where the face of the crops was found: the largest of them is theirs."""
    source = _look(store, dataset, dataset_id, video)
    frame = source.crops(chain).extra["frame"]
    return len(route_of(chain).crop.faces(to_gray(source.frames()[frame], frame, video.key)))


CROP = 0.2
"""Work of one crop, decoding its frame included, where one flow is 1: less for TV-L1, more for the fast flows."""


@dataclass
class _Ticks:
    """Counts what is done for a video and tells how far it is.

    Attributes:
        tell: whom.
        n_frames: of the video.
        n_crops: to be cut.
        rows: of each feature to be made.
        place: of the feature at work.
        done: its rows so far.
        crops: so far.
    """

    tell: Callable[[int, float], None]
    n_frames: int
    n_crops: int
    rows: Sequence[int]
    place: int = 0
    done: int = 0
    crops: int = 0

    def __call__(self, stage: Stage) -> None:
        if stage == "crops":
            self.crops = min(self.crops + 1, self.n_crops)
        else:
            self.done = min(self.done + 1, self.rows[self.place])
        work = sum(self.rows[: self.place]) + self.done + CROP * self.crops
        share = work / max(sum(self.rows) + CROP * self.n_crops, 1)
        self.tell(int(share * self.n_frames), share)


def _wanted(source: Source, chains: Sequence[Chain], clips: Sequence[Clip]) -> Iterator[tuple[Chain, Clip | None]]:
    """The features to be stored: for all frames (None) or for a clip; not those that the dataset provides."""
    for chain in chains:
        if source.provided(chain) is None:
            for clip in [None] if chain.scope == "frames" else clips:
                yield chain, clip


def _provided(source: Source, chain: Chain, scope: str) -> NDArray[Any] | None:
    """What the dataset provides, or None for a chain of the scope that is asked for."""
    provided = source.provided(chain)
    if provided is None and chain.scope != scope:
        raise ConfigError(
            f"the chain {chain.name!r} has the scope {chain.scope!r}: ask it for {chain.scope}, not {scope}"
        )
    return provided


def _look(store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, again: bool = False) -> Source:
    """What this process knows about a video.

    Fingerprints are remembered as long as the store object lives, or a clip read in every epoch would hash frames each
    time; `compute` and `is_ready` look again.
    """
    key = (id(dataset), dataset_id, video.key)
    if again or key not in store.sources:
        store.sources[key] = Source(store, dataset, dataset_id, video)
    found: Source = store.sources[key]
    return found
