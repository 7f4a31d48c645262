"""The two sides of a fold: inside a method is at work and nobody knows the labels of who is tested; outside somebody does."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from mebench.config import RunConfig
from mebench.config.registry import PluginInfo
from mebench.core import Composite, Dataset, Fold, Frames, Kind, Prediction, Scheme, Task, Timing, Video
from mebench.core.history import Epoch
from mebench.core.spotting import Curve, hits
from mebench.errors import DataError, PluginError
from mebench.protocols import find
from mebench.runner.plan import Plan

Ask = Callable[..., Any]
"""How the inside asks the outside: one of `Outside.words` and what belongs to it."""
Place = tuple[str, int, int, int]
"""An annotated clip without its label: key of its video, onset, apex (the middle where nobody marked it), offset."""
Curves = dict[str, dict[Kind, Curve]]
"""By video and kind."""
Look = tuple[str, int, int, tuple[float, ...]]
"""The answer to an annotated clip: its video, onset and offset, and a number for each class."""

BATCH = 1 << 24
"""Bytes of ready-made features that are enough for one answer."""
SMALL = 1 << 14
"""Bytes of a ready-made feature that is kept in memory."""


@dataclass(frozen=True)
class Brief:
    """All that the inside is told of a fold, plain data: a method at work reaches this, and what `Outside` answers.

    Attributes:
        fold: who trains and who is tested.
        timings: of each group of videos; k' comes from who trains.
        config: of the run, without the places of dataset and runs.
        videos: all of them; those that do not train or validate have no expressions.
        homes: for each video, by its key, the id of its dataset.
        revisions: of each dataset.
        method: see `Plan`, as the rest.
    """

    fold: Fold
    timings: Mapping[str, Timing]
    config: RunConfig
    videos: tuple[Video, ...]
    homes: Mapping[str, str]
    revisions: Mapping[str, str]
    method: PluginInfo
    params: Any
    scheme: Scheme
    task: Task
    selects: bool
    recognizer: PluginInfo | None
    skipped: frozenset[str]

    def plan(self, ask: Ask) -> Plan:
        """The run as the inside knows it."""
        plan = Plan(
            self.config,
            Shown(ask, self.homes, self.revisions),
            self.method,
            self.params,
            self.videos,
            self.scheme,
            self.task,
            find(self.config.protocol),
            (self.fold,),
            self.selects,
            self.recognizer,
            self.skipped,
        )
        plan._timings[self.fold.key] = dict(self.timings)
        return plan


class Pictures:
    """What a process without labels may see of videos, for the asking.

    Args:
        videos: which.
        home: for each its dataset and the dataset's id.
    """

    words = frozenset({"frames", "frame", "landmarks", "provided"})
    """What may be asked."""

    def __init__(self, videos: Sequence[Video], home: Callable[[Video], tuple[Dataset, str]]) -> None:
        self._videos = {video.key: video for video in videos}
        self._home = home
        self._opened: tuple[str, Frames] | None = None

    def answer(self, word: str, *of: Any) -> Any:
        """What somebody inside asks.

        Raises:
            PluginError: they ask for what nobody answers, or too early.
            DataError: a picture is missing.
        """
        if word not in self.words:
            raise PluginError(f"a method asked the process outside for {word!r}, which nobody answers: that is a leak")
        return getattr(self, f"_{word}")(*of)

    def _frames(self, key: str) -> tuple[int, str]:
        frames = self._open(key)
        return len(frames), frames.fingerprint()

    def _frame(self, key: str, index: int) -> NDArray[np.uint8]:
        return self._open(key)[index]

    def _open(self, key: str) -> Frames:
        if self._opened is None or self._opened[0] != key:
            self._opened = key, self._dataset(key).frames(self._videos[key])
        return self._opened[1]

    def _landmarks(self, key: str) -> NDArray[np.float64] | None:
        return self._dataset(key).landmarks(self._videos[key])

    def _provided(self, key: str, name: str) -> dict[str, NDArray[Any] | None]:
        """The ready-made feature of a video, and those of the videos after it as far as they are small: who asks for one wants all."""
        found, size, keys = dict[str, NDArray[Any] | None](), 0, list(self._videos)
        for video in keys[keys.index(key) :]:
            try:
                feature = found[video] = _read(self._dataset(video), self._videos[video], name)
            except DataError:
                if video == key:
                    raise
                break  # it is for whoever asks for that one
            if (size := size + (0 if feature is None else feature.nbytes)) > BATCH:
                break
        return found

    def _dataset(self, key: str) -> Dataset:
        return self._home(self._videos[key])[0]


_READ: WeakKeyDictionary[Dataset, dict[tuple[str, str], NDArray[Any] | None]] = WeakKeyDictionary()


def _read(dataset: Dataset, video: Video, name: str) -> NDArray[Any] | None:
    """A ready-made feature; the small ones are kept for the next fold, which asks for them again."""
    kept, key = _READ.setdefault(dataset, {}), (video.key, name)
    if key in kept:
        return kept[key]
    feature = dataset.provided(video, name)
    if feature is None or feature.nbytes <= SMALL:
        kept[key] = feature
    return feature


class Outside(Pictures):
    """Who knows the labels of a fold's tested subjects, and what they tell of them.

    Answers are taken once: intervals come before the places of the clips that are to be named, and stay as they came.

    Args:
        plan: of the run.
        fold: the fold.

    Attributes:
        spotted: what was found in the tested videos, their frames' scores and the curves; None where nobody spotted yet.
    """

    words = Pictures.words | {"spot", "clips", "score"}

    def __init__(self, plan: Plan, fold: Fold) -> None:
        super().__init__(plan.videos, plan.home)
        self.plan, self.fold = plan.at(fold), fold
        self.spotted: tuple[list[Prediction], dict[str, NDArray[np.float64]], Curves] | None = None

    def brief(self) -> Brief:
        """What the inside is told.

        Parameters are made anew from their fields: what a plugin's code, which has been imported here, hung on them stays here.
        """
        plan, config = self.plan, self.plan.config
        homes = {video.key: plan.home(video) for video in plan.videos}
        return Brief(
            self.fold,
            plan.timings(self.fold),
            replace(
                config,
                runs="",
                tracking=None,
                method_params=replace(config.method_params),
                recognizer_params=None if config.recognizer_params is None else replace(config.recognizer_params),
                dataset_params={},
                values={},
                origins={},
            ),
            blind(plan, self.fold),
            {key: id_ for key, (_, id_) in homes.items()},
            {id_: dataset.revision for dataset, id_ in homes.values()},
            plan.method,
            replace(plan.params),
            plan.scheme,
            plan.task,
            plan.selects,
            plan.recognizer,
            plan.skipped,
        )

    def complete(self, result: FoldResult) -> FoldResult:
        """The result of the inside with the intervals that it gave before it was told where clips are."""
        predictions, scores, curves = self.spotted or ([], {}, {})
        return replace(result, predictions=predictions, frame_scores=scores, curves=curves)

    def _spot(self, predictions: list[Prediction], scores: dict[str, NDArray[np.float64]], curves: Curves) -> None:
        self.spotted = self.spotted or (predictions, scores, curves)

    def _clips(self) -> list[Place]:
        """The clips of the tested videos that the scheme scores."""
        if "spot" in self.plan.task.tasks and self.spotted is None and not self.plan.leaks:
            raise PluginError("a fold asked where the tested clips are before it had spotted them: that is a leak")
        return [(v.key, e.onset, e.peak, e.offset) for v in self._test for e in self.plan.scheme.scored(v)]

    def _score(self, answers: list[Any], names: bool) -> float:
        """How good an epoch is on the tested videos, in a run that leaks.

        Args:
            answers: class numbers of the clips, or intervals of all tested videos.
            names: whether it is the classes.
        """
        if not self.plan.leaks:
            raise PluginError("a fold asked how good an epoch is on the tested subjects: that is a leak")
        return accuracy(self.plan.scheme, self._test, answers) if names else f1(self.plan.task, self._test, answers)

    @cached_property
    def _test(self) -> list[Video]:
        return [video for video in self.plan.sides(self.fold).test if video.key not in self.plan.skipped]


def blind(plan: Plan, fold: Fold) -> tuple[Video, ...]:
    """The videos of a run without what is annotated in any but those that are fitted and chosen on.

    Where a run leaks on purpose and its method chooses something, it is chosen on the tested videos, which then keep their labels.
    """
    sides = plan.sides(fold)
    shown = [*sides.train, *sides.valid, *(sides.test if plan.leaks and plan.selects else ())]
    known = {video.key for video in shown}
    return tuple(v if v.key in known else replace(v, expressions=(), distractors=()) for v in plan.videos)


def accuracy(scheme: Scheme, videos: Sequence[Video], answers: Sequence[int]) -> float:
    """Share of the scored clips of some videos that are answered right; 0 where there is none."""
    labels = [scheme.of(e) for video in videos for e in scheme.scored(video)]
    return float(np.mean([answer == label for answer, label in zip(answers, labels)])) if labels else 0.0


def f1(task: Task, videos: Sequence[Video], spotted: Sequence[Prediction]) -> float:
    """2 TP / (spotted + truths) at IoU 0.5, a truth being found if anything hits it; 0 where nothing is there."""
    intervals = defaultdict(list)
    for p in spotted:
        intervals[p.video, p.kind].append((p.onset, p.offset))
    truths = [(video.key, e) for video in videos for e in video.expressions if e.kind in task.kinds]
    found = sum(any(hits(i, (e.onset, e.offset)) for i in intervals[key, e.kind]) for key, e in truths)
    return 2 * found / max(len(spotted) + len(truths), 1)


@dataclass(frozen=True)
class ClipPrediction:
    """The answer to one annotated clip; `probabilities` has one number for each class of the task."""

    video: str
    onset: int
    offset: int
    predicted: str
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class FoldResult:
    """What a fold leaves behind; plain data, so that it travels between processes.

    Of a pair the stages in `history`, the names in `notes` and those of the model's weights begin with `method.` or `recognizer.`.
    `curves` are those in which the spotting method of the fold looked for peaks, as far as it kept some.
    `trained_in` is the run whose frame scores and models these are, where that is another one.
    """

    key: str
    predictions: list[Prediction]
    clips: list[ClipPrediction]
    frame_scores: dict[str, NDArray[np.float64]]
    timings: dict[str, Timing]
    seed: int
    costs: dict[str, float]
    model: bytes = field(repr=False, default=b"")
    history: list[Epoch] = field(repr=False, default_factory=list)
    notes: dict[str, float] = field(default_factory=dict)
    looks: list[list[Look]] = field(repr=False, default_factory=list)
    trained_in: str = ""
    curves: Curves = field(repr=False, default_factory=dict)


class Shown(Composite):
    """The datasets of a run as the inside sees them: pictures for the asking, and no annotations.

    Args:
        ask: for a picture.
        homes: for each video, by its key, the id of its dataset.
        revisions: of each dataset.
    """

    def __init__(self, ask: Ask, homes: Mapping[str, str], revisions: Mapping[str, str]) -> None:
        Dataset.__init__(self, None)
        self.members = {id_: Remote(ask, revision) for id_, revision in revisions.items()}
        self._home = dict(homes)

    def videos(self) -> Sequence[Video]:
        """Nobody says inside what is annotated.

        Raises:
            PluginError: always.
        """
        raise PluginError("a fold asked its dataset what is annotated: that is a leak")


class Remote(Dataset):
    """A dataset of which `Pictures` shows something.

    Args:
        ask: for a picture.
        revision: of the dataset.
    """

    def __init__(self, ask: Ask, revision: str) -> None:
        super().__init__(None)
        self._ask, self.revision = ask, revision
        self._given: dict[str, dict[str, NDArray[Any] | None]] = {}

    def frames(self, video: Video) -> Frames:
        """The frames of a video, each fetched when it is looked at."""
        return _Frames(self._ask, video.key)

    def landmarks(self, video: Video) -> NDArray[np.float64] | None:
        """As the dataset gives them."""
        found: NDArray[np.float64] | None = self._ask("landmarks", video.key)
        return found

    def provided(self, video: Video, name: str) -> NDArray[Any] | None:
        """As the dataset gives it; kept, together with what came along."""
        given = self._given.setdefault(name, {})
        if video.key not in given:
            given.update(self._ask("provided", video.key, name))
        return given[video.key]


class _Frames:
    def __init__(self, ask: Ask, key: str) -> None:
        self._ask, self._key = ask, key
        self._length, self._fingerprint = ask("frames", key)

    def __len__(self) -> int:
        return int(self._length)

    def __getitem__(self, index: int) -> NDArray[np.uint8]:
        frame: NDArray[np.uint8] = self._ask("frame", self._key, index)
        return frame

    def fingerprint(self) -> str:
        return str(self._fingerprint)
