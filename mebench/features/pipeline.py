"""From a video to a feature: the shapes of a chain, its stages in the store, and the requests of a run (compute, check,
read).
"""

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from mebench.core import Chain, Dataset, Frames, Video
from mebench.core.chain import Level
from mebench.errors import ConfigError, DataError, PluginError, refuse_if
from mebench.features.base import (
    FeatureMap,
    Image,
    ImageStep,
    Landmarks,
    MapStep,
    SequenceStep,
    VolumeStep,
    dlib_version,
    opencv_version,
    processor,
    release,
)
from mebench.features.clip_sequences import CropSequence, FlowSequence
from mebench.features.encoder_step import Encode
from mebench.features.faces import FaceCrop, Reference
from mebench.features.flow import Flow
from mebench.features.landmarks import check_landmarks
from mebench.features.store import Draft, FeatureStore, Key, Stage, StoredArray
from mebench.lazy_imports import load_lazily

if TYPE_CHECKING:
    import cv2
else:
    cv2 = load_lazily("cv2")

Clip = tuple[int, int, int]
"""Onset, apex and offset in frames, all inside the video."""

_CLASSES: dict[Level, type[Any]] = {
    "video": FaceCrop,
    "sequence": SequenceStep,
    "image": ImageStep,
    "pair": Flow,
    "volume": VolumeStep,
    "encoder": Encode,
    "map": MapStep,
}


@dataclass(frozen=True)
class Route:
    """The steps of a chain, sorted and checked.

    Attributes:
        crop: step from frames to face crops.
        sequence: steps from the crops of a clip to other crops; empty in a chain for frames.
        core: step from crops to the first map: flow of a pair, one image, the volume of a clip, or the vectors of an encoder.
        maps: steps from map to map.
    """

    crop: FaceCrop
    sequence: tuple[SequenceStep, ...]
    core: Flow | ImageStep | VolumeStep | Encode
    maps: tuple[MapStep, ...]

    @property
    def gap(self) -> int:
        """Frames at the end of a video that have no feature of their own: the gap of a flow, the longer of two; else 0."""
        return (self.core.gaps[-1].k or 0) if isinstance(self.core, Flow) else 0

    @property
    def maps_need_landmarks(self) -> bool:
        """Whether a map step reads landmarks."""
        return any(step.needs_landmarks for step in self.maps)

    def frames_of(self, clip: Clip) -> tuple[int, ...]:
        """The frames of a clip that its feature depends on; clips that differ in other frames share an entry."""
        onset, apex, offset = clip
        if isinstance(self.core, Encode):
            return self.core.frames_of(onset, apex, offset)
        if isinstance(self.core, VolumeStep):
            return onset, offset
        if self.sequence:
            return clip  # a magnified apex depends on all frames of its clip
        if isinstance(self.core, Flow):
            return onset, apex
        return (apex,)


def route_of(chain: Chain) -> Route:
    """The steps of a chain, sorted.

    Raises:
        ConfigError: they do not fit together, or not to the chain's scope.
    """
    if not chain.steps and chain.advice:
        raise ConfigError(
            f"the dataset does not contain {chain.name.replace('_', ' ')}, which mebench does not compute: "
            f"{chain.advice}"
        )
    _check_levels(chain)
    route = _sorted_steps(chain)
    _check_scope(chain, route)
    _check_lengths(chain, route)
    _check_pictures(chain, route)
    _check_sequence(chain, route)
    return route


def _check_levels(chain: Chain) -> None:
    """Refuse a step whose class is not that of its level."""
    for step in chain.steps:
        expected = _CLASSES.get(step.level)
        if expected is None or not isinstance(step, expected):
            raise ConfigError(
                f"the chain {chain.name!r} holds {type(step).__name__} of level {step.level!r}, which must be one of "
                f"{', '.join(get_args(Level))} and fit its class"
            )


