"""From a configuration to the folds and the work: everything known before the first frame is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from mebench.config import RunConfig
from mebench.core.chain import Chain
from mebench.core.composite import Composite
from mebench.core.dataset import Dataset
from mebench.core.method import Method
from mebench.core.seeds import stable_seed
from mebench.core.types import KINDS, Fold, Kind, Scheme, SubjectKey, Task, Timing, Video
from mebench.errors import ConfigError, DataError, unknown
from mebench.protocols import folds as make_folds
from mebench.registry import load
from mebench.runner.timing import fold_timings, rate_groups


@dataclass(frozen=True)
class Plan:
    """A run before it starts.

    Attributes:
        config: the resolved configuration.
        dataset: the dataset, or a composite of several.
        method_class: the method; beside a recognizer it only spots.
        params: its parameters.
        videos: all videos of the dataset, sorted by key.
        scheme: the emotion scheme.
        task: what the run is asked to do.
        folds: the protocol's folds.
        selects: whether the inner validation subjects are held out, because a method chooses something on them.
        recognizer_class: the method that names what the other one spots, or None.
        skipped: keys of the videos without a face: nobody trains on them or is asked about them; their truths stay.
    """

    config: RunConfig
    dataset: Dataset
    method_class: type[Method]
    params: Any
    videos: tuple[Video, ...]
    scheme: Scheme
    task: Task
    folds: tuple[Fold, ...]
    selects: bool
    recognizer_class: type[Method] | None = None
    skipped: frozenset[str] = frozenset()

    @property
    def transductive(self) -> str:
        """`video` if a test video's own unlabelled statistics enter its predictions, else `none`."""
        looks = {part.method_class.looks_at_test_video(part.task.tasks) for part in self.parts()}
        return "video" if "video" in looks else "none"

    def parts(self) -> tuple[Plan, ...]:
        """The run of each method by itself: this one, or that of the spotter and that of the recognizer."""
        if self.recognizer_class is None:
            return (self,)
        spotting, naming = (replace(self.task, tasks=frozenset({task})) for task in ("spot", "recognize"))
        alone = replace(self, task=spotting, recognizer_class=None)
        return alone, replace(
            alone, method_class=self.recognizer_class, params=self.config.recognizer_params, task=naming
        )

    def home(self, video: Video) -> tuple[Dataset, str]:
        """The dataset that a video is read from, and its id: of a composite the member."""
        if isinstance(self.dataset, Composite):
            id_, member = self.dataset.home(video)
            return member, id_
        return self.dataset, self.config.dataset

    @cached_property
    def groups(self) -> dict[str, str]:
        """For each video by its key the group that shares a timing: its dataset, and the frame rate where that varies."""
        return rate_groups(self.videos)

    def training_subjects(self, fold: Fold) -> tuple[SubjectKey, ...]:
        """Who is fitted on: the validation subjects too, unless the method selects on them."""
        return fold.train if self.selects else tuple(sorted((*fold.train, *fold.valid)))

    def timings(self, fold: Fold) -> dict[str, Timing]:
        """Timing of each group of videos (see `groups`), from the fold's training subjects."""
        return fold_timings(self.videos, self.training_subjects(fold), self.task.kinds)

    def fold_seed(self, fold: Fold) -> int:
        """Seed of everything random in a fold: depends on the run's seed and the fold, not on who ran before."""
        return stable_seed(self.config.seed, "fold", fold.key)

    def method(self, seed: int = 0) -> Method:
        """A fresh method; its initial weights follow torch's seed."""
        return self.method_class(self.params, self.task, seed)

    def chains(self) -> dict[str, tuple[Chain, ...]]:
        """The distinct chains that any fold reads, by group of videos; found once."""
        return self._chains

    @cached_property
    def _chains(self) -> dict[str, tuple[Chain, ...]]:
        found: dict[str, dict[str, Chain]] = {}
        methods = [part.method() for part in self.parts()]
        for fold in self.folds:
            for group, timing in self.timings(fold).items():
                for chain in (chain for method in methods for chain in method.chains(timing).values()):
                    found.setdefault(group, {})[chain.fingerprint() + chain.name] = chain
        return {group: tuple(chains.values()) for group, chains in found.items()}

    def chains_of(self, video: Video) -> tuple[Chain, ...]:
        """The distinct chains that any fold reads of a video."""
        return self.chains().get(self.groups[video.key], ())

    def left_out(self) -> Counter[str]:
        """Native labels of micro-expressions that the scheme does not score, counted; they stay truths for spotting."""
        return Counter(
            self.scheme.native_label(e) or "(none)"
            for v in self.videos
            for e in v.expressions
            if e.kind == "micro" and self.scheme.of(e) is None
        )


