"""What a run asks of the features: compute them, tell whether they are there, read them."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Chain
from mebench.core.dataset import Dataset
from mebench.core.types import Video
from mebench.errors import ConfigError
from mebench.features.source import Clip, Source
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
) -> ComputeCost:
    """Compute and store what is missing for one video.

    Args:
        store: where the features go.
        dataset: where the frames come from.
        dataset_id: its id, part of every key.
        video: one of its videos.
        chains: those of scope `frames` are computed for all frames, those of scope `clips` for each of `clips`.
        clips: (onset, apex) in frames.

    Raises:
        DataError: no face, unreadable frames, landmarks that are missing, a full disk.
        ConfigError: a chain whose steps do not fit together.
    """
    begin = time.perf_counter()
    source = _look(store, dataset, dataset_id, video, again=True)
    wanted = list(_wanted(source, chains, clips))
    missing = [(chain, clip) for chain, clip in wanted if not store.holds(source.key("feature", chain, clip))]
    for chain, clip in missing:
        source.feature(chain, clip)
    n_frames = len(source.frames()) if wanted else video.n_frames or 0
    return ComputeCost(time.perf_counter() - begin, n_frames, bool(missing))


def is_ready(
    store: FeatureStore,
    dataset: Dataset,
    dataset_id: str,
    video: Video,
    chains: Sequence[Chain],
    clips: Sequence[Clip],
) -> bool:
    """Whether `compute` would find all there. Reads markers and headers, and the frames only for their fingerprint."""
    source = _look(store, dataset, dataset_id, video, again=True)
    return all(store.holds(source.key("feature", chain, clip)) for chain, clip in _wanted(source, chains, clips))


def frame_features(
    store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, chain: Chain
) -> NDArray[np.float16]:
    """Features of a chain of scope `frames`: (n_frames - k, ...), memory-mapped, computed if they are missing.

    Row i belongs to the frames i and i + k. A video of k frames or fewer gives no rows, but the shape of a row is told.
    A feature that the dataset provides is returned as it is.

    Raises:
        DataError, ConfigError: what `compute` raises.
    """
    source = _look(store, dataset, dataset_id, video)
    provided = source.provided(chain)
    if provided is not None:
        return provided
    _expect(chain, "frames")
    return source.feature(chain, None).array


def clip_feature(
    store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, chain: Chain, onset: int, apex: int
) -> NDArray[np.float16]:
    """Feature of a chain of scope `clips` for the flow from frame `onset` to frame `apex`, computed if it is missing.

    The array is read-only and remembered in memory. A feature that the dataset provides is returned as it is.

    Raises:
        DataError: `onset` or `apex` is no frame of the video.
        DataError, ConfigError: what `compute` raises.
    """
    source = _look(store, dataset, dataset_id, video)
    provided = source.provided(chain)
    if provided is not None:
        return provided
    _expect(chain, "clips")
    key = source.key("feature", chain, (onset, apex))
    feature = store.recent.get(key)
    if feature is None:
        feature = np.array(source.feature(chain, (onset, apex)).array)
        store.recent.put(key, feature)
    return feature


def _wanted(source: Source, chains: Sequence[Chain], clips: Sequence[Clip]) -> Iterator[tuple[Chain, Clip | None]]:
    """The features to be stored: for all frames (None) or for a clip; not those that the dataset provides."""
    for chain in chains:
        if source.provided(chain) is None:
            for clip in [None] if chain.scope == "frames" else clips:
                yield chain, clip


def _expect(chain: Chain, scope: str) -> None:
    if chain.scope != scope:
        raise ConfigError(
            f"the chain {chain.name!r} has the scope {chain.scope!r}: ask it for {chain.scope}, not {scope}"
        )


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