def _sorted_steps(chain: Chain) -> Route:
    """The route of a chain. Its steps stand in the order of their levels, with one crop and one core."""
    crops = chain.at("video")
    cores = [*chain.at("pair"), *chain.at("image"), *chain.at("volume"), *chain.at("encoder")]
    ranks = [get_args(Level).index(step.level) for step in chain.steps]
    is_ordered = ranks == sorted(ranks)
    if len(crops) != 1 or len(cores) != 1 or not is_ordered:
        raise ConfigError(
            f"the chain {chain.name!r} must be FaceCrop, then sequence steps if any, then one of Flow, an image step or a "
            f"volume step, or Encode, and then map steps, not {', '.join(type(step).__name__ for step in chain.steps) or 'empty'}"
        )
    return Route(crops[0], chain.at("sequence"), cores[0], chain.at("map"))  # type: ignore[arg-type]


def _check_scope(chain: Chain, route: Route) -> None:
    """Refuse clip steps in a chain for frames, and a gap unfit for the scope."""
    name = chain.name
    core = route.core
    of_frames = chain.scope == "frames"
    of_clip = [*route.sequence, *([core] if isinstance(core, VolumeStep) else [])]
    if of_frames and of_clip:
        raise ConfigError(
            f"the chain {name!r} of scope 'frames' cannot hold {type(of_clip[0]).__name__}, which works on a whole clip: "
            "give it the scope 'clips'"
        )
    if not isinstance(core, Flow):
        return
    refuse_if(
        (
            of_frames and core.k is None,
            f"the chain {name!r} of scope 'frames' must give the gap of its flow: Flow(k=...)",
        ),
        (
            not of_frames and (core.k is not None or core.stride != 1),
            f"the chain {name!r} of scope 'clips' takes the flow from onset to apex: leave k and stride out",
        ),
    )


def _check_lengths(chain: Chain, route: Route) -> None:
    """Refuse a step that changes the number of frames before one that needs the apex."""
    resampling = [step for step in route.sequence if not step.keeps_length]
    if resampling and not isinstance(route.core, VolumeStep):
        raise ConfigError(
            f"the chain {chain.name!r} must not hold {type(resampling[0]).__name__} before {type(route.core).__name__}: it "
            "changes the number of frames and so loses the apex; only a volume step can follow it"
        )


def _check_pictures(chain: Chain, route: Route) -> None:
    """Refuse a step that reads other pictures than the crops: gray or in colour, of another size."""
    for step in (*route.sequence, route.core):
        if step.reads_color is not None and step.reads_color != route.crop.color:
            wanted, given = ("colour", "gray") if step.reads_color else ("gray", "colour")
            raise ConfigError(
                f"the chain {chain.name!r}: {type(step).__name__} reads {wanted} crops, and these are {given}: "
                f"FaceCrop(color={step.reads_color})"
            )
    if isinstance(route.core, Encode) and route.core.size != route.crop.size:
        size = route.core.size
        raise ConfigError(
            f"the chain {chain.name!r}: the encoder {route.core.encoder} reads {size} x {size} pixels, and the crops have "
            f"{route.crop.size} x {route.crop.size}: FaceCrop(size={size})"
        )


def _check_sequence(chain: Chain, route: Route) -> None:
    """Refuse a step from map to map after maps in time."""
    if isinstance(route.core, FlowSequence | CropSequence) and route.maps:
        core, after = type(route.core).__name__, type(route.maps[0]).__name__
        raise ConfigError(
            f"the chain {chain.name!r}: {core} gives maps in time, which {after} does not read: leave {after} out"
        )


FLOW = FEATURE = np.dtype(np.float16)
_T = TypeVar("_T")

_LEVELS_UP_TO: dict[Stage, tuple[Level, ...]] = {
    "crops": ("video",),
    "flow": ("video", "sequence", "pair"),
    "feature": get_args(Level),
}
"""The levels of the steps that lead to each stage."""

MOST_RECENT = 2048
"""Features of clips that a store keeps in memory; beyond that, the least recently used one is dropped."""
CROP = 0.2
"""Work for one crop, including decoding, relative to one flow: less for TV-L1, more for the fast flows."""
FOLLOWED_CROP = 1.5
"""The same where the box follows the face: about 0.5 for TV-L1, 3 for its warm start of small crops."""


Report = Callable[[int, float, Stage], None]
"""Called regularly with the finished frames of a video, the share of its work, 0 to 1, and the stage of the last row."""


def ignore_report(frames: int, share: float, stage: Stage) -> None:
    """A report that nobody reads."""


def ignore_progress(stage: Stage) -> None:
    """A progress callback that does nothing."""