def make_plan(config: RunConfig) -> Plan:
    """Build dataset, scheme, task and folds.

    Raises:
        MebenchError: anything that cannot work, in one sentence, before any work is done.
    """
    dataset = _dataset(config)
    method_class: type[Method] = load("method", config.method)
    recognizer: type[Method] | None = None if config.recognizer is None else load("method", config.recognizer)
    tasks = _tasks(config, method_class, recognizer, dataset)
    videos = tuple(
        _measured(dataset, v) if "spot" in tasks else v for v in sorted(dataset.videos(), key=lambda v: v.key)
    )
    scheme = _scheme(dataset, config)
    kinds = _kinds(config, method_class, dataset, videos, tasks)
    folds = tuple(make_folds(config.protocol, videos, config.seed, config.validation))
    plan = Plan(
        config,
        dataset,
        method_class,
        config.method_params,
        videos,
        scheme,
        Task(tasks, kinds, scheme.classes, one_per_video=dataset.one_per_video),
        folds,
        selects=method_class.selects or (recognizer is not None and recognizer.selects),
        recognizer_class=recognizer,
    )
    _check_training(plan)
    return plan


def _dataset(config: RunConfig) -> Dataset:
    members: dict[str, Dataset] = {id_: load("dataset", id_)(params) for id_, params in config.dataset_params.items()}
    return next(iter(members.values())) if len(members) == 1 else Composite(members)


def _tasks(
    config: RunConfig, method: type[Method], recognizer: type[Method] | None, dataset: Dataset
) -> frozenset[str]:
    """What the run is asked to do."""
    can = method.tasks
    if recognizer is not None:
        for id_, class_, task, verb in (
            (config.method, method, "spot", "spots"),
            (config.recognizer, recognizer, "recognize", "recognizes"),
        ):
            if task not in class_.tasks:
                raise ConfigError(
                    f"method={config.method} recognizer={config.recognizer} needs a method that spots and one that recognizes, "
                    f"but {id_!r} can only {_list(class_.tasks)}: choose another that {verb}. See them with: mebench list methods"
                )
        can = frozenset({"spot", "recognize"})
    tasks = can & dataset.tasks
    if not tasks or (recognizer is not None and tasks != can):
        raise ConfigError(
            f"method {config.method!r} can {_list(can)}, but dataset {config.dataset!r} serves only {_list(dataset.tasks)}. "
            "See what fits with: mebench list"
        )
    return tasks


def _measured(dataset: Dataset, video: Video) -> Video:
    """The video with its number of frames; spotting cannot do without it, nor without the frame rate."""
    if not video.fps:
        raise DataError(
            f"the frame rate of {video.key} is unknown, and spotting needs it: give it in the dataset's annotations"
        )
    return video if video.n_frames is not None else replace(video, n_frames=len(dataset.frames(video)))


def _scheme(dataset: Dataset, config: RunConfig) -> Scheme:
    schemes: Mapping[str, Scheme] = dataset.schemes
    if config.scheme is None:
        return next(iter(schemes.values()))
    if config.scheme not in schemes:
        raise ConfigError(
            unknown(
                "emotion scheme", config.scheme, schemes, f"Choose one of dataset {config.dataset!r} with scheme=NAME"
            )
        )
    return schemes[config.scheme]


def _kinds(
    config: RunConfig, method: type[Method], dataset: Dataset, videos: Sequence[Video], tasks: frozenset[str]
) -> tuple[Kind, ...]:
    if "spot" not in tasks:
        return ("micro",)
    shared = [k for k in KINDS if k in method.kinds and k in dataset.kinds]
    if not shared:
        raise ConfigError(
            f"method {config.method!r} spots {' and '.join(method.kinds)}-expressions, but dataset {config.dataset!r} annotates only "
            f"{' and '.join(dataset.kinds)}-expressions. See what fits with: mebench list"
        )
    asked = list(config.kinds) if config.kinds is not None else shared[:1]
    for kind in asked:
        if kind not in shared:
            raise ConfigError(
                unknown("kind", kind, shared, f"Kinds that {config.method!r} spots and {config.dataset!r} annotates")
            )
    annotated = {e.kind for v in videos for e in v.expressions}
    for kind in asked:
        if kind not in annotated:
            raise ConfigError(
                f"no {kind}-expression is annotated in dataset {config.dataset!r}, so there is nothing to spot: choose kinds=…"
            )
    return tuple(k for k in KINDS if k in asked)


def _check_training(plan: Plan) -> None:
    """Every fold needs k' for each kind it spots, and training clips to learn emotions from."""
    for fold in plan.folds:
        training = set(plan.training_subjects(fold))
        if "spot" in plan.task.tasks:
            for dataset, timing in plan.timings(fold).items():
                missing = [kind for kind in plan.task.kinds if kind not in timing.k_prime]
                if missing:
                    raise ConfigError(
                        f"fold {fold.key!r}: no training subject shows a {missing[0]}-expression, so its mean length in "
                        f"{dataset!r} is unknown: "
                        "use more subjects, or other kinds=…"
                    )
        if "recognize" in plan.task.tasks and not any(
            e.kind == "micro" and plan.scheme.of(e) is not None
            for v in plan.videos
            if v.subject_key in training
            for e in v.expressions
        ):
            raise ConfigError(
                f"fold {fold.key!r}: no training clip has a class of the scheme {plan.scheme.name!r}: choose another with scheme=NAME"
            )


def _list(tasks: frozenset[str]) -> str:
    return " and ".join(sorted(tasks)) or "nothing"
