"""From a configuration to the folds and the work: everything known before the first frame is read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mebench.config import RunConfig
from mebench.core.chain import Chain
from mebench.core.dataset import Dataset
from mebench.core.method import Method
from mebench.core.seeds import stable_seed
from mebench.core.types import KINDS, Fold, Kind, Scheme, SubjectKey, Task, Timing, Video
from mebench.errors import ConfigError, DataError, unknown
from mebench.protocols import folds as make_folds
from mebench.registry import load
from mebench.runner.timing import fold_timings


@dataclass(frozen=True)
class Plan:
    """A run before it starts.

    Attributes:
        config: the resolved configuration.
        videos: all videos of the dataset, sorted by key.
        scheme: the emotion scheme.
        task: what the method is asked to do.
        folds: the protocol's folds.
    """

    config: RunConfig
    dataset: Dataset
    method_class: type[Method]
    videos: tuple[Video, ...]
    scheme: Scheme
    task: Task
    folds: tuple[Fold, ...]

    @property
    def selects(self) -> bool:
        """Whether the method holds the inner validation subjects out."""
        return self.method_class.selects

    def training_subjects(self, fold: Fold) -> tuple[SubjectKey, ...]:
        """Who is fitted on: the validation subjects too, unless the method selects on them."""
        return fold.train if self.selects else tuple(sorted((*fold.train, *fold.valid)))

    def timings(self, fold: Fold) -> dict[str, Timing]:
        """Timing of each dataset, from the fold's training subjects."""
        return fold_timings(self.videos, self.training_subjects(fold), self.task.kinds)

    def fold_seed(self, fold: Fold) -> int:
        """Seed of everything random in a fold: depends on the run's seed and the fold, not on who ran before."""
        return stable_seed(self.config.seed, "fold", fold.key)

    def method(self, seed: int = 0) -> Method:
        """A fresh method; its initial weights follow torch's seed."""
        return self.method_class(self.config.method_params, self.task, seed)

    def chains(self) -> dict[str, tuple[Chain, ...]]:
        """The distinct chains that any fold reads, by (member) dataset."""
        method = self.method()
        found: dict[str, dict[str, Chain]] = {}
        for fold in self.folds:
            for dataset, timing in self.timings(fold).items():
                for chain in method.chains(timing).values():
                    found.setdefault(dataset, {})[chain.fingerprint() + chain.name] = chain
        return {dataset: tuple(chains.values()) for dataset, chains in found.items()}

    def left_out(self) -> Counter[str]:
        """Native labels of micro-expressions that the scheme does not score, counted; they stay truths for spotting."""
        return Counter(
            e.emotion or "(none)"
            for v in self.videos
            for e in v.expressions
            if e.kind == "micro" and self.scheme.index(e.emotion) is None
        )


def make_plan(config: RunConfig) -> Plan:
    """Build dataset, scheme, task and folds.

    Raises:
        MebenchError: anything that cannot work, in one sentence, before any work is done.
    """
    dataset = _dataset(config)
    method_class: type[Method] = load("method", config.method)
    tasks = method_class.tasks & dataset.tasks
    if not tasks:
        raise ConfigError(
            f"method {config.method!r} can {_list(method_class.tasks)}, but dataset {config.dataset!r} serves only {_list(dataset.tasks)}. "
            "See what fits with: mebench list"
        )
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
        videos,
        scheme,
        Task(tasks, kinds, scheme.classes, one_per_video=dataset.one_per_video),
        folds,
    )
    _check_training(plan)
    return plan


def _dataset(config: RunConfig) -> Dataset:
    members: dict[str, Dataset] = {id_: load("dataset", id_)(params) for id_, params in config.dataset_params.items()}
    return next(iter(members.values()))


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
            e.kind == "micro" and plan.scheme.index(e.emotion) is not None
            for v in plan.videos
            if v.subject_key in training
            for e in v.expressions
        ):
            raise ConfigError(
                f"fold {fold.key!r}: no training clip has a class of the scheme {plan.scheme.name!r}: choose another with scheme=NAME"
            )


def _list(tasks: frozenset[str]) -> str:
    return " and ".join(sorted(tasks)) or "nothing"