@dataclass(frozen=True)
class ComputeCost:
    """The cost of computing the features of one video.

    Attributes:
        seconds: wall time.
        n_frames: frames of the video; 0 if it has only ready-made features.
    """

    seconds: float = 0.0
    n_frames: int = 0

    def __add__(self, other: "ComputeCost") -> "ComputeCost":
        """The cost of two parts of the work on one video."""
        return ComputeCost(self.seconds + other.seconds, max(self.n_frames, other.n_frames))


class VideoSource:
    """One video, and the way from it to each stage of a chain.

    Attributes:
        tick: called with the stage after each computed row, for progress; `feature` includes the flow.
        shared_flows: the flows that several features read, by key, computed once; None where each is read by one feature,
            as it is computed.
    """

    def __init__(self, store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video) -> None:
        self.store = store
        self.dataset = dataset
        self.dataset_id = dataset_id
        self.video = video
        self.tick: Callable[[Stage], None] = ignore_progress
        self.shared_flows: dict[Key, NDArray[Any]] | None = None
        self._points: dict[FaceCrop, Landmarks | None] = {}

    def provided(self, chain: Chain) -> NDArray[Any] | None:
        """The ready-made feature of the dataset, or None."""
        return self.dataset.provided(self.video, chain.name)

    def frames(self) -> Frames:
        """The frames, decoded on access."""
        return self.dataset.frames(self.video)

    @cached_property
    def fingerprint(self) -> str:
        """Fingerprint of the frames when they were first read."""
        return self.frames().fingerprint()

    @cached_property
    def landmarks(self) -> Landmarks | None:
        """The dataset's own (68, 2) points (x, y) in pixels of the frames, or None.

        Raises:
            DataError: the dataset gives another shape, or points that are not finite.
        """
        points = self.dataset.landmarks(self.video)
        return None if points is None else check_landmarks(points, self.video.key)

    def key(self, stage: Stage, chain: Chain, clip: Clip | None) -> Key:
        """The inputs of one stage of a chain; chains with equal first stages share those keys."""
        route = route_of(chain)
        levels = _LEVELS_UP_TO[stage]
        used = [step for step in chain.steps if step.level in levels]
        is_feature = stage == "feature"
        uses_landmarks = route.crop.needs_landmarks or (is_feature and route.maps_need_landmarks)
        return Key(
            stage=stage,
            dataset=self.dataset_id,
            revision=self.dataset.revision,
            video=self.video.key,
            frames=self.fingerprint,
            steps=chain.fingerprint() if is_feature else chain.fingerprint(*levels),  # a feature's has the scope, too
            opencv=opencv_version(),
            dlib=dlib_version(),
            landmarks=route.crop.landmark_identity(self.landmarks) if uses_landmarks else "",
            processor="" if all(step.portable for step in used) else processor(),
            fps=self.video.fps if route.sequence and stage != "crops" else None,
            clip="" if clip is None or stage == "crops" else "-".join(map(str, route.frames_of(clip))),
        )

    def make_crops(self, chain: Chain) -> StoredArray:
        """Face crops (n_frames, size, size[, 3]) uint8, and the reference face of all of them."""
        crop = route_of(chain).crop

        def build() -> Draft:
            frames = self.frames()
            label = self.video.key
            reference = crop.locate(frames, self.landmarks, label)
            channels = (3,) if crop.color else ()
            return Draft(
                (len(frames), crop.size, crop.size, *channels),
                np.uint8,
                self._counted("crops", crop.cut(frames, reference, label)),
                reference.as_json(),
            )

        return self._stored(self.key("crops", chain, None), build)

    def _flow(self, chain: Chain, clip: Clip | None) -> tuple[int, Iterator[NDArray[Any]]]:
        """Number of flows over one gap, and these (size, size, 2) float16 one by one: a row for each frame but the last k,
        or one for a clip. They are stored only if the store keeps flow.
        """
        key = self.key("flow", chain, clip)
        flows = self._kept_flows(key, chain, clip)
        if flows is not None:
            return len(flows), read_stored_rows(flows)
        draft = self._draft_of_flow(chain, clip)
        return draft.shape[0], (flow.astype(FLOW) for flow in draft.blocks)

    def _kept_flows(self, key: Key, chain: Chain, clip: Clip | None) -> NDArray[Any] | None:
        """The flows from the store, or those that several features share; None if they are to be computed for one feature."""
        if self.store.keep_flow:
            return self._stored(key, lambda: self._draft_of_flow(chain, clip)).array
        stored = self.store.read(key)
        if stored is not None:
            return stored.array
        if self.shared_flows is None:
            return None
        if key not in self.shared_flows:
            self.shared_flows[key] = self.store.map_unnamed_file(self._draft_of_flow(chain, clip))
        return self.shared_flows[key]

    def _draft_of_flow(self, chain: Chain, clip: Clip | None) -> Draft:
        """The flows of a video or of a clip, computed while they are read."""
        route = route_of(chain)
        core = route.core
        shape = (route.crop.size, route.crop.size, 2)
        assert isinstance(core, Flow)
        if clip is not None:
            images, onset, apex = self._clip_images(chain, route, clip)
            return Draft((1, *shape), FLOW, [core.between(images, onset, apex)])
        images = self.make_crops(chain).array
        n_flows = max(len(images) - route.gap, 0)
        return Draft((n_flows, *shape), FLOW, self._counted("feature", core.maps(read_stored_rows(images))))

    def feature(self, chain: Chain, clip: Clip | None) -> StoredArray:
        """The feature after all steps: a row for each frame (but the last k of a flow), or one alone for a clip."""
        route = route_of(chain)

        def build() -> Draft:
            landmarks = self.crop_landmarks(chain, route)
            n, maps = self._first_maps(chain, route, clip)
            rows = (self._apply_map_steps(chain, route, x, landmarks) for x in maps)
            first = next(rows, None)
            if first is None and isinstance(route.core, Encode):
                return Draft((0, route.core.n_pictures, 1, route.core.probe()), FEATURE, [])
            if first is None:  # also without a single flow the shape of a feature is known
                gaps = len(route.core.gaps) if isinstance(route.core, Flow) else 1
                nothing_moves = np.zeros((route.crop.size, route.crop.size, 2 * gaps), np.float32)
                row = self._apply_map_steps(chain, route, nothing_moves, landmarks)
                return Draft((0, *row.shape), FEATURE, [])
            shape = first.shape if clip is not None else (n, *first.shape)
            return Draft(shape, FEATURE, itertools.chain([first], rows))

        return self._stored(self.key("feature", chain, clip), build)

    def _first_maps(self, chain: Chain, route: Route, clip: Clip | None) -> tuple[int, Iterator[NDArray[Any]]]:
        """Number of maps that the map steps begin with, and the maps one by one."""
        core = route.core
        if isinstance(core, Flow):
            lengths, flows = zip(*(self._flow(chain_of_gap, clip) for chain_of_gap in _chains_of_gaps(chain)))
            if len(flows) == 1:
                return lengths[0], flows[0]
            # Flows over the longer gap end sooner.
            return min(lengths), (np.concatenate(from_one_frame, axis=-1) for from_one_frame in zip(*flows))
        if isinstance(core, Encode):
            return self._encoded(chain, route, core, clip)
        if clip is None:
            crops = self.make_crops(chain).array
            maps = (self._name_video_in_errors(core.apply, image) for image in read_stored_rows(crops))
            return len(crops), self._counted("feature", maps)
        images, _, apex = self._clip_images(chain, route, clip)
        seen = images if isinstance(core, VolumeStep) else images[apex]
        return 1, iter([self._name_video_in_errors(core.apply, np.asarray(seen))])

    def _encoded(
        self, chain: Chain, route: Route, core: Encode, clip: Clip | None
    ) -> tuple[int, Iterator[NDArray[Any]]]:
        """Number of vectors of an encoder, and these one by one."""
        crops = self.make_crops(chain).array
        if clip is None:
            return len(crops), self._counted("feature", core.encode_video(crops))
        images, onset, apex = self._clip_images(chain, route, clip)
        offset = clip[2] - clip[0] + onset
        return 1, iter([self._name_video_in_errors(core.encode_clip, images, onset, apex, offset)])

    def _clip_images(self, chain: Chain, route: Route, clip: Clip) -> tuple[Image, int, int]:
        """The crops that a clip's feature reads, and where its onset and apex are."""
        crops = self.make_crops(chain).array
        (onset, apex, offset) = clip
        if missing := [frame for frame in route.frames_of(clip) if not 0 <= frame < len(crops)]:
            raise DataError(f"{self.video.key} has the frames 0 to {len(crops) - 1}, so it has no frame {missing[0]}")
        if not route.sequence and not isinstance(route.core, VolumeStep):
            return crops, onset, apex
        if not onset <= apex <= offset:
            raise DataError(
                f"a clip of {self.video.key} has onset {onset}, apex {apex} and offset {offset}: they must not fall"
            )
        images: Image = np.array(crops[onset : offset + 1])
        for step in route.sequence:
            n_before = len(images)
            images = self._name_video_in_errors(step.apply, images, self.video.fps)
            if step.keeps_length and len(images) != n_before:
                raise PluginError(
                    f"{type(step).__name__} made {len(images)} crops of {n_before}: a step that does so must set keeps_length = False"
                )
        return images, 0, apex - onset

    def crop_landmarks(self, chain: Chain, route: Route) -> Landmarks | None:
        """(68, 2) points (x, y) in pixels of the crops; None if no step needs them. They are detected once for each
        way of cropping.
        """
        if not route.maps_need_landmarks:
            return None
        if route.crop not in self._points:
            reference = Reference.from_json(self.make_crops(chain).extra)
            if not route.crop.needs_landmarks:  # the crops are older than the dataset's landmarks, perhaps
                reference = replace(reference, landmarks=self.landmarks)
            reference = route.crop.with_landmarks(self.frames(), reference, self.video.key)
            self._points[route.crop] = reference.crop_landmarks
        return self._points[route.crop]

    def _apply_map_steps(
        self, chain: Chain, route: Route, x: NDArray[Any], landmarks: Landmarks | None
    ) -> NDArray[np.float16]:
        """A map after all map steps, as stored; values too large for the type are refused."""
        made: FeatureMap = np.asarray(x, np.float32)
        for step in route.maps:
            made = self._name_video_in_errors(step.apply, made, landmarks)
            if np.ndim(made) != 3:
                raise PluginError(
                    f"{self.video.key}: the step {type(step).__name__} gives an array of shape {np.shape(made)} instead of (H, W, C)"
                )
        with np.errstate(over="ignore"):
            half = made.astype(FEATURE)
        if np.isinf(half).any() and np.isfinite(made).all():
            raise DataError(
                f"{self.video.key}: the chain {chain.name!r} gives values up to {np.abs(made).max():.3g} and features are stored in "
                f"half precision, up to {np.finfo(FEATURE).max:g}: let a step scale them, such as MinMax()"
            )
        return half

    def _stored(self, key: Key, build: Callable[[], Draft]) -> StoredArray:
        """The array of a key from the store, or computed with one thread."""

        def with_one_thread() -> Draft:
            cv2.setNumThreads(1)  # or one worker and many would not give the same bits
            return build()

        return self.store.fetch(key, with_one_thread)

    def _counted(self, stage: Stage, rows: Iterable[NDArray[Any]]) -> Iterator[NDArray[Any]]:
        """The rows, with a call of `tick` after each."""
        for row in rows:
            yield row
            self.tick(stage)

    def _name_video_in_errors(self, step: Callable[..., _T], *args: Any) -> _T:
        """The output of a step, with the name of the video added to its errors; NumPy's errors name the step and shape."""
        try:
            return step(*args)
        except DataError as error:
            raise type(error)(f"{self.video.key}: {error}") from error
        except (ValueError, IndexError) as error:
            raise PluginError(
                f"{self.video.key}: the step {type(getattr(step, '__self__', step)).__name__} fails on an array of shape "
                f"{np.shape(args[0])} with {type(error).__name__}: {str(error).rstrip('.')}. Correct the step; "
                "MEBENCH_DEBUG=1 shows the line"
            ) from error

    def compute(
        self,
        chains: Sequence[Chain],
        clips: Sequence[Clip],
        on_progress: Report = ignore_report,
        flows: dict[Key, NDArray[Any]] | None = None,
    ) -> ComputeCost:
        """Compute and store what is missing for one video. A flow that several of the features read is computed once.

        Args:
            chains: those of scope `frames` are computed for all frames, those of scope `clips` for each of `clips`.
            clips: (onset, apex, offset) in frames; without one, chains of scope `clips` get the crops that clips are cut from.
            on_progress: called regularly with how far the work is.
            flows: shared by several calls for the video, so that they compute a flow once.

        Raises:
            NoFaceError: no face in the video.
            DataError: unreadable frames, missing landmarks, a full disk.
            ConfigError: a chain whose steps do not fit together.
        """
        begin = time.perf_counter()
        wanted = list(self._wanted(chains, clips))
        missing = [
            (chain, clip) for chain, clip in wanted if not self.store.holds_entry(self.key("feature", chain, clip))
        ]
        chains_of_crops = self._chains_of_crops(chains, clips)
        n_frames = len(self.frames()) if wanted or chains_of_crops else self.video.n_frames or 0
        progress = self._progress_of(missing, chains_of_crops, n_frames, on_progress)
        if flows is None and self._share_flows(missing):
            flows = {}
        self.tick = progress.tick
        self.shared_flows = flows
        for number, (chain, clip) in enumerate(missing):
            progress.feature_number = number
            self.feature(chain, clip)
            progress.finish(number)
            if clip is not None:
                progress.tick("feature")
        for chain in chains_of_crops:
            self.make_crops(chain)
        self.tick = ignore_progress
        self.shared_flows = None
        return ComputeCost(time.perf_counter() - begin, n_frames)

    def cut_faces(self, chains: Sequence[Chain]) -> ComputeCost:
        """Store the crops that features of chains are computed from, where they are missing.

        Raises:
            NoFaceError: no face in the video.
            DataError: unreadable frames, missing landmarks, a full disk.
        """
        begin = time.perf_counter()
        cut = [self.make_crops(chain) for chain in chains if self.provided(chain) is None]
        return ComputeCost(time.perf_counter() - begin, max((len(crops.array) for crops in cut), default=0))

    def _progress_of(
        self,
        missing: Sequence[tuple[Chain, Clip | None]],
        chains_of_crops: Sequence[Chain],
        n_frames: int,
        report: Report,
    ) -> "_Progress":
        """The progress of missing features, and of the crops behind features and clips."""
        chains = [*chains_of_crops, *(chain for chain, _ in missing)]
        keys_of_crops = {self.key("crops", chain, None) for chain in chains}
        n_uncut = sum(not self.store.holds_entry(key) for key in keys_of_crops)
        feature_rows: list[int] = []
        for _, clip in missing:
            is_whole_video = clip is None
            feature_rows.append(n_frames if is_whole_video else 1)
        follows = any(route_of(chain).crop.is_moving for chain in chains)
        work_of_crop = FOLLOWED_CROP if follows else CROP
        return _Progress(feature_rows, n_uncut * n_frames, work_of_crop, n_frames, report)

    def _share_flows(self, missing: Sequence[tuple[Chain, Clip | None]]) -> bool:
        """Whether several missing features read one flow."""
        read = [
            self.key("flow", chain_of_gap, clip) for chain, clip in missing for chain_of_gap in _chains_of_gaps(chain)
        ]
        return len(set(read)) < len(read)

    def computed_features(self, chains: Sequence[Chain], clips: Sequence[Clip]) -> list[NDArray[Any]]:
        """The stored features of a video, for `adopt`."""
        stored = (self.store.read(self.key("feature", chain, clip)) for chain, clip in self._wanted(chains, clips))
        return [np.asarray(entry.array) for entry in stored if entry is not None]

    def adopt(self, chains: Sequence[Chain], clips: Sequence[Clip], features: Iterable[NDArray[Any]]) -> None:
        """Store features that another process computed and sent as a message; its files are never opened.

        Args:
            chains: chains of the features.
            clips: clips of the features.
            features: arrays, see `computed_features`.
        """
        for (chain, clip), array in zip(self._wanted(chains, clips), features, strict=True):
            self.store.fetch(self.key("feature", chain, clip), partial(Draft, array.shape, array.dtype, [array]))

    def is_ready(
        self,
        chains: Sequence[Chain],
        clips: Sequence[Clip],
    ) -> bool:
        """Whether all that `compute` computes is stored. Reads markers and headers, and frames only for their fingerprint.

        A video with unreadable frames or landmarks is not ready; `compute` raises the reason.
        """
        try:
            for chain, clip in self._wanted(chains, clips):
                if not self.store.holds_entry(self.key("feature", chain, clip)):
                    return False
            chains_of_crops = self._chains_of_crops(chains, clips)
            return all(self.store.holds_entry(self.key("crops", chain, None)) for chain in chains_of_crops)
        except DataError:
            return False

    def hash_content(self, chains: Sequence[Chain]) -> tuple[str, ...]:
        """Hashes of the inputs of features, wherever they lie: a video's frames and, if a chain needs them, its landmarks
        or the predictor file. Empty if unreadable; `compute` raises the reason.
        """
        try:
            keys = [self.key("feature", chain, None) for chain in chains]
        except DataError:
            return ()
        return tuple(sorted({word for key in keys for word in (key.frames, key.landmarks)}))

    def frame_features(self, chain: Chain) -> NDArray[np.float16]:
        """Features of a chain of scope `frames`, memory-mapped, computed if they are missing.

        With flow (n_frames - k, ...): row i belongs to the frames i and i + k; a video of k frames or fewer gives no rows,
        but the array has the shape of a row. With an image step (n_frames, ...). A feature that the dataset provides is
        returned unchanged.

        Raises:
            DataError, ConfigError: as for `compute`.
        """
        provided = self._provided(chain, "frames")
        if provided is not None:
            return provided
        return self.feature(chain, None).array

    def clip_feature(
        self,
        chain: Chain,
        onset: int,
        apex: int,
        offset: int | None = None,
    ) -> NDArray[np.float16]:
        """Feature of a chain of scope `clips` for one clip, computed if it is missing.

        Depending on the chain, it comes from the flow between onset and apex, from the image at the apex, or from all frames
        from onset to offset. The array is read-only and remembered in memory. A feature that the dataset provides is returned
        unchanged.

        Args:
            chain: its steps.
            onset: first frame.
            apex: frame of the peak.
            offset: last frame; the apex where it is left out.

        Raises:
            DataError: one of them is no frame of the video.
            DataError, ConfigError: what `compute` raises.
        """
        provided = self._provided(chain, "clips")
        if provided is not None:
            return provided
        clip = (onset, apex, apex if offset is None else offset)
        key = self.key("feature", chain, clip)
        recent = self.store.recent
        if key not in recent:
            recent[key] = np.array(self.feature(chain, clip).array)
            recent[key].flags.writeable = False
            if len(recent) > MOST_RECENT:
                recent.popitem(last=False)
        recent.move_to_end(key)
        return recent[key]

    def _wanted(self, chains: Sequence[Chain], clips: Sequence[Clip]) -> Iterator[tuple[Chain, Clip | None]]:
        """The features to store, for all frames (None) or a clip. Those that the dataset provides are left out."""
        for chain in chains:
            if self.provided(chain) is None:
                for clip in [None] if chain.scope == "frames" else clips:
                    yield chain, clip

    def _chains_of_crops(self, chains: Sequence[Chain], clips: Sequence[Clip]) -> list[Chain]:
        """The chains whose crops are wanted alone: those of clips, while no clip is known."""
        if clips:
            return []
        return [chain for chain in chains if chain.scope == "clips" and self.provided(chain) is None]

    def _provided(self, chain: Chain, scope: str) -> NDArray[Any] | None:
        """The features that the dataset provides, or None for a chain of the requested scope."""
        provided = self.provided(chain)
        if provided is None and chain.scope != scope:
            raise ConfigError(
                f"the chain {chain.name!r} has the scope {chain.scope!r}: ask it for {chain.scope}, not {scope}"
            )
        if provided is not None and scope == "frames":
            self._check_rows(chain, len(provided))
        return provided

    def _check_rows(self, chain: Chain, n_rows: int) -> None:
        """Refuse provided flow of another frame rate than the method reads."""
        n_frames = self.video.n_frames or 1
        gaps = [step.k or 0 for step in chain.steps if isinstance(step, Flow)]
        if n_frames == 1 or not gaps:
            return
        expected = max(n_frames - gaps[0], 0)
        if n_rows != expected:
            raise DataError(
                f"{self.video.key} has {n_frames} frames and a ready-made {chain.name!r} of {n_rows} rows, but "
                f"flow over {gaps[0]} frames, as the method reads it, has {expected}: the features have "
                "another frame rate. Set method.fps to the rate of the dataset"
            )


