"""The way from a video to a feature, stage by stage through the store.

Three stages are stored: face crops (uint8), flow (float16) and the feature (float16). Each reads the one before as
stored, also right after it was computed, so that a first run and a later one see the same bits. The steps of one stage
hand each other float32.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mebench.core.chain import Chain
from mebench.core.dataset import Dataset, Frames
from mebench.core.types import Video
from mebench.errors import ConfigError, DataError
from mebench.features.base import FeatureMap, Landmarks, MapStep
from mebench.features.entry import Draft, Entry, Key, Stage
from mebench.features.faces import FaceCrop, to_crop_pixels
from mebench.features.flow import Flow
from mebench.features.store import FeatureStore
from mebench.features.versions import opencv_version

Clip = tuple[int, int]
FLOW = FEATURE = np.dtype(np.float16)


class Source:
    """One video of one dataset, and the way from it to each stage of a chain."""

    def __init__(self, store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video) -> None:
        self.store, self.dataset, self.dataset_id, self.video = store, dataset, dataset_id, video

    def provided(self, chain: Chain) -> NDArray[Any] | None:
        """The ready-made feature of the dataset, or None."""
        return self.dataset.provided(self.video, chain.name)

    def frames(self) -> Frames:
        """The frames, decoded when asked for."""
        return self.dataset.frames(self.video)

    @cached_property
    def fingerprint(self) -> str:
        """Of the frames, as they were when first looked at."""
        return self.frames().fingerprint()

    @cached_property
    def landmarks(self) -> Landmarks | None:
        """(68, 2) points (x, y) in pixels of the frames, or None.

        Raises:
            DataError: the dataset gives another shape, or points that are not finite.
        """
        points = self.dataset.landmarks(self.video)
        if points is None:
            return None
        points = np.asarray(points, np.float64)
        if points.shape != (68, 2) or not np.isfinite(points).all():
            raise DataError(
                f"the landmarks of {self.video.key} must be 68 finite points (x, y), shape (68, 2), here "
                f"{points.shape}: mend or remove its landmark file"
            )
        return points

    @cached_property
    def landmarks_hash(self) -> str:
        """Of the landmarks; `none` if there are none."""
        points = self.landmarks
        return "none" if points is None else hashlib.blake2b(points.tobytes(), digest_size=16).hexdigest()

    def key(self, stage: Stage, chain: Chain, clip: Clip | None) -> Key:
        """What one stage of a chain depends on; chains that begin alike share the keys of their first stages."""
        _, _, maps = steps_of(chain)
        steps = {
            "crops": chain.fingerprint("video"),
            "flow": chain.fingerprint("video", "pair"),
            "feature": chain.fingerprint(),
        }
        uses_landmarks = stage == "feature" and any(step.needs_landmarks for step in maps)
        return Key(
            stage=stage,
            dataset=self.dataset_id,
            revision=self.dataset.revision,
            video=self.video.key,
            frames=self.fingerprint,
            steps=steps[stage],
            opencv=opencv_version(),
            landmarks=self.landmarks_hash if uses_landmarks else "",
            clip="" if clip is None or stage == "crops" else f"{clip[0]}-{clip[1]}",
        )

    def crops(self, chain: Chain) -> Entry:
        """Face crops (n_frames, size, size) uint8, with their `box`."""
        crop, _, _ = steps_of(chain)

        def build() -> Draft:
            frames, label = self.frames(), self.video.key
            box = crop.find(frames, label)
            shape = (len(frames), crop.size, crop.size)
            return Draft(shape, np.uint8, (c[None] for c in crop.cut(frames, box, label)), {"box": list(box)})

        return self._stored(self.key("crops", chain, None), build)

    def flow(self, chain: Chain, clip: Clip | None) -> Entry:
        """Flow in pixels: (max(n_frames - k, 0), size, size, 2) float16, or one row for a clip."""
        _, flow, _ = steps_of(chain)

        def build() -> Draft:
            images = self.crops(chain).array
            n, *size = images.shape
            if clip is None:
                maps = (f[None] for f in flow.maps(images))
                return Draft((max(n - (flow.k or 0), 0), *size, 2), FLOW, maps)
            for frame in clip:
                if not 0 <= frame < n:
                    raise DataError(f"{self.video.key} has the frames 0 to {n - 1}, so it has no frame {frame}")
            return Draft((1, *size, 2), FLOW, [flow.between(images, *clip)[None]])

        return self._stored(self.key("flow", chain, clip), build)

    def feature(self, chain: Chain, clip: Clip | None) -> Entry:
        """The feature after all steps: (max(n_frames - k, 0), ...) float16, or (...) for a clip."""
        _, _, maps = steps_of(chain)

        def build() -> Draft:
            flows = self.flow(chain, clip).array
            landmarks = self._crop_landmarks(chain)
            if clip is not None:
                feature = self._apply(maps, flows[0], landmarks)
                return Draft(feature.shape, FEATURE, [feature])
            # Also without a single flow the shape of a feature is known.
            like = self._apply(maps, flows[0] if len(flows) else np.zeros(flows.shape[1:], FLOW), landmarks)
            blocks = (self._apply(maps, f, landmarks)[None] for f in flows)
            return Draft((len(flows), *like.shape), FEATURE, blocks)

        return self._stored(self.key("feature", chain, clip), build)

    def _stored(self, key: Key, build: Callable[[], Draft]) -> Entry:
        def with_one_thread() -> Draft:
            import cv2

            cv2.setNumThreads(1)  # or one worker and many would not give the same bits
            return build()

        return self.store.fetch(key, with_one_thread)

    def _crop_landmarks(self, chain: Chain) -> Landmarks | None:
        crop, _, maps = steps_of(chain)
        if self.landmarks is None or not any(step.needs_landmarks for step in maps):
            return None
        x0, y0, x1, y1 = self.crops(chain).extra["box"]
        return to_crop_pixels(self.landmarks, (x0, y0, x1, y1), crop.size)

    def _apply(self, maps: Sequence[MapStep], flow: NDArray[Any], landmarks: Landmarks | None) -> FeatureMap:
        x: FeatureMap = np.asarray(flow, np.float32)
        with _about(self.video):
            for step in maps:
                x = step.apply(x, landmarks)
        return x


def steps_of(chain: Chain) -> tuple[FaceCrop, Flow, tuple[MapStep, ...]]:
    """The steps of a chain, checked: one face crop, one flow, then map steps."""
    crop, flow, *maps = chain.steps if len(chain.steps) > 1 else (None, None)
    if not isinstance(crop, FaceCrop) or not isinstance(flow, Flow) or not all(isinstance(m, MapStep) for m in maps):
        raise ConfigError(
            f"the chain {chain.name!r} must be FaceCrop, Flow and then map steps, not "
            f"{', '.join(type(step).__name__ for step in chain.steps) or 'empty'}"
        )
    if chain.scope == "frames" and flow.k is None:
        raise ConfigError(f"the chain {chain.name!r} of scope 'frames' must say the gap of its flow: Flow(k=...)")
    if chain.scope == "clips" and (flow.k is not None or flow.stride != 1):
        raise ConfigError(
            f"the chain {chain.name!r} of scope 'clips' takes the flow from onset to apex: leave k and stride out"
        )
    return crop, flow, tuple(m for m in maps if isinstance(m, MapStep))


@contextmanager
def _about(video: Video) -> Iterator[None]:
    """Name the video in an error of a step, which does not know it."""
    try:
        yield
    except DataError as error:
        raise DataError(f"{video.key}: {error}") from error