class _Progress:
    """The progress of the work on one video.

    Args:
        feature_rows: number of rows of each feature.
        crop_rows: number of crops.
        work_of_crop: work for one crop, relative to one row of a feature.
        n_frames: number of frames of the video.
        report: function called after each row.

    Attributes:
        feature_number: number of the feature that is being computed, counted from 0.
    """

    def __init__(
        self, feature_rows: Sequence[int], crop_rows: int, work_of_crop: float, n_frames: int, report: Report
    ) -> None:
        self.feature_number = 0
        self._rows = [*feature_rows, crop_rows]  # the crops come last
        self._done = np.zeros(len(self._rows))
        self._weights = np.array([1.0] * len(feature_rows) + [work_of_crop])
        self._n_frames = n_frames
        self._report = report

    def tick(self, stage: Stage) -> None:
        """Count a computed row, and report."""
        number = -1 if stage == "crops" else self.feature_number
        self._done[number] = min(self._done[number] + 1, self._rows[number])
        share = float(self._weights @ self._done) / max(float(self._weights @ self._rows), 1.0)
        self._report(int(share * self._n_frames), share, stage)

    def finish(self, feature_number: int) -> None:
        """Count all rows of a feature, which may have been stored meanwhile."""
        self._done[feature_number] = self._rows[feature_number]


def read_stored_rows(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """The rows of a stored array. Memory of read rows is released, so that long films need no more than short ones."""
    for number, row in enumerate(array):
        if number % 1024 == 1023:
            release(array)
        yield row


def _chains_of_gaps(chain: Chain) -> list[Chain]:
    """A chain for each gap of the flow; none without flow."""
    chains = []
    for position, step in enumerate(chain.steps):
        if isinstance(step, Flow) and step.level == "pair":
            before = chain.steps[:position]
            after = chain.steps[position + 1 :]
            chains += [replace(chain, steps=(*before, gap, *after)) for gap in step.gaps]
    return chains


def feature_rows(
    chain: Chain, crops: Iterable[Image], landmarks: Landmarks | None = None
) -> Iterator[NDArray[np.float16]]:
    """The rows of `frame_features` one by one, without storing. Each comes as soon as its crops are available.

    Args:
        chain: chain of scope `frames`, whose flow has one gap.
        crops: (size, size) each, in order.
        landmarks: (68, 2) points (x, y) in pixels of the crops, if a step needs them.

    Raises:
        ConfigError: the chain has another scope, or flow over two gaps.
    """
    route = route_of(chain)
    if chain.scope != "frames" or (isinstance(route.core, Flow) and len(route.core.gaps) > 1):
        raise ConfigError(
            f"the chain {chain.name!r} needs more than a frame and one after it, so no live video will do"
        )
    for made in _first_rows(route.core, crops):
        x = np.asarray(made, np.float32)
        for step in route.maps:
            x = step.apply(x, landmarks)
        yield x.astype(FEATURE)


def _first_rows(core: Flow | ImageStep | VolumeStep | Encode, crops: Iterable[Image]) -> Iterator[NDArray[Any]]:
    """The maps that the map steps begin with, as crops come.

    Raises:
        ConfigError: an encoder reads crops that have not come yet.
    """
    if isinstance(core, Flow):
        return (flow.astype(FLOW) for flow in core.maps(crops))
    if isinstance(core, Encode):
        if core.frames > 1 or core.stride > 1:
            raise ConfigError(f"the encoder {core.encoder} reads frames that a live video has not shown yet")
        return (next(core.encode_video(crop[None])) for crop in crops)
    return map(core.apply, crops)


def video_source(
    store: FeatureStore, dataset: Dataset, dataset_id: str, video: Video, again: bool = False
) -> VideoSource:
    """A video with cached reads of this process.

    Fingerprints are cached in the store object, so that a clip read in every epoch does not hash frames each time;
    `compute` and `is_ready` refresh them.
    """
    key = (id(dataset), dataset_id, video.key)
    if again or key not in store.sources:
        store.sources[key] = VideoSource(store, dataset, dataset_id, video)
    return store.sources[key]  # type: ignore[no-any-return]
